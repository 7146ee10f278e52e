/** The wires, in the order in which they are asked for an unknown path. */
import { baseten } from "./dialects/baseten/baseten.ts";
import { fal } from "./dialects/fal/fal.ts";
import { oip } from "./dialects/oip/oip.ts";
import { openai } from "./dialects/openai/openai.ts";
import { reka } from "./dialects/reka/reka.ts";
import { replicate } from "./dialects/replicate/replicate.ts";
import { runpod } from "./dialects/runpod/runpod.ts";
import { vody } from "./dialects/vody.ts";
import { admin } from "./admin/admin.ts";
import { consoleWire } from "./api/console.ts";
import { front } from "./api/front.ts";
import { health } from "./api/health.ts";
import { own } from "./api/own.ts";
import type { Dialect } from "./http/route.ts";

/** In the order in which they are asked for an unknown path. A path that none of them has is answered as by our own. */
export const DIALECTS: readonly Dialect[] = [
  openai,
  vody,
  reka,
  baseten,
  fal,
  runpod,
  replicate,
  oip,
  admin,
  front,
  consoleWire,
  health,
  own,
];
