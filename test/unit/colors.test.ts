// The colour model is pure, so it is held against published numbers (CIEDE2000) and against pictures painted here pixel by pixel.

import { describe, expect, test } from "vitest";
import { classifyColors, nameColor, type Classification, type Raster } from "../../src/local/sample/colors.ts";
import { deltaE2000, formatHex, labToRgb, parseHex, rgbToLab, type Lab, type Rgb } from "../../src/local/sample/color-space.ts";

const rgb = (hex: string): Rgb => parseHex(hex) ?? expect.fail(`${hex} is not a colour`);
const lab = (hex: string): Lab => rgbToLab(rgb(hex));
const classify = (raster: Raster, near?: string): Classification =>
  classifyColors(raster, near === undefined ? undefined : rgb(near)) ?? expect.fail("no pixel was seen");

/** A picture from a rule that gives each pixel's colour; null is a transparent one. */
function paint(side: number, color: (x: number, y: number) => string | null): Raster {
  const rgba = new Uint8Array(side * side * 4);
  for (let i = 0; i < side * side; i++) {
    const hex = color(i % side, Math.floor(i / side));
    const { r, g, b } = hex === null ? { r: 0, g: 0, b: 0 } : rgb(hex);
    rgba.set([r, g, b, hex === null ? 0 : 255], 4 * i);
  }
  return { width: side, height: side, rgba };
}

const within = (x: number, y: number, from: number, to: number) => x >= from && x < to && y >= from && y < to;
const sumOfShares = ({ colors }: Classification) => colors.reduce((sum, { share }) => sum + share, 0);

describe("colour spaces", () => {
  test.each([
    ["#FFFFFF", 100, 0, 0],
    ["#000000", 0, 0, 0],
    ["#FF0000", 53.2408, 80.0925, 67.2032],
    ["#00FF00", 87.7347, -86.1827, 83.1793],
    ["#0000FF", 32.297, 79.1875, -107.8602],
    ["#808080", 53.585, 0, 0],
  ])("%s has its published CIELAB coordinates", (hex, l, a, b) => {
    const found = lab(hex);
    expect(found.l).toBeCloseTo(l, 1);
    expect(found.a).toBeCloseTo(a, 1);
    expect(found.b).toBeCloseTo(b, 1);
  });

  test("every colour of a grid over sRGB survives the way to CIELAB and back", () => {
    for (let r = 0; r < 256; r += 17)
      for (let g = 0; g < 256; g += 17) for (let b = 0; b < 256; b += 17) expect(labToRgb(rgbToLab({ r, g, b }))).toEqual({ r, g, b });
  });

  test("a hex colour is read with or without its hash and written in upper case; anything else is not a colour", () => {
    expect(parseHex("#aa3300")).toEqual({ r: 0xaa, g: 0x33, b: 0 });
    expect(formatHex(rgb("00ff0a"))).toBe("#00FF0A");
    for (const wrong of ["", "#", "#abc", "#12345", "#1234567", "#GG0000", "red", " #AA3300", "#AA3300\n"])
      expect(parseHex(wrong)).toBeNull();
  });
});

