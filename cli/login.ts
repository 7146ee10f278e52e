/** `login` and `logout`. */
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import type { Command } from "commander";
import { bold } from "../src/local/terminal.ts";
import { Api } from "./api.ts";
import { UsageError } from "./errors.ts";
import { type Common, interrupted, outputFor } from "./options.ts";
import { printable } from "./print.ts";
import { addressOf, forget, keep, keptIn } from "./settings.ts";

export async function login(command: Command): Promise<void> {
  const { url: said, key: saidKey, adminToken } = command.optsWithGlobals<Common>();
  const output = outputFor(command);
  const url = addressOf(said ?? (await ask("Address of the deployment: ")));
  const key = saidKey ?? (adminToken ? undefined : await ask("Key (ck_…, not shown): ", true));
  const settings = { url, key, adminToken };
  const api = new Api(settings, output, interrupted.signal);
  if (key) {
    const { account } = await api.client.me({ signal: api.signal });
    output.note(`Logged in to ${printable(url)} as the account ${bold(printable(account.name))} (${printable(account.id)}).`);
  }
  if (adminToken) {
    await api.operate("GET", "/health");
    output.note(`Logged in to ${printable(url)} as the operator.`);
  }
  keep(settings);
  output.note(`Kept in ${keptIn()}, which only you can read.`);
}

export function logout(command: Command): void {
  outputFor(command).note(forget() ? "Logged out." : "You were not logged in.");
}

/** What is typed in answer; a secret is not shown. */
async function ask(question: string, isSecret = false): Promise<string> {
  if (!process.stdin.isTTY) throw new UsageError("There is no terminal to ask in: pass --url and --key.");
  let isHidden = false;
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!isHidden) process.stderr.write(chunk);
      done();
    },
  });
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  lines.once("SIGINT", () => interrupted.abort());
  try {
    const answer = lines.question(question, { signal: interrupted.signal });
    isHidden = isSecret;
    return (await answer).trim();
  } finally {
    lines.close();
    if (isSecret) process.stderr.write("\n");
  }
}
