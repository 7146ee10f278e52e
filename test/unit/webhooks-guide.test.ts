/** The guide's code for verifying a delivery runs as it stands there. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { mintSecret, signStandard } from "../../src/webhooks/signature.ts";

const guide = readFileSync(new URL("../../docs/webhooks.md", import.meta.url), "utf8");

/** The guide's block as a function of what it says it is given; its import may name another library. */
async function verifier(library: string): Promise<(secret: string, rawBody: string, headers: unknown) => unknown> {
  const [, block = ""] = /## Verifying[^]*?```js.*\n([^]*?)```/.exec(guide) ?? [];
  const [line = "", name = ""] = /^import \{ (\w+) \} from "standardwebhooks";$/m.exec(block) ?? [];
  expect(line).not.toBe("");
  const imported = (await import(library)) as Record<string, unknown>;
  // oxlint-disable-next-line typescript/no-implied-eval -- the guide's text is what is tested
  const run = new Function(name, "secret", "rawBody", "headers", `${block.replace(line, "")}\nreturn event;`);
  return (secret, rawBody, headers) => run(imported[name], secret, rawBody, headers) as unknown;
}

const secret = mintSecret(new Uint8Array(32).fill(7));
const body = JSON.stringify({ type: "inference.succeeded", data: { text: "na\u00efve" } });

async function delivered() {
  const signed = await signStandard({ id: "msg_a_1", timestamp: Math.floor(Date.now() / 1000), body }, [secret], null);
  return { "content-type": "application/json", ...signed };
}

test.each(["standardwebhooks", "svix"])(
  "the guide's verification with %s takes a fetch Headers, Node's headers and a plain object",
  async (library) => {
    const verify = await verifier(library);
    const headers = await delivered();
    for (const given of [new Headers(headers), headers, { ...headers, "set-cookie": ["a=1", "b=2"], te: undefined }]) {
      expect(verify(secret, body, given)).toEqual(JSON.parse(body));
    }
  },
);

test.each(["standardwebhooks", "svix"])(
  "the guide's verification with %s refuses a changed body, another secret and missing headers",
  async (library) => {
    const verify = await verifier(library);
    const headers = new Headers(await delivered());
    expect(() => verify(secret, body.replace("succeeded", "failed"), headers)).toThrow("No matching signature found");
    expect(() => verify(mintSecret(new Uint8Array(32)), body, headers)).toThrow("No matching signature found");
    headers.delete("webhook-signature");
    expect(() => verify(secret, body, headers)).toThrow("Missing required headers");
  },
);
