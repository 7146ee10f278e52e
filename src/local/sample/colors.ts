// The colour-classification model itself: pixels in, named dominant colours out. PURE: no I/O, clock or randomness.
//
// Invariant: the same pixels always give the same answer, and the shares of the colours add up to 1.
//
// The backdrop rule. Product pictures stand on a studio backdrop that would win every count, so it is taken away first:
// when at least 70 % of the picture's rim has nearly one colour, everything that is joined to the rim and stays near that
// colour is backdrop. Only what is joined to the rim: white stripes inside a shirt on a white sheet remain. A picture whose rim is mostly
// transparent is a cut-out and has no backdrop; a picture that would lose (nearly) everything is a swatch and loses nothing.
// What may go wrong: a white product with no visible edge on a white backdrop melts into it.

/** Straight (not premultiplied) 8-bit RGBA in sRGB, row by row. */
export interface Raster {
  width: number;
  height: number;
  rgba: Uint8Array;
}

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

export interface DominantColor {
  name: string;
  /** `#RRGGBB`, upper case */
  hex: string;
  /** of the product's visible pixels, 0..1, four decimals */
  share: number;
}

/** `labelHex` and `labelShare` are those of the entry in `colors` that gave the label. */
export interface Classification {
  label: BasicColor;
  labelHex: string;
  labelShare: number;
  colors: DominantColor[];
}

const MAX_COLORS = 6;
/** More clusters than colours: k-means splits shades first, and merging by visible distance puts them right. */
const CLUSTERS = 16;
const MAX_ITERATIONS = 30;
/** About two just-noticeable differences (2.3): patches that do not touch, as those of one product do not, need that much. */
const MERGE_DELTA_E = 5;
/** Less than this share is a highlight or a seam, not a colour of the product. */
const MIN_SHARE = 0.02;
/** Below half opacity a pixel is a soft shadow or the rim of a cut-out. */
const VISIBLE_ALPHA = 128;

const RIM_SHARE = 0.03;
const RIM_AGREEMENT = 0.7;
/** Light falls off across a backdrop: the rim may differ by this much, and a soft shadow by more if it grows step by step. */
const RIM_DELTA_E = 10;
const BACKDROP_DELTA_E = 5;
const SHADOW_DELTA_E = 22;
const SHADOW_STEP_DELTA_E = 2.5;
const MIN_PRODUCT_SHARE = 0.02;

