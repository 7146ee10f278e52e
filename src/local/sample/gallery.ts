// Draws the product pictures of the demo, so that it needs no photographs and no network.
//
// Invariant: what stands in the folder is left alone, and a file appears there whole or not at all (it is written aside, then renamed).
// `expected_label` is what a person would say the product is; the classifier does not know this file.
// What may go wrong: the folder cannot be written; the error of the file system is thrown as it is.

import { access, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import type { BasicColor } from "./color-names.ts";

/** One item of a submission, with what is to be expected of it. */
export interface GalleryEntry {
  /** name in the folder; `pictures/<file>` is its reference */
  file: string;
  product_type: string;
  category: string;
  hex_color_label?: string;
  /** null: the file is broken, and its item is to carry an error */
  expected_label: BasicColor | null;
}

interface Drawing extends GalleryEntry {
  /** two colours of the backdrop, top and bottom; absent: transparent */
  backdrop?: readonly [string, string];
  /** SVG elements on a canvas of 640 x 640 */
  art: string;
}

const SIDE = 640;
/** A JPEG cut here has lost its picture but still says what it is. */
const BROKEN_BYTES = 480;

/** A blurred ellipse on the floor. */
const shadow = (x: number, y: number, rx: number, ry: number) =>
  `<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="#3a4250" opacity=".3" filter="url(#soft)"/>`;

/** A gradient from left to right (or top to bottom), for the roundness of things. */
const shade = (id: string, colors: readonly string[], down = false) =>
  `<linearGradient id="${id}" x2="${down ? 0 : 1}" y2="${down ? 1 : 0}">${colors
    .map((color, i) => `<stop offset="${i / (colors.length - 1)}" stop-color="${color}"/>`)
    .join("")}</linearGradient>`;

const DRAWINGS: readonly Drawing[] = [
  {
    file: "sneaker.png",
    product_type: "Shoes",
    category: "Fashion",
    expected_label: "red",
    backdrop: ["#F7F8FA", "#E6E9EE"],
    art: `${shade("upper", ["#E23A3F", "#C8202B", "#A51521"], true)}
      ${shadow(325, 474, 250, 20)}
      <path d="M92 404 C90 340 100 262 122 222 C150 236 186 238 214 214 C228 222 238 232 250 246 C300 304 360 338 440 350
        C512 360 556 382 562 424 L562 432 L92 432 Z" fill="url(#upper)"/>
      <path d="M92 404 C90 340 100 262 122 222 C134 228 148 231 162 231 C150 290 152 360 170 432 L92 432 Z" fill="#8F101C"/>
      <path d="M122 222 C150 236 186 238 214 214 C206 200 196 196 190 200 C168 214 146 212 130 204 C124 206 122 214 122 222 Z" fill="#7A0C17"/>
      <path d="M440 350 C512 360 556 382 562 424 L562 432 L430 432 C412 404 416 372 440 350 Z" fill="#B51A26"/>
      <path d="M226 432 C234 392 258 356 290 334 L344 362 C312 376 292 400 286 432 Z" fill="#FBF7F2"/>
      <path d="M244 432 C252 398 272 368 300 349 L318 358 C290 376 274 402 268 432 Z" fill="#C8202B"/>
      <path d="M250 246 C300 304 360 338 440 350" fill="none" stroke="#8F101C" stroke-width="9"/>
      <g stroke="#FBF7F2" stroke-width="11" stroke-linecap="round">
        <path d="M232 268 L270 252 M262 298 L300 280 M298 324 L334 304 M338 344 L372 322"/></g>
      <path d="M82 428 C200 440 440 440 570 426 C580 442 576 466 556 472 L104 472 C84 468 76 448 82 428 Z" fill="#FBF7F2"/>
      <path d="M82 456 C220 462 440 462 574 454 C570 464 564 470 556 472 L104 472 C94 470 86 464 82 456 Z" fill="#CFCAC4"/>
      <g stroke="#B9B3AC" stroke-width="4"><path d="M470 446 v14 M490 445 v14 M510 444 v14 M530 442 v14 M550 440 v14"/></g>`,
  },
  {
    file: "mug.jpg",
    product_type: "Mug",
    category: "Kitchen",
    expected_label: "blue",
    backdrop: ["#FBFAF7", "#ECE8E0"],
    art: `${shade("body", ["#172A5E", "#2A4693", "#1F3678", "#101D45"])}${shade("inside", ["#DAD7D0", "#FFFFFF"])}
      ${shadow(310, 506, 190, 22)}
      <path d="M440 250 C566 226 574 430 424 430" fill="none" stroke="#142350" stroke-width="36" stroke-linecap="round"/>
      <path d="M444 244 C552 226 560 410 428 424" fill="none" stroke="#2C4890" stroke-width="9" stroke-linecap="round"/>
      <path d="M150 186 L168 476 C172 518 448 518 452 476 L470 186 Z" fill="url(#body)"/>
      <path d="M196 222 L208 452" stroke="#7189C9" stroke-width="16" stroke-linecap="round" opacity=".7"/>
      <ellipse cx="310" cy="186" rx="160" ry="42" fill="#101D45"/>
      <ellipse cx="310" cy="188" rx="148" ry="35" fill="url(#inside)"/>
      <clipPath id="rim"><ellipse cx="310" cy="188" rx="148" ry="35"/></clipPath>
      <ellipse cx="310" cy="206" rx="136" ry="28" fill="#4A2A17" clip-path="url(#rim)"/>
      <path d="M210 212 C250 202 300 208 334 204" stroke="#8A5A38" stroke-width="5" fill="none" stroke-linecap="round"/>
      <g fill="none" stroke="#FFFFFF" stroke-width="9" stroke-linecap="round" opacity=".9">
        <path d="M262 140 C240 114 284 98 262 66 M318 132 C296 104 342 86 318 52 M372 140 C350 114 394 98 372 70"/></g>`,
  },
  {
    file: "backpack.webp",
    product_type: "Backpack",
    category: "Bags",
    expected_label: "green",
    backdrop: ["#F4F6F7", "#E2E7EA"],
    art: `${shade("cloth", ["#226B3B", "#35945A", "#2B8049", "#1B5730"])}${shade("pocket", ["#3BA062", "#277443"], true)}
      ${shadow(320, 556, 190, 20)}
      <path d="M264 128 C264 60 376 60 376 128" fill="none" stroke="#184B2A" stroke-width="20"/>
      <path d="M176 260 C140 300 136 420 160 500 M464 260 C500 300 504 420 480 500" fill="none" stroke="#184B2A" stroke-width="30" stroke-linecap="round"/>
      <path d="M168 260 C168 150 232 106 320 106 C408 106 472 150 472 260 L480 500 C482 540 460 552 430 554 L210 554
        C180 552 158 540 160 500 Z" fill="url(#cloth)"/>
      <path d="M196 262 C196 176 246 138 320 138 C394 138 444 176 444 262" fill="none" stroke="#1A5230" stroke-width="8"/>
      <path d="M196 262 C196 176 246 138 320 138 C394 138 444 176 444 262" fill="none" stroke="#D8B45A" stroke-width="3" stroke-dasharray="7 5"/>
      <rect x="204" y="344" width="232" height="178" rx="28" fill="url(#pocket)" stroke="#1A5230" stroke-width="6"/>
      <path d="M206 392 C260 420 380 420 434 392" fill="none" stroke="#1A5230" stroke-width="7"/>
      <rect x="304" y="398" width="32" height="56" rx="6" fill="#A8703A"/><rect x="311" y="424" width="18" height="14" rx="3" fill="#E3C06B"/>
      <rect x="276" y="196" width="88" height="58" rx="8" fill="#A8703A"/><rect x="284" y="204" width="72" height="42" rx="5" fill="none" stroke="#D9A66A" stroke-width="3" stroke-dasharray="6 4"/>
      <path d="M448 270 v34" stroke="#E3C06B" stroke-width="8" stroke-linecap="round"/>`,
  },
  {
    file: "raincoat.png",
    product_type: "Raincoat",
    category: "Fashion",
    expected_label: "yellow",
    art: `${shade("coat", ["#E3B505", "#FFDA2B", "#FBD01C", "#DFAE00"])}${shade("sleeve", ["#EFC20E", "#CE9F00"], true)}
      <path d="M216 190 C158 216 120 330 96 442 C110 462 150 470 172 462 L232 320 Z" fill="url(#sleeve)"/>
      <path d="M424 190 C482 216 520 330 544 442 C530 462 490 470 468 462 L408 320 Z" fill="url(#sleeve)"/>
      <path d="M98 434 C112 452 152 462 176 452 L172 464 C150 472 110 464 95 446 Z M542 434 C528 452 488 462 464 452 L468 464 C490 472 530 464 545 446 Z" fill="#B98B00"/>
      <path d="M214 190 C250 168 390 168 426 190 C444 300 456 440 470 570 C400 592 240 592 170 570 C184 440 196 300 214 190 Z" fill="url(#coat)"/>
      <path d="M232 206 C202 96 268 48 320 48 C372 48 438 96 408 206 C380 226 260 226 232 206 Z" fill="url(#coat)" stroke="#D1A100" stroke-width="5"/>
      <path d="M258 196 C240 116 284 84 320 84 C356 84 400 116 382 196 C360 214 280 214 258 196 Z" fill="#8A6A0A"/>
      <path d="M272 198 C262 140 292 112 320 112 C348 112 378 140 368 198 C350 210 290 210 272 198 Z" fill="#6B5108"/>
      <path d="M320 212 L320 582" stroke="#C99A00" stroke-width="6"/>
      <g fill="#4A4A48"><circle cx="338" cy="262" r="9"/><circle cx="338" cy="336" r="9"/><circle cx="338" cy="410" r="9"/><circle cx="338" cy="484" r="9"/></g>
      <path d="M206 428 h78 v74 c-26 12 -52 12 -82 2 Z M434 428 h-78 v74 c26 12 52 12 82 2 Z" fill="#F3C512" stroke="#C99A00" stroke-width="5"/>
      <path d="M202 428 h86 v18 h-86 Z M438 428 h-86 v18 h86 Z" fill="#D6A700"/>
      <path d="M236 250 C230 320 222 380 218 412" stroke="#FFEE8C" stroke-width="10" fill="none" stroke-linecap="round"/>`,
  },
  {
    file: "chair.jpg",
    product_type: "Chair",
    category: "Furniture",
    expected_label: "brown",
    backdrop: ["#F8F7F4", "#E5E2DC"],
    art: `${shade("back", ["#85502C", "#6E3F20", "#52290F"], true)}${shade("seat", ["#8F5831", "#6A3A1C"], true)}
      ${shadow(320, 566, 220, 20)}
      <path d="M196 470 L172 570 L190 570 L226 470 Z M444 470 L468 570 L450 570 L414 470 Z M262 470 L252 556 L266 556 L284 470 Z M378 470 L388 556 L374 556 L356 470 Z" fill="#2B1A10"/>
      <path d="M190 150 C190 96 228 74 320 74 C412 74 450 96 450 150 L444 384 L196 384 Z" fill="url(#back)"/>
      <g stroke="#4B260F" stroke-width="5" fill="none"><path d="M276 80 C270 180 270 280 276 372 M364 80 C370 180 370 280 364 372"/></g>
      <g fill="#3D1F0D"><circle cx="236" cy="152" r="6"/><circle cx="320" cy="140" r="6"/><circle cx="404" cy="152" r="6"/>
        <circle cx="236" cy="246" r="6"/><circle cx="320" cy="236" r="6"/><circle cx="404" cy="246" r="6"/></g>
      <path d="M184 372 C230 350 410 350 456 372 L472 446 C420 466 220 466 168 446 Z" fill="url(#seat)"/>
      <path d="M168 444 C220 464 420 464 472 444 L470 480 C420 496 220 496 170 480 Z" fill="#4F2912"/>
      <path d="M118 296 C118 270 178 268 186 292 L206 452 C204 478 150 482 140 462 Z M522 296 C522 270 462 268 454 292 L434 452 C436 478 490 482 500 462 Z" fill="#7A4725"/>
      <path d="M118 296 C118 270 178 268 186 292 C182 312 124 314 118 296 Z M522 296 C522 270 462 268 454 292 C458 312 516 314 522 296 Z" fill="#9C6439"/>
      <path d="M224 112 C250 98 300 94 330 95" stroke="#B07A4C" stroke-width="9" fill="none" stroke-linecap="round" opacity=".7"/>`,
  },
  {
    file: "shirt.webp",
    product_type: "T-shirt",
    category: "Fashion",
    hex_color_label: "#101010",
    expected_label: "black",
    backdrop: ["#DCE8F2", "#C6D7E6"],
    art: `${shade("fold", ["#00000000", "#00000024", "#00000000", "#0000000c", "#00000030", "#00000000"])}
      <clipPath id="cut"><path d="M232 120 C262 158 378 158 408 120 L470 142 C516 166 548 226 566 300 L476 330 L458 270
        C462 370 468 470 474 548 C420 566 220 566 166 548 C172 470 178 370 182 270 L164 330 L74 300 C92 226 124 166 170 142 Z"/></clipPath>
      ${shadow(320, 552, 170, 14)}
      <g clip-path="url(#cut)"><rect width="640" height="640" fill="#F6F5F1"/>
        ${Array.from({ length: 9 }, (_, i) => `<path d="M40 ${172 + 46 * i} C200 ${186 + 46 * i} 440 ${186 + 46 * i} 600 ${172 + 46 * i}" stroke="#17181B" stroke-width="23" fill="none"/>`).join("")}
        <path d="M170 142 C186 190 188 240 182 274 M470 142 C454 190 452 240 458 274" stroke="#00000055" stroke-width="4" fill="none"/>
        <rect x="160" y="110" width="320" height="460" fill="url(#fold)"/></g>
      <path d="M228 120 C262 166 378 166 412 120" fill="none" stroke="#17181B" stroke-width="15" stroke-linecap="round"/>`,
  },
  {
    file: "lamp.png",
    product_type: "Lamp",
    category: "Home",
    expected_label: "pink",
    backdrop: ["#F8F8F6", "#E9EAE6"],
    art: `${shade("hood", ["#E87FA8", "#FBB4CD", "#F59DBD", "#DA6C98"])}${shade("stem", ["#A67C2E", "#E5C26B", "#9A7027"])}
      ${shadow(320, 566, 130, 16)}
      <rect x="310" y="290" width="20" height="240" fill="url(#stem)"/>
      <path d="M230 552 C230 520 410 520 410 552 C410 570 230 570 230 552 Z" fill="url(#hood)"/>
      <path d="M230 552 C234 566 406 566 410 552 C410 570 230 570 230 552 Z" fill="#C25A86"/>
      <path d="M238 84 L402 84 L506 330 C430 356 210 356 134 330 Z" fill="url(#hood)"/>
      <path d="M238 84 C270 74 370 74 402 84 C370 94 270 94 238 84 Z" fill="#C25A86"/>
      <path d="M134 330 C210 356 430 356 506 330 L512 344 C430 372 210 372 128 344 Z" fill="#D36392"/>
      <g stroke="#DE7AA3" stroke-width="3" opacity=".8"><path d="M270 92 L206 348 M320 92 L320 354 M370 92 L434 348"/></g>
      <path d="M430 352 L430 420" stroke="#B08A3A" stroke-width="4"/><circle cx="430" cy="426" r="9" fill="#E5C26B"/>`,
  },
  {
    file: "sofa.jpg",
    product_type: "Sofa",
    category: "Furniture",
    expected_label: "orange",
    backdrop: ["#F6F7F8", "#E3E6E9"],
    art: `${shade("rest", ["#FF9C3D", "#F27D16"], true)}${shade("cushion", ["#FFA64D", "#EE7711"], true)}${shade("arm", ["#F98A25", "#D9650A"], true)}
      ${shadow(320, 482, 280, 18)}
      <path d="M112 440 L102 484 L120 484 L136 440 Z M528 440 L538 484 L520 484 L504 440 Z" fill="#5B3A22"/>
      <path d="M104 250 C104 196 130 180 180 180 L460 180 C510 180 536 196 536 250 L536 400 L104 400 Z" fill="url(#rest)"/>
      <path d="M320 184 L320 330" stroke="#C75C08" stroke-width="6"/>
      <rect x="112" y="318" width="206" height="76" rx="22" fill="url(#cushion)" stroke="#C75C08" stroke-width="4"/>
      <rect x="322" y="318" width="206" height="76" rx="22" fill="url(#cushion)" stroke="#C75C08" stroke-width="4"/>
      <path d="M96 386 L544 386 L544 448 L96 448 Z" fill="#DE6B0C"/><path d="M96 426 L544 426 L544 448 L96 448 Z" fill="#BE5706"/>
      <path d="M56 292 C56 254 136 254 136 292 L136 448 L72 448 C62 448 56 440 56 430 Z M584 292 C584 254 504 254 504 292 L504 448 L568 448 C578 448 584 440 584 430 Z" fill="url(#arm)"/>
      <path d="M76 296 C76 276 116 276 116 296 M564 296 C564 276 524 276 524 296" stroke="#FFBE7D" stroke-width="7" fill="none" stroke-linecap="round"/>
      <g transform="rotate(-12 196 292)"><rect x="150" y="244" width="92" height="88" rx="16" fill="#F7EFE2" stroke="#D9C9AE" stroke-width="4"/></g>`,
  },
];

/**
 * Draws the pictures that `folder` lacks (it is made when missing), and one broken file.
 *
 * @returns the items, in the order drawn, `broken.jpg` last
 */
export async function drawGallery(folder: string): Promise<GalleryEntry[]> {
  await mkdir(folder, { recursive: true });
  const broken = { file: "broken.jpg", product_type: "Unknown", category: "Unknown", expected_label: null };
  await Promise.all([
    ...DRAWINGS.map((drawing) => writeMissing(folder, drawing.file, () => draw(drawing))),
    writeMissing(folder, broken.file, async () =>
      (
        await sharp(Buffer.from(page("", `<rect width="${SIDE}" height="${SIDE}" fill="#888"/>`)))
          .jpeg()
          .toBuffer()
      ).subarray(0, BROKEN_BYTES),
    ),
  ]);
  return [...DRAWINGS.map(({ art: _art, backdrop: _backdrop, ...entry }) => entry), broken];
}

async function writeMissing(folder: string, file: string, make: () => Promise<Uint8Array>): Promise<void> {
  const path = join(folder, file);
  if (
    await access(path).then(
      () => true,
      () => false,
    )
  )
    return;
  const aside = `${path}.${process.pid}.part`;
  await writeFile(aside, await make());
  await rename(aside, path);
}

function page(defs: string, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}" viewBox="0 0 ${SIDE} ${SIDE}"><defs>${defs}</defs>${body}</svg>`;
}

async function draw({ file, backdrop, art }: Drawing): Promise<Uint8Array> {
  const soft = `<filter id="soft" x="-50%" y="-200%" width="200%" height="500%"><feGaussianBlur stdDeviation="10"/></filter>`;
  const light = backdrop
    ? `<radialGradient id="backdrop" cx=".5" cy=".45" r=".8"><stop offset="0" stop-color="${backdrop[0]}"/><stop offset="1" stop-color="${backdrop[1]}"/></radialGradient>`
    : "";
  const wall = backdrop ? `<rect width="${SIDE}" height="${SIDE}" fill="url(#backdrop)"/>` : "";
  const picture = sharp(Buffer.from(page(soft + light, wall + art)));
  if (file.endsWith(".webp")) return picture.webp({ quality: 88 }).toBuffer();
  if (file.endsWith(".jpg")) return picture.jpeg({ quality: 90 }).toBuffer();
  return picture.png({ compressionLevel: 9 }).toBuffer();
}
