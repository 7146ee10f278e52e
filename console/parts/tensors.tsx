/** Tensors as a small table: their names, types and shapes, and the first of their values. */
import { Table } from "./table.tsx";

export interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data?: readonly unknown[];
}

const VALUES = 8;

/** The tensors of a JSON value of the Open Inference Protocol; null if it has none. */
export function tensorsIn(value: unknown): readonly Tensor[] | null {
  if (typeof value !== "object" || value === null) return null;
  const { outputs, inputs } = value as { readonly outputs?: unknown; readonly inputs?: unknown }; // any object may have them
  const tensors = Array.isArray(outputs) ? outputs : inputs;
  return Array.isArray(tensors) && tensors.length > 0 && tensors.every(isTensor) ? tensors : null;
}

function isTensor(value: unknown): value is Tensor {
  if (typeof value !== "object" || value === null) return false;
  const { name, datatype, shape } = value as Partial<Tensor>;
  return typeof name === "string" && typeof datatype === "string" && Array.isArray(shape);
}

export function Tensors({ tensors }: { readonly tensors: readonly Tensor[] }) {
  return (
    <Table
      label="Tensors"
      rows={tensors}
      name={({ name }) => name}
      columns={[
        { title: "Name", cell: ({ name }) => <code>{name}</code> },
        { title: "Type", cell: ({ datatype }) => datatype },
        { title: "Shape", cell: ({ shape }) => shape.join(" × ") },
        { title: "Values", cell: ({ data }) => <code>{valuesOf(data)}</code> },
      ]}
    />
  );
}

function valuesOf(data: readonly unknown[] | undefined): string {
  if (data === undefined) return "binary";
  const flat = data.flat(Infinity);
  const shown = flat.slice(0, VALUES).map((value) => (typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : String(value)));
  return shown.join(", ") + (flat.length > VALUES ? `, … (${flat.length})` : "");
}
