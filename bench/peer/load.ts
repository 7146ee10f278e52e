/** The load generator where wrk is missing: autocannon in a process of its own. Prints what it saw as JSON. */
import { readFileSync } from "node:fs";
import autocannon, { type Client, type Request } from "autocannon";

/** What the benchmark passes. */
interface Settings {
  readonly url: string;
  /** With the requests, as JSON. */
  readonly file: string;
  readonly connections: number;
  readonly seconds: number;
  readonly perSecond?: number;
}

const { url, file, connections, seconds, perSecond } = JSON.parse(process.argv[2] ?? "") as Settings;
const requests = JSON.parse(readFileSync(file, "utf8")) as Request[];
let clients = 0;
// Each connection begins elsewhere, so that not all ask for the same at once.
const setupClient = (client: Client) => {
  const from = Math.floor((clients++ * requests.length) / connections);
  client.setRequests([...requests.slice(from), ...requests.slice(0, from)]);
};
const seen = await autocannon({
  url,
  connections,
  duration: seconds,
  setupClient,
  timeout: 20,
  ...(perSecond ? { overallRate: perSecond } : {}),
});
const answered = seen["1xx"] + seen["2xx"] + seen["3xx"] + seen["4xx"] + seen["5xx"];
console.log(
  JSON.stringify({
    answered,
    refused: seen["4xx"] + seen["5xx"],
    broken: seen.errors,
    seconds: seen.duration,
    p50Ms: seen.latency.p50,
    p99Ms: seen.latency.p99,
  }),
);
