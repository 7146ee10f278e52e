/**
 * Of the platform's types, those that the flows' seam names in its signatures. The simulator stands on the other side
 * of the seam and makes none of these; declaring them here keeps the platform's globals out of a program for Node.
 */
import type { Bucket } from "../../src/inferences/payloads.ts";
import type { Gate } from "../../src/keys/gate.ts";

declare global {
  interface D1Statement {
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as the platform has it
    all<T>(): Promise<{ results: T[] }>;
  }

  interface D1Database {
    prepare(text: string): { bind(...params: unknown[]): D1Statement };
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as the platform has it
    batch<T>(statements: D1Statement[]): Promise<{ results: T[] }[]>;
  }

  interface Env {
    readonly DB: D1Database;
    readonly PAYLOADS: Bucket;
    readonly WAKE_UPS: { sendBatch(messages: { body: unknown }[]): Promise<void> };
    readonly SWEEP: { getByName(name: string): { arm(): Promise<void> } };
    readonly GATE: { getByName(name: string): { admit: Gate["admit"]; forget(): Promise<void> } };
  }
}