// Mostly the CSS names, spaced out, sorted by the basic colour that people would call them; shop words fill the gaps CSS leaves.
// oxfmt-ignore
const NAMES = {
  red: {
    red: "FF0000", crimson: "DC143C", "fire brick": "B22222", "dark red": "8B0000", maroon: "800000", "indian red": "CD5C5C",
    brick: "A52A2A", scarlet: "E0301E", burgundy: "6D1A2D", wine: "4E1420", tomato: "F2503B", cherry: "C8102E",
  },
  orange: {
    orange: "FFA500", "dark orange": "FF8C00", "orange red": "FF4500", coral: "FF7F50", "light salmon": "FFA07A", pumpkin: "E5701E",
    "burnt orange": "CC5500", "sandy orange": "F4A460", apricot: "FBB46E", tangerine: "F28500", cinnamon: "D2691E",
  },
  yellow: {
    yellow: "FFFF00", gold: "FFD700", goldenrod: "DAA520", "dark goldenrod": "B8860B", khaki: "F0E68C", "lemon chiffon": "FFFACD",
    "light yellow": "FFFFE0", "pale goldenrod": "EEE8AA", amber: "FFBF00", mustard: "D4A91E", lemon: "FFF44F", "soft yellow": "F5D95B",
  },
  green: {
    green: "008000", lime: "00FF00", "lime green": "32CD32", "forest green": "228B22", "dark green": "006400", "sea green": "2E8B57",
    "medium sea green": "3CB371", "spring green": "00FF7F", "medium spring green": "00FA9A", "lawn green": "7CFC00",
    chartreuse: "7FFF00", "green yellow": "ADFF2F", "yellow green": "9ACD32", "olive drab": "6B8E23", olive: "808000",
    "dark olive green": "556B2F", "dark sea green": "8FBC8F", "light green": "90EE90", "pale green": "98FB98", mint: "BDE8CB",
    sage: "9CAF88", emerald: "1F9D6B", "pine green": "1C4A35", moss: "5C6B32", "bottle green": "0B3020", aquamarine: "7FFFD4",
    "medium aquamarine": "66CDAA",
  },
  blue: {
    blue: "0000FF", navy: "000080", "dark blue": "00008B", "medium blue": "0000CD", "royal blue": "4169E1", "dodger blue": "1E90FF",
    "deep sky blue": "00BFFF", "sky blue": "87CEEB", "light sky blue": "87CEFA", "light blue": "ADD8E6", "powder blue": "B0E0E6",
    "light steel blue": "B0C4DE", "steel blue": "4682B4", "cornflower blue": "6495ED", "cadet blue": "5F9EA0",
    "midnight blue": "191970", "slate blue": "5B67B8", aqua: "00FFFF", "light cyan": "E0FFFF", "pale turquoise": "AFEEEE",
    turquoise: "40E0D0", "medium turquoise": "48D1CC", "dark turquoise": "00CED1", "light sea green": "20B2AA", "dark cyan": "008B8B",
    teal: "008080", "deep navy": "14213D", "navy blue": "1F2F55", denim: "3B5B87", "dusty blue": "8FA6C0", petrol: "0F4C5C",
  },
  purple: {
    purple: "800080", indigo: "4B0082", "rebecca purple": "663399", "dark magenta": "8B008B", "dark violet": "9400D3",
    "blue violet": "8A2BE2", "dark orchid": "9932CC", "medium purple": "9370DB", "medium orchid": "BA55D3", orchid: "DA70D6",
    violet: "EE82EE", plum: "DDA0DD", thistle: "D8BFD8", lavender: "D9D2F0", "dark slate blue": "483D8B", lilac: "C8A2C8",
    aubergine: "3D1C3D", mauve: "91708F",
  },
  pink: {
    pink: "FFC0CB", "light pink": "FFB6C1", "hot pink": "FF69B4", "deep pink": "FF1493", magenta: "FF00FF", "pale violet red": "DB7093",
    "medium violet red": "C71585", salmon: "FA8072", "dark salmon": "E9967A", "light coral": "F08080", "misty rose": "FFE4E1",
    "lavender blush": "FFF0F5", "peach puff": "FFDAC8", "dusty pink": "C98A94", rose: "E8899A", blush: "F2C9CC",
  },
  brown: {
    brown: "7B4A2A", "saddle brown": "8B4513", sienna: "A0522D", peru: "BD7E42", copper: "A9673A", chestnut: "6E3320",
    "dark brown": "4A2C1A", espresso: "35221A", camel: "B58C5E", mahogany: "5A2418", walnut: "5F4B3A", taupe: "87786A",
    "rosy brown": "B08A80", cocoa: "7A5648", caramel: "A5702F", umber: "665238",
  },
  beige: {
    beige: "F5F5DC", wheat: "F5DEB3", tan: "D2B48C", bisque: "FFE4C4", "blanched almond": "FFEBCD", "antique white": "FAEBD7",
    linen: "F4E8DA", moccasin: "FFE4B5", "navajo white": "FFDEAD", burlywood: "DEB887", sand: "D9C7A8", cream: "F7EBCB",
    stone: "C7BBA7", ecru: "E3D8C2",
  },
  black: {
    black: "000000", "jet black": "161616", onyx: "222224", "warm black": "1E1814", "blue black": "10141E",
  },
  grey: {
    grey: "808080", "dim grey": "696969", "dark grey": "A9A9A9", silver: "C0C0C0", "light grey": "D0D0D0", gainsboro: "DADADA",
    "slate grey": "708090", "light slate grey": "8A97A5", "dark slate grey": "2F4448", charcoal: "383A3D", graphite: "4D4F52",
    "warm grey": "969089", "pale grey": "C9CDD3", "iron grey": "595A5E",
  },
  white: {
    white: "FFFFFF", snow: "FFFAFA", "ghost white": "F8F8FF", "white smoke": "F5F5F5", "floral white": "FFFAF0", ivory: "FFFFF0",
    "mint cream": "F5FFFA", azure: "F0FFFF", "alice blue": "F0F8FF", seashell: "FFF5EE", honeydew: "F0FFF0", pearl: "EBEBEB",
    porcelain: "E6E9ED", "off white": "EFECE5",
  },
} as const;

/** The vocabulary of labels. */
export type BasicColor = keyof typeof NAMES;

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

const NAMED = (Object.keys(NAMES) as BasicColor[]).flatMap((basic) =>
  // the keys of a literal are its type's keys
  Object.entries(NAMES[basic]).map(([name, hex]) => ({ name, basic, lab: rgbToLab(parseHex(hex) ?? { r: 0, g: 0, b: 0 }) })),
);

/** The nearest name by CIEDE2000, and the basic colour that name belongs to. */
export function nameColor(lab: Lab): { name: string; basic: BasicColor } {
  let nearest: { name: string; basic: BasicColor } = { name: "grey", basic: "grey" };
  let nearestDistance = Infinity;
  for (const entry of NAMED) {
    const distance = deltaE2000(lab, entry.lab);
    if (distance < nearestDistance) [nearest, nearestDistance] = [entry, distance];
  }
  return { name: nearest.name, basic: nearest.basic };
}

