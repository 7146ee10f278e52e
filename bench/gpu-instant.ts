/** A GPU server in a process of its own that answers at once: OIP at any path, 1 MiB of bytes below `/mib`. It records nothing. */
import { createServer } from "node:http";
import { type Child, serveAsChild, startChild } from "./child.ts";

const ROLE = "answers-at-once";
const MIB = Buffer.alloc(1024 * 1024, "x");
const TENSOR = Buffer.from('{"model_name":"m","outputs":[{"name":"y","shape":[1],"datatype":"INT64","data":[1]}]}');

export const startInstantGpu = (): Promise<Child> => startChild(import.meta.url, ROLE);

if (process.argv[2] === ROLE) {
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const [type, body] = request.url?.startsWith("/mib") ? ["application/octet-stream", MIB] : ["application/json", TENSOR];
      response.writeHead(200, { "Content-Type": type, "Content-Length": body.length }).end(body);
    });
  });
  await serveAsChild(server);
}
