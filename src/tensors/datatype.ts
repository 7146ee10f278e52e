/**
 * PURE. The element types of the Open Inference Protocol (kserve/open-inference-protocol, "Tensor Data Types"; BF16 is
 * Triton's and KServe's), their sizes in bytes and what each can hold.
 */

export const DATATYPES = [
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP16",
  "BF16",
  "FP32",
  "FP64",
  "BYTES",
] as const;
export type Datatype = (typeof DATATYPES)[number];

/** An element as JSON has it: BYTES are text; an INT64 or UINT64 beyond ±(2^53 - 1) is a bigint. */
export type Element = string | number | bigint | boolean;

/** What an element of a type is, and its size in bytes; BYTES have none of their own. */
export type Kind =
  | { readonly is: "boolean"; readonly bytes: 1 }
  | { readonly is: "integer"; readonly bytes: 1 | 2 | 4; readonly least: number; readonly most: number }
  | { readonly is: "long"; readonly bytes: 8; readonly least: bigint; readonly most: bigint }
  /** Magnitudes from `limit` on round to infinity. */
  | { readonly is: "float"; readonly bytes: 2 | 4 | 8; readonly limit: number }
  | { readonly is: "text"; readonly bytes: null };

export const KINDS = {
  BOOL: { is: "boolean", bytes: 1 },
  UINT8: { is: "integer", bytes: 1, least: 0, most: 2 ** 8 - 1 },
  UINT16: { is: "integer", bytes: 2, least: 0, most: 2 ** 16 - 1 },
  UINT32: { is: "integer", bytes: 4, least: 0, most: 2 ** 32 - 1 },
  UINT64: { is: "long", bytes: 8, least: 0n, most: 2n ** 64n - 1n },
  INT8: { is: "integer", bytes: 1, least: -(2 ** 7), most: 2 ** 7 - 1 },
  INT16: { is: "integer", bytes: 2, least: -(2 ** 15), most: 2 ** 15 - 1 },
  INT32: { is: "integer", bytes: 4, least: -(2 ** 31), most: 2 ** 31 - 1 },
  INT64: { is: "long", bytes: 8, least: -(2n ** 63n), most: 2n ** 63n - 1n },
  // Each limit is the largest finite value and half of its last place.
  FP16: { is: "float", bytes: 2, limit: (2 - 2 ** -11) * 2 ** 15 },
  BF16: { is: "float", bytes: 2, limit: (2 - 2 ** -8) * 2 ** 127 },
  FP32: { is: "float", bytes: 4, limit: (2 - 2 ** -24) * 2 ** 127 },
  FP64: { is: "float", bytes: 8, limit: Number.POSITIVE_INFINITY },
  BYTES: { is: "text", bytes: null },
} as const satisfies Record<Datatype, Kind>;

export function datatypeNamed(name: unknown): Datatype | null {
  return DATATYPES.find((datatype) => datatype === name) ?? null;
}
