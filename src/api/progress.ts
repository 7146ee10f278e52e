/** What a model says while it runs, at the address that its call was given in `Claimcheck-Progress-Url`. */
import * as z from "zod";
import { type Call, type Input, type RouteShape, route } from "../http/route.ts";
import { say } from "../inferences/progress.ts";
import { readProgress } from "../inferences/progress-token.ts";
import { PROGRESS_BODY_BYTES, PROGRESS_LINES, PROGRESS_LINE_CHARACTERS, WEBHOOK_URL_CHARACTERS } from "../limits.ts";
import { problem } from "../problem.ts";

const line = z.string().min(1).max(PROGRESS_LINE_CHARACTERS);

const saidSchema = z.lazy(() =>
  z
    .strictObject({
      progress: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe("How much of the attempt is done. One that is less than the last counts as the last."),
      message: line.optional().describe("What it does, for people."),
      preview_url: z
        .url({ protocol: /^https?$/ })
        .max(WEBHOOK_URL_CHARACTERS)
        .optional()
        .describe("Where the output so far can be seen."),
      logs: z.array(line).max(PROGRESS_LINES).optional().describe("Lines for the inference's log."),
    })
    .refine((said) => Object.keys(said).length > 0, "must contain progress, message, preview_url or logs")
    .meta({ minProperties: 1 }),
);

const SAY = {
  summary: "Report the progress of an attempt; for models, at the address in `Claimcheck-Progress-Url`.",
  params: z.object({ token: z.string().describe("What the address was made with.") }),
  body: { json: saidSchema, limitBytes: PROGRESS_BODY_BYTES },
  answers: { 202: { description: "It is noted, together with what is said within a second.", json: z.lazy(() => z.object({})) } },
} as const satisfies RouteShape;

export const progressRoutes = [route("open", "POST", "/v1/progress/:token", SAY, tell)];

async function tell(call: Call, { body }: Input<typeof SAY>): Promise<Response> {
  const name = await readProgress(call.params["token"] ?? "", call.config.keySecrets);
  if (!name)
    throw problem("link_not_valid", { detail: "This address was not made by this deployment; use Claimcheck-Progress-Url as it came." });
  const said = {
    progress: body.progress ?? null,
    message: body.message ?? null,
    previewUrl: body.preview_url ?? null,
    lines: body.logs ?? [],
  };
  if (await say(call.ports, name, said, call.after))
    return Response.json({}, { status: 202, headers: { "Cache-Control": "private, no-store" } });
  throw problem("conflict", { detail: "The attempt has ended, so nothing more can be said of it. Stop the work on it." });
}
