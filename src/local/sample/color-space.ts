/** PURE. Colors as sRGB and as CIELAB, and how far two of them are apart to the eye. */

export interface Rgb {
  r: number;
  g: number;
  b: number;
}

/** CIELAB under D65, the 2 degree observer. */
export interface Lab {
  l: number;
  a: number;
  b: number;
}

/** `#RRGGBB` (the hash may be missing, letters in either case); null for anything else. */
export function parseHex(text: string): Rgb | null {
  if (!/^#?[0-9a-f]{6}$/i.test(text)) return null;
  const value = Number.parseInt(text.slice(-6), 16);
  return { r: value >> 16, g: (value >> 8) & 255, b: value & 255 };
}

/** `#RRGGBB`, upper case. */
export function formatHex(rgb: Rgb): string {
  return `#${((rgb.r << 16) | (rgb.g << 8) | rgb.b).toString(16).padStart(6, "0").toUpperCase()}`;
}

// IEC 61966-2-1 for the curve and the matrix; the white point is D65, that of sRGB itself, so nothing is adapted.
const WHITE = { x: 0.95047, y: 1, z: 1.08883 };

const KAPPA = 24389 / 27;

const EPSILON = 216 / 24389;

const LINEAR = Float64Array.from({ length: 256 }, (_, level) => {
  const value = level / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

/** @param rgb whole levels 0..255 */
export function rgbToLab(rgb: Rgb): Lab {
  const [r, g, b] = [LINEAR[rgb.r] ?? 0, LINEAR[rgb.g] ?? 0, LINEAR[rgb.b] ?? 0];
  const root = (t: number) => (t > EPSILON ? Math.cbrt(t) : (KAPPA * t + 16) / 116);
  const x = root((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / WHITE.x);
  const y = root((0.2126729 * r + 0.7151522 * g + 0.072175 * b) / WHITE.y);
  const z = root((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / WHITE.z);
  return { l: 116 * y - 16, a: 500 * (x - y), b: 200 * (y - z) };
}

/** Whole levels 0..255; colours that sRGB cannot show are clipped. */
export function labToRgb(lab: Lab): Rgb {
  const fy = (lab.l + 16) / 116;
  const cube = (t: number) => (t ** 3 > EPSILON ? t ** 3 : (116 * t - 16) / KAPPA);
  const x = WHITE.x * cube(fy + lab.a / 500);
  const y = WHITE.y * cube(fy);
  const z = WHITE.z * cube(fy - lab.b / 200);
  const level = (linear: number) => {
    const value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, value)));
  };
  return {
    r: level(3.2404542 * x - 1.5371385 * y - 0.4985314 * z),
    g: level(-0.969266 * x + 1.8760108 * y + 0.041556 * z),
    b: level(0.0556434 * x - 0.2040259 * y + 1.0572252 * z),
  };
}

/**
 * The visible difference of two colours; 1 is barely visible side by side.
 * CIEDE2000 as written by Sharma, Wu and Dalal (2005), whose test pairs show up the usual mistakes around hue 0.
 */
export function deltaE2000(one: Lab, two: Lab): number {
  const rad = Math.PI / 180;
  const chromaMean7 = ((Math.hypot(one.a, one.b) + Math.hypot(two.a, two.b)) / 2) ** 7;
  const stretch = 1.5 - 0.5 * Math.sqrt(chromaMean7 / (chromaMean7 + 25 ** 7));
  const [a1, a2] = [one.a * stretch, two.a * stretch];
  const [c1, c2] = [Math.hypot(a1, one.b), Math.hypot(a2, two.b)];
  const hue = (a: number, b: number) => (a === 0 && b === 0 ? 0 : (Math.atan2(b, a) / rad + 360) % 360);
  const [h1, h2] = [hue(a1, one.b), hue(a2, two.b)];
  const grey = c1 * c2 === 0;

  let turn = grey ? 0 : h2 - h1;
  if (turn > 180) turn -= 360;
  if (turn < -180) turn += 360;
  const dL = two.l - one.l;
  const dC = c2 - c1;
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin((turn / 2) * rad);

  const l = (one.l + two.l) / 2;
  const c = (c1 + c2) / 2;
  let h = h1 + h2;
  if (!grey) h = (Math.abs(h1 - h2) <= 180 ? h : h < 360 ? h + 360 : h - 360) / 2;

  const t =
    1 -
    0.17 * Math.cos((h - 30) * rad) +
    0.24 * Math.cos(2 * h * rad) +
    0.32 * Math.cos((3 * h + 6) * rad) -
    0.2 * Math.cos((4 * h - 63) * rad);
  const sL = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2);
  const sC = 1 + 0.045 * c;
  const sH = 1 + 0.015 * c * t;
  const c7 = c ** 7;
  const twist = -2 * Math.sqrt(c7 / (c7 + 25 ** 7)) * Math.sin(60 * Math.exp(-(((h - 275) / 25) ** 2)) * rad);
  return Math.sqrt((dL / sL) ** 2 + (dC / sC) ** 2 + (dH / sH) ** 2 + twist * (dC / sC) * (dH / sH));
}
