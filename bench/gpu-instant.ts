/** A GPU server in a process of its own that answers at once: OIP at any path, 1 MiB of bytes below `/mib`. It records nothing. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

const ROLE = "answers-at-once";
const MIB = Buffer.alloc(1024 * 1024, "x");
const TENSOR = Buffer.from('{"model_name":"m","outputs":[{"name":"y","shape":[1],"datatype":"INT64","data":[1]}]}');

export async function startInstantGpu(): Promise<{ readonly url: string; readonly pid: number; end(): void }> {
  const child = fork(fileURLToPath(import.meta.url), [ROLE]);
  const [url] = (await once(child, "message")) as [string]; // sent below
  if (child.pid === undefined) throw new Error("the GPU server could not be started");
  return { url, pid: child.pid, end: () => void child.kill() };
}

if (process.argv[2] === ROLE) {
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const [type, body] = request.url?.startsWith("/mib") ? ["application/octet-stream", MIB] : ["application/json", TENSOR];
      response.writeHead(200, { "Content-Type": type, "Content-Length": body.length }).end(body);
    });
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 });
  await once(server, "listening");
  process.on("disconnect", () => process.exit());
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`); // of a server that listens on a port
}