describe("CIEDE2000", () => {
  // From table 1 of Sharma, Wu, Dalal (2005): the pairs around hue 0, where implementations differ, and some of each other kind.
  test.each<[number[], number[], number]>([
    [[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425],
    [[50, 3.1571, -77.2803], [50, 0, -82.7485], 2.8615],
    [[50, -1.3802, -84.2814], [50, 0, -82.7485], 1.0],
    [[50, 0, 0], [50, -1, 2], 2.3669],
    [[50, 2.49, -0.001], [50, -2.49, 0.0009], 7.1792],
    [[50, 2.49, -0.001], [50, -2.49, 0.0011], 7.2195],
    [[50, -0.001, 2.49], [50, 0.0009, -2.49], 4.8045],
    [[50, -0.001, 2.49], [50, 0.0011, -2.49], 4.7461],
    [[50, 2.5, 0], [50, 0, -2.5], 4.3065],
    [[50, 2.5, 0], [73, 25, -18], 27.1492],
    [[50, 2.5, 0], [61, -5, 29], 22.8977],
    [[50, 2.5, 0], [56, -27, -3], 31.903],
    [[50, 2.5, 0], [58, 24, 15], 19.4535],
    [[60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644],
    [[22.7233, 20.0904, -46.694], [23.0331, 14.973, -42.5619], 2.0373],
    [[90.8027, -2.0831, 1.441], [91.1528, -1.6435, 0.0447], 1.4441],
    [[6.7747, -0.2908, -2.4247], [5.8714, -0.0985, -2.2286], 0.6377],
    [[2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082],
  ])("%j and %j are %d apart, in either order", (p, q, distance) => {
    const [one, two] = [p, q].map(([l = 0, a = 0, b = 0]) => ({ l, a, b }));
    if (!one || !two) return expect.fail();
    expect(deltaE2000(one, two)).toBeCloseTo(distance, 4);
    expect(deltaE2000(two, one)).toBeCloseTo(distance, 4);
  });
});

describe("names", () => {
  test.each([
    ["#FF0000", "red"],
    ["#B11B26", "red"],
    ["#FF8C1A", "orange"],
    ["#F4CA1E", "yellow"],
    ["#2F7E49", "green"],
    ["#556B2F", "green"],
    ["#1F3678", "blue"],
    ["#7FB2E5", "blue"],
    ["#6A2C91", "purple"],
    ["#F6A4C1", "pink"],
    ["#7A4826", "brown"],
    ["#3B2416", "brown"],
    ["#E8D9BC", "beige"],
    ["#0B0B0C", "black"],
    ["#8A8A8A", "grey"],
    ["#FAFAF8", "white"],
  ])("%s is called %s", (hex, basic) => expect(nameColor(lab(hex)).basic).toBe(basic));

  test("a colour of the table has its own name", () => {
    expect(nameColor(lab("#DC143C"))).toEqual({ name: "crimson", basic: "red" });
    expect(nameColor(lab("#008080"))).toEqual({ name: "teal", basic: "blue" });
  });
});

describe("classification", () => {
  test("a product's colour counts, its studio backdrop does not", () => {
    const found = classify(paint(64, (x, y) => (within(x, y, 24, 40) ? "#1F3678" : "#FFFFFF")));
    expect(found).toEqual({
      label: "blue",
      labelHex: "#1F3678",
      labelShare: 1,
      colors: [{ name: "navy blue", hex: "#1F3678", share: 1 }],
    });
  });

  test("a backdrop whose light falls off is still one backdrop", () => {
    const grey = (level: number) => formatHex({ r: level, g: level, b: level });
    const found = classify(paint(64, (x, y) => (within(x, y, 20, 44) ? "#2F7E49" : grey(250 - Math.round(x / 2)))));
    expect(found.colors.map(({ hex }) => hex)).toEqual(["#2F7E49"]);
  });

  test("white inside the product stays, though the backdrop is white too", () => {
    const found = classify(paint(64, (x, y) => (within(x, y, 22, 42) ? "#FFFFFF" : within(x, y, 12, 52) ? "#C8102E" : "#FFFFFF")));
    expect(found.label).toBe("red");
    expect(found.colors.map(({ hex }) => hex)).toEqual(["#C8102E", "#FFFFFF"]);
  });

  test("a picture of one colour is a swatch of it, not a backdrop", () =>
    expect(classify(paint(16, () => "#F6A4C1"))).toMatchObject({ label: "pink", labelHex: "#F6A4C1", labelShare: 1 }));

  test("a picture without a common rim is counted whole", () => {
    const found = classify(paint(64, (x) => (x < 32 ? "#0000FF" : "#FF0000")));
    expect(found.colors.map(({ share }) => share)).toEqual([0.5, 0.5]);
  });

  test("transparent pixels are not counted, and a cut-out loses nothing to a backdrop", () => {
    const found = classify(paint(64, (x, y) => (!within(x, y, 16, 48) ? null : within(x, y, 24, 40) ? "#F4CA1E" : "#383A3D")));
    expect(found.colors).toMatchObject([
      { hex: "#383A3D", share: 0.75 },
      { hex: "#F4CA1E", share: 0.25 },
    ]);
    expect(classifyColors(paint(8, () => null))).toBeNull();
  });

  test("shades of one colour are counted together for the label", () => {
    const stripes = ["#8B0000", "#C8102E", "#F2503B", "#FFFFFF", "#FFFFFF"];
    const found = classify(paint(60, (x, y) => (within(x, y, 15, 45) ? (stripes[Math.floor((x - 15) / 6)] ?? null) : null)));
    expect(found.colors[0]?.hex).toBe("#FFFFFF");
    expect(found.label).toBe("red");
  });

  test("a wanted colour picks the dominant colour nearest to it", () => {
    const picture = paint(64, (x, y) => (within(x, y, 26, 38) ? "#F4CA1E" : "#1F3678"));
    const whole = paint(64, (x, y) => (within(x, y, 16, 48) ? (x < 40 ? "#1F3678" : "#F4CA1E") : null));
    expect(classify(whole).label).toBe("blue");
    expect(classify(whole, "#FFD700")).toMatchObject({ label: "yellow", labelHex: "#F4CA1E", labelShare: 0.25 });
    expect(classify(picture, "#000080").label).toBe("yellow"); // the blue one is its backdrop
  });

  test("colours that look alike are one", () => {
    const found = classify(paint(32, (x, y) => ((x + y) % 2 === 0 ? "#C8102E" : "#C91230")));
    expect(found.colors).toHaveLength(1);
  });

  test("at most six colours, largest first, whose shares of four decimals add up to 1, the same each time", () => {
    // A small fixed generator, so that a failure can be seen again.
    let state = 7;
    const next = (below: number) => (state = (state * 48271) % 2147483647) % below;
    for (let round = 0; round < 20; round++) {
      const palette = Array.from({ length: 2 + next(12) }, () => formatHex({ r: next(256), g: next(256), b: next(256) }));
      const picture = paint(31, () => palette[next(palette.length)] ?? null);
      const found = classify(picture);
      expect(found.colors.length).toBeLessThanOrEqual(6);
      expect(sumOfShares(found)).toBeCloseTo(1, 10);
      for (const { share } of found.colors) expect(share).toBe(Number(share.toFixed(4)));
      expect(found.colors.map(({ share }) => share)).toEqual(found.colors.map(({ share }) => share).toSorted((p, q) => q - p));
      expect(found.colors).toContainEqual({ name: expect.any(String), hex: found.labelHex, share: found.labelShare });
      expect(classify(picture)).toEqual(found);
    }
  });
});
