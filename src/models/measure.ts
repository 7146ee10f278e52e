/** PURE. What checking a value against a schema may cost, before it is checked: see json-schema.ts. */
import { SCHEMA_PATTERN_CHARACTERS, SCHEMA_VALUES } from "../limits.ts";
import { isObject } from "../tensors/tensor.ts";

interface Measure {
  values: number;
  hasBigints: boolean;
  oddName: boolean;
  /** The squares of the lengths of its texts that patterns are held against, and of all names. */
  textWork: number;
  nameWork: number;
}

/** How many values a value holds, up to one more than are checked, what patterns may cost, and what in it the validator can't take. */
export function measure(value: unknown): Measure {
  const found: Measure = { values: 0, hasBigints: false, oddName: false, textWork: 0, nameWork: 0 };
  const seen = (text: string) => {
    if (text.length <= SCHEMA_PATTERN_CHARACTERS) found.textWork += text.length ** 2;
  };
  const left = [value];
  while (left.length > 0 && found.values <= SCHEMA_VALUES) {
    const one = left.pop();
    found.values++;
    if (typeof one === "bigint") found.hasBigints = true;
    else if (typeof one === "string") seen(one);
    else if (Array.isArray(one)) {
      if (one.length > SCHEMA_VALUES) return { ...found, values: one.length };
      for (const item of one) left.push(item);
    } else if (isObject(one)) {
      for (const [name, member] of Object.entries(one)) {
        found.oddName ||= !name.isWellFormed();
        found.nameWork += name.length ** 2;
        seen(name); // `propertyNames` may have a pattern
        left.push(member);
      }
    }
  }
  return found;
}
