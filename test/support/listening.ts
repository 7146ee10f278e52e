/** Servers of tests and benchmarks, each on a port of its own of this machine. */
import { once } from "node:events";
import type { Server } from "node:net";

/** Its address, once it listens. */
export async function listening(server: Server): Promise<string> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("not listening");
  return `http://127.0.0.1:${address.port}`;
}
