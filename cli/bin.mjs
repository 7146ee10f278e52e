#!/usr/bin/env node
// What `npx claimcheck` runs: the built program in a package, its source in a checkout.
import { existsSync } from "node:fs";

const source = new URL("main.ts", import.meta.url);
await import(existsSync(source) ? source.href : new URL("../dist/cli.js", import.meta.url).href);