/**
 * The dominant colours of the product in a picture, and its label.
 *
 * Without `near`, the label is the basic colour that most of the product has, its shades counted together: three reds outweigh
 * one white sole. With `near`, it is the basic name of the dominant colour nearest to that one.
 * Null when no pixel is visible.
 */
export function classifyColors(raster: Raster, near?: Rgb): Classification | null {
  const labs = visibleLabs(raster);
  const clusters = mergeClusters(clusterPixels(productPixels(raster, labs)));
  if (clusters.length === 0) return null;

  const found = roundShares(clusters).map(({ center, share }) => {
    const rgb = labToRgb(center);
    return { center, share, hex: formatHex(rgb), ...nameColor(rgbToLab(rgb)) };
  });
  const weightOfBasic = new Map<BasicColor, number>();
  for (const { basic, share } of found) weightOfBasic.set(basic, (weightOfBasic.get(basic) ?? 0) + share);

  const target = near === undefined ? null : rgbToLab(near);
  const score = (color: (typeof found)[number]) =>
    target === null ? (weightOfBasic.get(color.basic) ?? 0) : -deltaE2000(color.center, target);
  // `found` is sorted by share, and a later one wins only when strictly better: ties go to the larger colour.
  const chosen = found.reduce((best, color) => (score(color) > score(best) ? color : best));
  return {
    label: chosen.basic,
    labelHex: chosen.hex,
    labelShare: chosen.share,
    colors: found.map(({ name, hex, share }) => ({ name, hex, share })),
  };
}

function visibleLabs({ width, height, rgba }: Raster): (Lab | null)[] {
  return Array.from({ length: width * height }, (_, i) => {
    const [r = 0, g = 0, b = 0, alpha = 0] = rgba.subarray(4 * i, 4 * i + 4);
    return alpha < VISIBLE_ALPHA ? null : rgbToLab({ r, g, b });
  });
}

function productPixels(raster: Raster, labs: (Lab | null)[]): Lab[] {
  const visible = labs.filter((lab) => lab !== null);
  const backdrop = findBackdrop(raster, labs);
  if (backdrop === null) return visible;

  const product = labs.filter((lab, i): lab is Lab => lab !== null && !backdrop.has(i));
  if (product.length < MIN_PRODUCT_SHARE * visible.length) return visible;
  // Pixels that touch the backdrop are a blend of both; a thin product has nothing else, though, and keeps them.
  const inner = labs.filter(
    (lab, i): lab is Lab => lab !== null && !backdrop.has(i) && !neighbours(raster, i).some((neighbour) => backdrop.has(neighbour)),
  );
  return inner.length * 2 >= product.length ? inner : product;
}

/** The pixels that are backdrop by the rule at the top of this file; null when there is none. */
function findBackdrop(raster: Raster, labs: (Lab | null)[]): Set<number> | null {
  const { width, height } = raster;
  const depth = Math.max(1, Math.round(Math.min(width, height) * RIM_SHARE));
  const rim: number[] = [];
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (Math.min(x, y, width - 1 - x, height - 1 - y) < depth) rim.push(i);
  }
  const rimLabs = rim.map((i) => labs[i]).filter((lab) => lab !== null && lab !== undefined);
  if (rimLabs.length * 2 < rim.length) return null;

  const median = (of: (lab: Lab) => number) => rimLabs.map(of).toSorted((p, q) => p - q)[rimLabs.length >> 1] ?? 0;
  const tone: Lab = { l: median((lab) => lab.l), a: median((lab) => lab.a), b: median((lab) => lab.b) };
  const start = rim.filter((i) => {
    const lab = labs[i];
    return lab ? deltaE2000(lab, tone) <= RIM_DELTA_E : false;
  });
  if (start.length < RIM_AGREEMENT * rimLabs.length) return null;

  const backdrop = new Set(start);
  const edge = [...start];
  for (let i = edge.pop(); i !== undefined; i = edge.pop()) {
    const here = labs[i];
    if (!here) continue;
    for (const next of neighbours(raster, i)) {
      const lab = labs[next];
      if (!lab || backdrop.has(next)) continue;
      const away = deltaE2000(lab, tone);
      if (away > BACKDROP_DELTA_E && (away > SHADOW_DELTA_E || deltaE2000(lab, here) > SHADOW_STEP_DELTA_E)) continue;
      backdrop.add(next);
      edge.push(next);
    }
  }
  return backdrop;
}

function neighbours({ width, height }: Raster, i: number): number[] {
  const x = i % width;
  const found: number[] = [];
  if (x > 0) found.push(i - 1);
  if (x < width - 1) found.push(i + 1);
  if (i >= width) found.push(i - width);
  if (i < width * (height - 1)) found.push(i + width);
  return found;
}

