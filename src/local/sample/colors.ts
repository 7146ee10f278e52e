// The colour-classification model itself: pixels in, named dominant colours out. PURE: no I/O, clock or randomness.
//
// Invariant: the same pixels always give the same answer, and the shares of the colours add up to 1.
//
// The backdrop rule. Product pictures stand on a studio backdrop that would win every count, so it is taken away first:
// when at least 70 % of the picture's rim has nearly one colour, everything that is joined to the rim and stays near that
// colour is backdrop. Only what is joined to the rim: white stripes inside a shirt on a white sheet remain. A picture whose rim is mostly
// transparent is a cut-out and has no backdrop; a picture that would lose (nearly) everything is a swatch and loses nothing.
// What may go wrong: a white product with no visible edge on a white backdrop melts into it.
import { type BasicColor, NAMES } from "./color-names.ts";
import { type Rgb, type Lab, parseHex, formatHex, rgbToLab, labToRgb, deltaE2000 } from "./color-space.ts";

/** Straight (not premultiplied) 8-bit RGBA in sRGB, row by row. */
export interface Raster {
  width: number;
  height: number;
  rgba: Uint8Array;
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
