/**
 * `npm run demo:picture`: runs the demo and draws what it printed, as a terminal shows it, to docs/demo.svg. The picture holds text, so it can
 * be searched and read aloud. Each piece of text has its width set, so the columns stand whatever font the reader has.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");
const CELL = { width: 7.5, height: 19 };
const MARGIN = { side: 18, top: 52, bottom: 16 };
const INK = { plain: "#e6edf3", dim: "#8b949e", green: "#56d364", red: "#ff7b72" };
const COMMAND = "npm run demo";

interface Style {
  readonly ink: string;
  readonly bold: boolean;
  readonly background: string | null;
}
const PLAIN: Style = { ink: INK.plain, bold: false, background: null };

/** The style that a sequence of `terminal.ts` begins. */
function styleOf(code: string): Style {
  const [, red, green, blue] = /^48;2;(\d+);(\d+);(\d+)$/.exec(code) ?? [];
  if (red !== undefined) return { ...PLAIN, background: `rgb(${red},${green},${blue})` };
  const styles: Record<string, Style> = {
    1: { ...PLAIN, bold: true },
    2: { ...PLAIN, ink: INK.dim },
    31: { ...PLAIN, ink: INK.red },
    32: { ...PLAIN, ink: INK.green },
  };
  return styles[code] ?? PLAIN;
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const width = (cells: number) => (cells * CELL.width).toFixed(1);

/** A piece of one line in one style, that begins in the given column. */
function piece(text: string, style: Style, column: number, line: number): string {
  const x = MARGIN.side + column * CELL.width;
  const y = MARGIN.top + line * CELL.height;
  if (style.background !== null) return box(x, y, text.length, style.background);
  if (/^[█░]+$/.test(text)) return box(x, y, text.length, style.ink);
  // Spaces are left out at both ends: a browser would.
  const trimmed = text.trim();
  if (trimmed === "") return "";
  const begin = x + (text.length - text.trimStart().length) * CELL.width;
  const weight = style.bold ? ' font-weight="bold"' : "";
  return `<text x="${begin.toFixed(1)}" y="${y}" fill="${style.ink}"${weight} textLength="${width(trimmed.length)}" xml:space="preserve">${escaped(trimmed)}</text>`;
}

const box = (x: number, y: number, cells: number, fill: string) =>
  `<rect x="${x.toFixed(1)}" y="${y - 12}" width="${width(cells)}" height="15" rx="2" fill="${fill}" stroke="#30363d" stroke-width="0.5"/>`;

/** Text with the sequences of `terminal.ts` as a picture of a terminal. */
function drawn(output: string): string {
  const lines = [`\u001b[32m$\u001b[0m \u001b[1m${COMMAND}\u001b[0m`, "", ...output.trimEnd().split("\n")];
  let style = PLAIN;
  let columns = 0;
  const shapes = lines.flatMap((line, row) => {
    let column = 0;
    // The odd pieces are what stood between "\u001b[" and "m".
    // oxlint-disable-next-line no-control-regex -- the escape is what is looked for
    return line.split(/\u001b\[([0-9;]*)m/).flatMap((part, index) => {
      if (index % 2 === 1) {
        style = styleOf(part);
        return [];
      }
      const shape = piece(part, style, column, row);
      column += part.length;
      columns = Math.max(columns, column);
      return shape === "" ? [] : [shape];
    });
  });
  const [wide, high] = [Math.ceil(columns * CELL.width + 2 * MARGIN.side), MARGIN.top + (lines.length - 1) * CELL.height + MARGIN.bottom];
  const lights = ["#ff5f57", "#febc2e", "#28c840"].map((fill, index) => `<circle cx="${22 + index * 20}" cy="20" r="6" fill="${fill}"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${wide} ${high}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="12.5" role="img">
<title>A terminal in which ${COMMAND} submits nine pictures and prints the colors of each</title>
<rect width="${wide}" height="${high}" rx="10" fill="#0d1117"/>
${[...lights, ...shapes].join("\n")}
</svg>
`;
}

const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "src", "local", "demo.ts")], {
  encoding: "utf8",
  env: { ...process.env, FORCE_COLOR: "1", NO_COLOR: "" },
});
if (status !== 0) {
  console.error(`${stdout}${stderr}`);
  process.exit(1);
}
// Off a terminal each state of the progress is a line of its own; a terminal keeps the last one.
const shown = stdout.replaceAll(/^.*\b(\d+) of (?!\1\b)\d+ inferences done.*\n/gm, "");
const file = join("docs", "demo.svg");
writeFileSync(join(ROOT, file), drawn(shown));
console.log(`${file} is drawn.`);