interface Cluster {
  center: Lab;
  weight: number;
}

/**
 * k-means over a histogram of the pixels, which is some ten times smaller than the pixels. Seeds as in k-means++ but without its dice: the
 * heaviest bin first, then each time the bin with the most weight times squared distance from the seeds so far.
 */
function clusterPixels(pixels: Lab[]): Cluster[] {
  const bins = new Map<string, Lab[]>();
  for (const lab of pixels) {
    const key = `${Math.round(lab.l / 3)},${Math.round(lab.a / 3)},${Math.round(lab.b / 3)}`;
    const bin = bins.get(key);
    if (bin) bin.push(lab);
    else bins.set(key, [lab]);
  }
  const points = [...bins.values()].map((labs) => average(labs.map((center) => ({ center, weight: 1 }))));

  const seeds: Lab[] = [];
  const distances = points.map(() => Infinity);
  while (seeds.length < Math.min(CLUSTERS, points.length)) {
    let [best, bestScore] = [points[0], -1];
    points.forEach((point, i) => {
      const score = point.weight * (seeds.length === 0 ? 1 : (distances[i] ?? 0));
      if (score > bestScore) [best, bestScore] = [point, score];
    });
    if (best === undefined) break;
    const seed = best.center;
    seeds.push(seed);
    points.forEach((point, i) => (distances[i] = Math.min(distances[i] ?? 0, squaredDistance(point.center, seed))));
  }

  let clusters: Cluster[] = seeds.map((center) => ({ center, weight: 0 }));
  let before: number[] = [];
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const home = points.map(({ center }) => nearestIndex(clusters, center));
    if (home.every((cluster, i) => cluster === before[i])) break;
    before = home;
    const members: Cluster[][] = clusters.map(() => []);
    points.forEach((point, i) => members[home[i] ?? 0]?.push(point));
    clusters = members.filter((group) => group.length > 0).map(average);
    if (clusters.length < members.length) before = [];
  }
  return clusters;
}

/** Joins what looks alike, then what is too small to matter, then the most alike until few enough are left. */
function mergeClusters(clusters: Cluster[]): Cluster[] {
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  let left = clusters;
  while (left.length > 1) {
    const crumb = left.find(({ weight }) => weight < MIN_SHARE * total);
    let closest = closestPair(left, left);
    if (closest.distance >= MERGE_DELTA_E) {
      if (crumb) closest = closestPair([crumb], left);
      else if (left.length <= MAX_COLORS) break;
    }
    const { one, two } = closest;
    left = [...left.filter((cluster) => cluster !== one && cluster !== two), average([one, two])];
  }
  return left;
}

function closestPair(ones: Cluster[], twos: Cluster[]): { one: Cluster; two: Cluster; distance: number } {
  const pairs = ones.flatMap((one) => twos.filter((two) => two !== one).map((two) => ({ one, two })));
  return pairs
    .map(({ one, two }) => ({ one, two, distance: deltaE2000(one.center, two.center) }))
    .reduce((best, pair) => (pair.distance < best.distance ? pair : best));
}

/** Sorted by share; largest remainders get the last ten-thousandths, so that the sum is exactly 1. */
function roundShares(clusters: Cluster[]): { center: Lab; share: number }[] {
  const UNITS = 10_000;
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  const shares = clusters
    .map(({ center, weight }) => ({ center, exact: (UNITS * weight) / total, units: Math.floor((UNITS * weight) / total) }))
    .toSorted((one, two) => two.exact - one.exact);
  const missing = UNITS - shares.reduce((sum, { units }) => sum + units, 0);
  const needy = shares.toSorted((one, two) => two.exact - two.units - (one.exact - one.units)).slice(0, missing);
  for (const share of needy) share.units++;
  return shares.map(({ center, units }) => ({ center, share: units / UNITS })).toSorted((one, two) => two.share - one.share);
}

function average(members: Cluster[]): Cluster {
  let [l, a, b, weight] = [0, 0, 0, 0];
  for (const member of members) {
    l += member.center.l * member.weight;
    a += member.center.a * member.weight;
    b += member.center.b * member.weight;
    weight += member.weight;
  }
  return { center: { l: l / weight, a: a / weight, b: b / weight }, weight };
}

function squaredDistance(one: Lab, two: Lab): number {
  return (one.l - two.l) ** 2 + (one.a - two.a) ** 2 + (one.b - two.b) ** 2;
}

function nearestIndex(clusters: Cluster[], lab: Lab): number {
  let [nearest, nearestDistance] = [0, Infinity];
  clusters.forEach((cluster, i) => {
    const away = squaredDistance(cluster.center, lab);
    if (away < nearestDistance) [nearest, nearestDistance] = [i, away];
  });
  return nearest;
}
