/**
 * Cog's HTTP server as 0.23.1 was seen to answer (`npm run field`), with one slot: what it says to each call is what the real one
 * said, byte for byte but for ids and times. What a prediction does is what its input's `text` says.
 */

/** Texts that make a prediction do something other than to give the text back in capitals. */
export const FAILS = "fails";
/** Runs until it is canceled or released. */
export const RUNS = "runs";
/** Ends as canceled though nobody has asked for that. */
export const STOPS = "stops";
export const PICTURE = "picture";
export const NOTHING = "nothing";

const PNG = "data:image/png;base64,iVBORw0KGgoxMjM=";

type Status = "STARTING" | "READY" | "BUSY" | "DEFUNCT";

const answer = (status: number, body: string) => new Response(body, { status, headers: { "Content-Type": "application/json" } });

export class Cog {
  /** Method and path of all calls, oldest first. */
  readonly calls: string[] = [];
  /** The bodies of predictions. */
  readonly bodies: string[] = [];
  /** Of its health, unless it is busy. */
  health: Status = "READY";
  /** Whether it takes a cancel and goes on all the same, as a model in a long call of its driver does. */
  isDeaf = false;
  readonly #running = new Map<string, (body: string) => void>();

  /** The prediction that runs ends well. */
  release(): void {
    for (const [id, end] of this.#running)
      end(`{"id":"${id}","logs":"","metrics":{"predict_time":3.0},"output":"LATE","status":"succeeded"}`);
  }

  readonly serve = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    this.calls.push(`${request.method} ${pathname}`);
    if (pathname === "/health-check") {
      const status = this.#running.size > 0 ? "BUSY" : this.health;
      return answer(
        200,
        `{"status":"${status}","setup":{"started_at":"2026-11-29T02:12:48.680512800+00:00","status":"starting"},"version":{}}`,
      );
    }
    const [, , id = "", verb] = pathname.split("/");
    if (verb === "cancel") return this.#cancel(id);
    const body = await request.text();
    this.bodies.push(body);
    return this.#predict(id, JSON.parse(body) as { input: { text?: string } }, request.signal); // what the runner sends
  };

  #cancel(id: string): Response {
    const end = this.#running.get(id);
    if (!end) return answer(404, "{}");
    if (!this.isDeaf) end(`{"id":"${id}","logs":"","metrics":{"predict_time":0.906461374},"status":"canceled"}`);
    return answer(200, "{}");
  }

  async #predict(id: string, { input }: { input: { text?: string } }, signal: AbortSignal): Promise<Response> {
    if (this.health === "STARTING") {
      return answer(
        503,
        '{"error":"Setup has not finished yet. Wait until it has finished, or GET /health-check for status.","status":"failed"}',
      );
    }
    if (this.#running.has(id)) {
      return answer(202, `{"id":"${id}","input":${JSON.stringify(input)},"logs":"","metrics":{},"status":"processing"}`);
    }
    if (this.#running.size > 0) return answer(409, '{"error":"At capacity - all prediction slots busy","status":"failed"}');
    const said = (rest: string) => answer(200, `{"id":"${id}","logs":"log line\\n","metrics":{"predict_time":0.002093956},${rest}}`);
    switch (input.text) {
      case FAILS:
        return answer(
          200,
          `{"error":"Prediction failed: Prediction failed: ValueError: no such color: mauve","id":"${id}","logs":"","metrics":{"predict_time":0.000672829},"status":"failed"}`,
        );
      case STOPS:
        return said('"status":"canceled"');
      case PICTURE:
        return said(`"output":{"image":"${PNG}","score":0.5},"status":"succeeded"`);
      case NOTHING:
        return said('"output":null,"status":"succeeded"');
      case RUNS:
        return this.#run(id, signal);
      case undefined:
        return answer(422, '{"detail":[{"loc":["body","input","text"],"msg":"Field required","type":"value_error.missing"}]}');
      default:
        return said(`"output":${JSON.stringify(input.text.toUpperCase())},"status":"succeeded"`);
    }
  }

  /** A caller that hangs up ends the prediction too. */
  async #run(id: string, signal: AbortSignal): Promise<Response> {
    const ended = Promise.withResolvers<string>();
    this.#running.set(id, ended.resolve);
    signal.addEventListener("abort", () => ended.reject(new Error("closed by the caller")));
    try {
      return answer(200, await ended.promise);
    } finally {
      this.#running.delete(id);
    }
  }
}
