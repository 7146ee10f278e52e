/** Lines over time. A screen reader, and whoever asks for it, gets the same numbers as a table. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock, duration, number } from "./time.tsx";

export interface Line {
  readonly title: string;
  /** Of the palette in style.css. */
  readonly tone: "good" | "bad" | "warn" | "run" | "muted" | "accent";
  /** Null where nothing was measured. */
  readonly values: readonly (number | null)[];
}

const HEIGHT_PX = 180;
/** Steps that the table shows at most, the newest. */
const ROWS = 60;

/** Beside the title of a line stands its sum; of a `level` or of times its latest value. */
export function Chart({
  title,
  at,
  lines,
  unit = "count",
}: {
  readonly title: string;
  readonly at: readonly string[];
  readonly lines: readonly Line[];
  readonly unit?: Unit;
}) {
  const place = useRef<HTMLDivElement>(null);
  const [isTable, setTable] = useState(false);
  const id = useId();
  const shape = lines.map((line) => line.title + line.tone).join();
  const data: uPlot.AlignedData = [at.map((time) => Date.parse(time) / 1_000), ...lines.map(({ values }) => [...values])];
  const latest = useRef(data);
  latest.current = data;
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const box = place.current;
    if (!box || isTable) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(box, lines, unit), latest.current, box);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height: HEIGHT_PX }));
    resized.observe(box);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const themed = new MutationObserver(draw);
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    dark.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      themed.disconnect();
      dark.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, isTable]);
  const drawn = JSON.stringify(data);
  useEffect(() => plot.current?.setData(latest.current), [drawn]);
  return (
    <figure class="chart panel" aria-labelledby={id}>
      <figcaption class="chart-head">
        <h2 id={id}>{title}</h2>
        <ul class="legend">
          {lines.map((line) => (
            <li key={line.title}>
              <span class={`legend-mark ${line.tone}`} aria-hidden="true" />
              {line.title} <strong>{summed(line, unit)}</strong>
            </li>
          ))}
        </ul>
        <button type="button" class="quiet" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          {isTable ? "Chart" : "Table"}
        </button>
      </figcaption>
      {isTable ? (
        <div class="chart-table" tabIndex={0} role="region" aria-labelledby={id}>
          <Numbers at={at} lines={lines} unit={unit} />
        </div>
      ) : (
        <>
          <div ref={place} class="chart-place" aria-hidden="true" />
          <div class="hidden">
            <Numbers at={at} lines={lines} unit={unit} />
          </div>
        </>
      )}
    </figure>
  );
}

type Unit = "count" | "level" | "ms";

/** The sum of counts, and the latest of what is no count. */
function summed({ values }: Line, unit: Unit): string {
  if (unit === "count") return number(values.reduce<number>((sum, value) => sum + (value ?? 0), 0));
  return shown(values.findLast((value) => value !== null) ?? null, unit);
}

const shown = (value: number | null, unit: Unit): string => (value === null ? "–" : unit === "ms" ? duration(value) : number(value));

function Numbers({ at, lines, unit }: { readonly at: readonly string[]; readonly lines: readonly Line[]; readonly unit: Unit }) {
  const from = Math.max(0, at.length - ROWS);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">From</th>
          {lines.map(({ title }) => (
            <th key={title} scope="col" class="numeric">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {at
          .slice(from)
          .map((time, index) => (
            <tr key={time}>
              <th scope="row">{clock(time)}</th>
              {lines.map(({ title, values }) => (
                <td key={title} class="numeric">
                  {shown(values[from + index] ?? null, unit)}
                </td>
              ))}
            </tr>
          ))
          .toReversed()}
      </tbody>
    </table>
  );
}

/** The colours are those of the page at this moment. */
function optionsOf(box: HTMLElement, lines: readonly Line[], unit: Unit): uPlot.Options {
  const style = getComputedStyle(box);
  const colour = (name: string) => resolved(box, style.getPropertyValue(`--${name}`));
  const axis = {
    stroke: colour("muted"),
    font: "11px system-ui, sans-serif",
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: box.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: { y: { range: (_, __, most) => [0, Math.max(unit === "ms" ? 100 : 1, most * 1.1)] } },
    axes: [
      { ...axis, size: 26, grid: { show: false }, space: 70, values: (_, splits) => splits.map((at) => marked(at, splits)) },
      {
        ...axis,
        size: unit === "ms" ? 60 : 44,
        values: (_, splits) => splits.map((value) => (unit === "ms" ? duration(value) : Number.isInteger(value) ? short(value) : "")),
      },
    ],
    series: [
      {},
      ...lines.map(({ title, tone }) => ({
        label: title,
        stroke: colour(tone),
        width: 1.5,
        fill: `${colour(tone)}14`,
        points: { show: isOne, size: 5, fill: colour(tone) },
        spanGaps: true,
      })),
    ],
  };
}

/** Whether a line has one measured value alone, between which and the next nothing can be drawn. */
const isOne = ({ data }: uPlot, line: number): boolean => (data[line] ?? []).filter((value) => typeof value === "number").length === 1;

const HOUR = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** A place on the time axis: the time of day, or the day where the marks are days apart. */
function marked(seconds: number, [first = 0, second = 0]: readonly number[]): string {
  return (second - first >= 43_200 ? DAY : HOUR).format(new Date(seconds * 1_000));
}

/** `light-dark(…)` as the colour that it is here, in hex. */
function resolved(box: HTMLElement, value: string): string {
  const probe = document.createElement("i");
  probe.style.color = value;
  box.append(probe);
  const [red = 0, green = 0, blue = 0] = (getComputedStyle(probe).color.match(/\d+/g) ?? []).map(Number);
  probe.remove();
  return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** `1.2k`, `3.4M`: there is little room beside a chart. */
export const short = (value: number): string =>
  value >= 1_000_000
    ? `${(value / 1_000_000).toFixed(1)}M`
    : value >= 1_000
      ? `${(value / 1_000).toFixed(value >= 10_000 ? 0 : 1)}k`
      : String(value);
