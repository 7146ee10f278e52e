/**
 * PURE. The names of an inference's trace and of its spans (W3C Trace Context). They are made of the inference's id, so that
 * whoever runs an attempt, sends a delivery or shows a timeline finds the same ones, and nothing is stored for them.
 */

/** The trace of an inference whose client named none: 32 hex digits, those of its id. */
export function ownTraceIdOf(inferenceId: string): string {
  return inferenceId.replaceAll("-", "");
}

/** The id of one span of an inference, by its name within it: 16 hex digits, never all zero. */
export function spanIdOf(inferenceId: string, name: string): string {
  let high = 0x9e3779b9;
  let low = 0x85ebca6b;
  for (const character of `${inferenceId}/${name}`) {
    const code = character.codePointAt(0) ?? 0;
    high = Math.imul(high ^ code, 0x27d4eb2f);
    low = Math.imul(low ^ code, 0x165667b1);
  }
  const mixed = (one: number, other: number) => {
    const once = Math.imul(one ^ (one >>> 16), 0x85ebca6b) ^ Math.imul(other ^ (other >>> 13), 0xc2b2ae35);
    return (once ^ (once >>> 16)) >>> 0;
  };
  const hex = (number: number) => number.toString(16).padStart(8, "0");
  return hex(mixed(high, low) || 1) + hex(mixed(low, high));
}
