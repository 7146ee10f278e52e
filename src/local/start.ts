/** `npm start`: the whole system on this machine, until Ctrl-C. Options: --port N, --host H, --state DIR. */
import { parseArgs } from "node:util";
import { relative, resolve } from "node:path";
import { type Deployment, SAMPLE_MODEL, startDeployment } from "./deployment.ts";
import { AddressUnusable, PortTaken } from "./runtime.ts";
import { StateInUse, StateUnusable } from "./state.ts";

const USAGE = `Usage: npm start -- [--port N] [--host H] [--state DIR]

  --port N     where clients reach the API (8787)
  --host H     the address to listen on (127.0.0.1)
  --state DIR  where everything is kept (.claimcheck)`;

function optionsOf(args: string[]): { host: string; port: number; folder: string } {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: "string", default: "8787" },
      host: { type: "string", default: "127.0.0.1" },
      state: { type: "string", default: ".claimcheck" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new TypeError(`--port ${values.port}: must be a number from 1 to 65535`);
  return { host: values.host, port, folder: resolve(values.state) };
}

function welcome({ url, key, folder, logFile, sampleUrl, recovered }: Deployment): string {
  const here = (path: string) => relative(process.cwd(), path) || ".";
  return `
Claimcheck is running.

  API            ${url}
  console        ${url}/console (sign in with the key below, or with the admin token)
  model          ${SAMPLE_MODEL}, served by the sample model server at ${sampleUrl}
  state          ${here(folder)} (credentials.json has the address, the key and the admin token)
  log            ${here(logFile)}${recovered > 0 ? `\n  recovered      ${recovered} inferences that the last run had left in progress` : ""}

Paste these into another terminal, line by line:

  KEY=${key}

  ID=$(curl -s ${url}/inference/${SAMPLE_MODEL} -H "x-vody-api-key: $KEY" -H "content-type: application/json" \\
    -d '[{"image_path":"pictures/sneaker.png","product_type":"Shoes"}]' | sed 's/.*"id":"\\([^"]*\\)".*/\\1/'); echo $ID

  sleep 1; curl -s ${url}/inference/$ID/status -H "x-vody-api-key: $KEY"; echo

  curl -s ${url}/inference/$ID/results -H "x-vody-api-key: $KEY"; echo

Any https:// or data: URL of a PNG, JPEG or WebP picture will do in place of the sample's own. Ctrl-C stops it all.
`;
}

/** Asked for at once: it may end before we have begun. */
const PARENT = process.ppid;
const PARENT_EVERY_MS = 500;

/**
 * A program that ends npm, such as a test's script, ends neither this process nor the shell's: npm keeps the signal, and the shell between
 * ends without us. So the end of that shell is ours too.
 */
function endWithNpm(stop: () => void): void {
  if (!["start", "dev"].includes(process.env["npm_lifecycle_event"] ?? "")) return;
  const timer = setInterval(() => {
    if (process.ppid === PARENT) return;
    clearInterval(timer);
    stop();
  }, PARENT_EVERY_MS);
}

async function main(): Promise<void> {
  const deployment = await startDeployment(optionsOf(process.argv.slice(2)));
  console.log(welcome(deployment));
  let stopping = false;
  const stop = async () => {
    if (stopping) process.exit(130);
    stopping = true;
    console.log("\nStopping …");
    await deployment.stop();
    console.log("Stopped. What was running will be taken up at the next start.");
    process.exit(0);
  };
  process.on("SIGINT", () => void stop());
  process.on("SIGTERM", () => void stop());
  endWithNpm(() => !stopping && void stop()); // a Ctrl-C ends that shell too
}

try {
  await main();
} catch (error) {
  if (error instanceof PortTaken) console.error(`${error.message} Choose another: npm start -- --port N`);
  else if (error instanceof AddressUnusable) console.error(`${error.message} Choose another: npm start -- --host H --port N`);
  else if (error instanceof StateInUse || error instanceof StateUnusable)
    console.error(`${error.message} Choose another: npm start -- --state DIR`);
  else if (error instanceof TypeError) console.error(`${error.message}\n\n${USAGE}`);
  else console.error(error);
  process.exit(1);
}
