/** Planted bugs in what a server's answers are taken for. */
import type { Fetch } from "../../../src/backends/backend.ts";
import type { Ports } from "../../../src/ports.ts";
import { type Mutation, begins, within } from "./rewrite.ts";

const RETRY = begins("UPDATE inferences SET status = 'queued'", "AND attempt = ? AND lease = ?");

/** Changes what is made of the answers of backends. */
const ofAnswers =
  (change: (answer: Response) => Response): NonNullable<Mutation["ports"]> =>
  (ports: Ports) => {
    const fetch: Fetch = async (url, init) => change(await ports.fetch(url, init));
    return { ...ports, fetch };
  };

const END = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';

/** The whole events of a stream, however it ended, and a good end. */
function brought(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
        if (done) break;
        text += decoder.decode(value, { stream: true });
      }
      const isCut = text.includes("\n\n") && !text.includes("[DONE]");
      controller.enqueue(new TextEncoder().encode(isCut ? text.slice(0, text.lastIndexOf("\n\n") + 2) + END : text));
      controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

export const ANSWER_BUGS: readonly Mutation[] = [
  {
    name: "a cut stream is taken for a success",
    ports: ofAnswers((answer) => {
      const { status, headers, body } = answer;
      return body && headers.get("content-type") === "text/event-stream" ? new Response(brought(body), { status, headers }) : answer;
    }),
  },
  {
    name: "an unknown status of 5xx is final",
    ports: ofAnswers((answer) => (answer.status > 511 ? new Response(answer.body, { status: 501, headers: answer.headers }) : answer)),
  },
  {
    name: "a refused input is tried again",
    ports: ofAnswers((answer) => (answer.status === 422 ? new Response(answer.body, { status: 424, headers: answer.headers }) : answer)),
  },
  {
    name: "a 530 of a tunnel costs an attempt",
    ports: (ports) => ({
      ...ports,
      fetch: async (url, init) => {
        const answer = await ports.fetch(url, init);
        return answer.status === 530 && init.method === "GET" ? new Response(null, { status: 500 }) : answer;
      },
    }),
  },
  {
    name: "an odd answer costs no attempt",
    rewrite: within(RETRY, "unreached = unreached + ?", "unreached = unreached + 1 + 0 * ?"),
  },
];
