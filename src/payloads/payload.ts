/** PURE. A stored input or output, wherever its bytes are. */

/** Bytes of an input or output: in the row when small, else an object in R2 under `key`. */
export type Payload =
  | { readonly at: "row"; readonly body: string | Uint8Array; readonly contentType: string }
  | {
      readonly at: "object";
      /** Null where it was removed. */
      readonly key: string | null;
      readonly bytes: number;
      readonly contentType: string;
      /** Of its bytes, in hex; null where it was not reckoned. */
      readonly sha256?: string | null;
    };
