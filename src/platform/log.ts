/**
 * One JSON line per event with its time, fields first-class so that log search can index them. Callers pass ids and codes, never
 * keys, payloads or credentials.
 */

type Field = string | number | boolean | null | undefined;

export function log(event: string, fields: Record<string, Field> = {}): void {
  console.log(JSON.stringify({ event, time: now(), ...fields }));
}

/** Something unexpected, with what is known of it. */
export function logError(event: string, error: unknown, fields: Record<string, Field> = {}): void {
  const stack = error instanceof Error ? error.stack : undefined;
  console.error(JSON.stringify({ event, time: now(), ...fields, error: errorText(error), stack }));
}

const now = () => new Date().toISOString();

export function errorText(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
