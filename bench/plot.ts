/** PURE. Line charts as SVG, to be read on a light or a dark page: they bring their own ground. */

export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Axis {
  readonly title: string;
  readonly scale: "log" | "linear";
}

export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
  /** Heights that are marked across the chart. */
  readonly marks?: readonly number[];
}

const WIDTH = 860;
const HEIGHT = 460;
const LEFT = 64;
const RIGHT = 210;
const TOP = 44;
const BOTTOM = 52;
/** Okabe and Ito's, which the color-blind can tell apart. */
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333"];
const LABEL_HEIGHT = 15;

interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const shown = (value: number) => (value >= 1000 ? `${Number((value / 1000).toPrecision(3))}k` : String(Number(value.toPrecision(3))));
const at = (value: number) => value.toFixed(1);

/** Whole powers of ten and twice and five times them on a logarithmic scale; on a linear one about five round steps from zero. */
function scaleOf({ scale }: Axis, values: readonly number[], from: number, to: number): Scale {
  const most = Math.max(...values);
  if (scale === "linear") {
    const rough = most / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
    const count = Math.ceil(most / step);
    const ticks = Array.from({ length: count + 1 }, (_, index) => index * step);
    return { ticks, place: (value) => from + ((to - from) * value) / (count * step) };
  }
  const steps = [1, 2, 5];
  const powers = Array.from({ length: 16 }, (_, index) => 10 ** (index - 4));
  const all = powers.flatMap((power) => steps.map((step) => Number((step * power).toPrecision(3))));
  const lower = all.findLast((tick) => tick <= Math.min(...values)) ?? 1;
  const upper = all.find((tick) => tick >= most) ?? 1;
  const share = (value: number) => Math.log(value / lower) / Math.log(upper / lower);
  return { ticks: all.filter((tick) => tick >= lower && tick <= upper), place: (value) => from + (to - from) * share(value) };
}

/** Labels beside the lines' ends, none over another. */
function labelHeights(ends: readonly number[]): number[] {
  const order = ends.map((_, index) => index).toSorted((one, other) => (ends[one] ?? 0) - (ends[other] ?? 0));
  const heights = [...ends];
  let last = -Infinity;
  for (const index of order) {
    last = Math.max(ends[index] ?? 0, last + LABEL_HEIGHT);
    heights[index] = last;
  }
  return heights;
}

export function svgOf({ title, x, y, lines, marks = [] }: Chart): string {
  const points = lines.flatMap((line) => line.points);
  const across = scaleOf(
    x,
    points.map((point) => point.x),
    LEFT,
    WIDTH - RIGHT,
  );
  const up = scaleOf(y, [...points.map((point) => point.y), ...marks], HEIGHT - BOTTOM, TOP);
  const grid = [
    ...across.ticks.map((tick) => {
      const place = at(across.place(tick));
      return `<path class="grid" d="M${place} ${TOP}V${HEIGHT - BOTTOM}"/><text x="${place}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${shown(tick)}</text>`;
    }),
    ...up.ticks.map((tick) => {
      const place = at(up.place(tick));
      return `<path class="grid" d="M${LEFT} ${place}H${WIDTH - RIGHT}"/><text x="${LEFT - 8}" y="${at(up.place(tick) + 4)}" text-anchor="end">${shown(tick)}</text>`;
    }),
    ...marks.map((mark) => `<path class="mark" d="M${LEFT} ${at(up.place(mark))}H${WIDTH - RIGHT}"/>`),
  ];
  const drawn = lines.filter((line) => line.points.length > 0);
  const heights = labelHeights(drawn.map((line) => up.place(line.points.at(-1)?.y ?? 1)));
  const shapes = drawn.map((line, index) => {
    const color = COLORS[index % COLORS.length];
    const places = line.points.map((point) => [at(across.place(point.x)), at(up.place(point.y))] as const);
    const dots = places.map(([left, top]) => `<circle cx="${left}" cy="${top}" r="3.2" fill="${color}"/>`).join("");
    const path = `<path class="line" stroke="${color}" d="M${places.map((place) => place.join(" ")).join("L")}"/>`;
    const [lastX = "0", lastY = "0"] = places.at(-1) ?? [];
    const labelY = heights[index] ?? 0;
    const leader = `<path class="leader" stroke="${color}" d="M${lastX} ${lastY}L${WIDTH - RIGHT + 12} ${at(labelY)}"/>`;
    return `${leader}${path}${dots}<text x="${WIDTH - RIGHT + 16}" y="${at(labelY + 4)}" style="fill:${color}">${escaped(line.name)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" role="img">
<title>${escaped(title)}</title>
<style>.grid{stroke:#e3e3e3}.mark{stroke:#888;stroke-dasharray:4 4}.line{fill:none;stroke-width:2}.leader{stroke-width:1;stroke-dasharray:1 3}text{fill:#333}</style>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="24" font-size="15" font-weight="600">${escaped(title)}</text>
${grid.join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">${escaped(x.title)}</text>
<text x="16" y="${(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" transform="rotate(-90 16 ${(TOP + HEIGHT - BOTTOM) / 2})">${escaped(y.title)}</text>
${shapes.join("\n")}
</svg>
`;
}
