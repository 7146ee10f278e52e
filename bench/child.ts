/** A server of a benchmark in a process of its own, which runs the file that starts it. */
import { fork } from "node:child_process";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

export interface Child {
  readonly url: string;
  readonly pid: number;
  end(): void;
}

/** `file` is the `import.meta.url` of the one that has the server; started so, its `role` is its first argument. */
export async function startChild(file: string, role: string): Promise<Child> {
  const child = fork(fileURLToPath(file), [role]);
  const [url] = (await once(child, "message")) as [string]; // sent below
  if (child.pid === undefined) throw new Error(`${role} could not be started`);
  return { url, pid: child.pid, end: () => void child.kill() };
}

/** In that process: serves until the one that started it ends. */
export async function serveAsChild(server: Server): Promise<void> {
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 });
  await once(server, "listening");
  process.on("disconnect", () => process.exit());
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`); // of a server that listens on a port
}
