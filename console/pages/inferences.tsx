/** The list of inferences. */
export function Inferences() {
  return <h1>Inferences</h1>;
}
