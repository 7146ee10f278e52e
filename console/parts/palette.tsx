/** Colours with their shares, as a strip and by name. */

interface Colour {
  readonly name: string;
  readonly hex: string;
  readonly share: number;
}

const HEX = /^#[0-9a-f]{6}$/i;
/** Palettes that are looked for in one output, and how deep. */
const MOST = 12;
const DEPTH = 5;

/** The palettes in a value: lists of colours, each with a share. */
export function palettesIn(value: unknown, depth = 0): readonly (readonly Colour[])[] {
  if (typeof value !== "object" || value === null || depth > DEPTH) return [];
  const colours = Array.isArray(value) && value.length > 0 && value.every(isColour) ? value : null;
  if (colours) return [colours];
  return Object.values(value)
    .flatMap((child: unknown) => palettesIn(child, depth + 1))
    .slice(0, MOST);
}

function isColour(value: unknown): value is Colour {
  if (typeof value !== "object" || value === null) return false;
  const { name, hex, share } = value as Readonly<Record<string, unknown>>; // an object
  return typeof name === "string" && typeof hex === "string" && HEX.test(hex) && typeof share === "number" && share >= 0;
}

export function Palette({ colours }: { readonly colours: readonly Colour[] }) {
  return (
    <div class="palette" role="group" aria-label="Palette">
      <div class="palette-strip" aria-hidden="true">
        {colours.map(({ hex, share }, index) => (
          <span key={index} style={{ background: hex, flexGrow: share }} />
        ))}
      </div>
      <ul>
        {colours.map(({ name, hex, share }, index) => (
          <li key={index}>
            <span class="swatch" style={{ background: hex }} aria-hidden="true" />
            {name} <code class="muted">{hex}</code> {(share * 100).toFixed(1)} %
          </li>
        ))}
      </ul>
    </div>
  );
}
