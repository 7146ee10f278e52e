/**
 * PURE. The two 16-bit floating-point types: FP16 (IEEE 754 binary16) and BF16 (the upper half of a binary32), between
 * bits and doubles. Every value of theirs is a double, so decoding is exact; encoding rounds once, from the double, to
 * the nearest and a tie to the even one. Infinities and NaN stay what they are, but not a NaN's payload.
 */

/** A type by its widths in bits; the exponent's bias follows from its width. */
export interface Format {
  readonly fraction: number;
  readonly bias: number;
}
export const FP16: Format = { fraction: 10, bias: 15 };
export const BF16: Format = { fraction: 7, bias: 127 };

/** The double of 16 bits. */
export function decodeFloat16(bits: number, { fraction, bias }: Format): number {
  const exponent = (bits & 0x7fff) >> fraction;
  const part = bits & ((1 << fraction) - 1);
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * part * powerOfTwo(1 - bias - fraction);
  if (exponent > 2 * bias) return part === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (part + (1 << fraction)) * powerOfTwo(exponent - bias - fraction);
}

/** The 16 bits nearest to a double; infinity where they end before it. */
export function encodeFloat16(value: number, { fraction, bias }: Format): number {
  const infinity = (2 * bias + 1) << fraction;
  if (Number.isNaN(value)) return infinity | (1 << (fraction - 1));
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= powerOfTwo(bias) * 2) return sign | infinity;
  // The logarithm may be rounded up to a power of two that the value is just below: it is rounded up there in any case.
  const exponent = Math.max(Math.floor(Math.log2(size)), 1 - bias);
  // In units of the last place, exactly, since it is scaled by a power of two.
  const units = roundToEven(size * powerOfTwo(fraction - exponent));
  // A carry out of the fraction counts the exponent up, into infinity at the end; a subnormal value has no leading one to take off.
  const bits = units + ((exponent + bias - 1) << fraction);
  return sign | Math.min(bits, infinity);
}

/** More than the exponents that are asked for here. */
const POWER_MAX = 160;
/** By halving and doubling, since `**` need not be exact. */
const POWERS = powers();

function powers(): Float64Array {
  const table = new Float64Array(2 * POWER_MAX + 1);
  for (let exponent = 0, power = 1; exponent <= POWER_MAX; exponent++, power *= 2) {
    table[POWER_MAX + exponent] = power;
    table[POWER_MAX - exponent] = 1 / power;
  }
  return table;
}

function powerOfTwo(exponent: number): number {
  return POWERS[POWER_MAX + exponent] ?? Number.NaN;
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
