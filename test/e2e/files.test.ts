/**
 * An upload outlives whatever becomes of the deployment: killed in the middle of a part, it goes on where it was and what
 * comes out is what was sent. UPLOAD_MIB says how much; by hand 300, here as much as has several parts.
 */
import { createHash } from "node:crypto";
import { request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { type Deployment, ask, deploy, endAll, newFolder } from "../support/deployment.ts";

const MIB = 1024 * 1024;
const UPLOAD_BYTES = Number(process.env["UPLOAD_MIB"] ?? 40) * MIB + 12_345;
const KILLS = 2;

afterAll(endAll);

/** Bytes of a file that is never whole in memory: a part of it, the same each time. */
function noise(offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = (offset + 1) >>> 0;
  for (let at = 0; at + 4 <= length; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state, at);
  }
  return bytes;
}

interface Upload {
  id: string;
  bytes: number;
  part_bytes: number;
  parts: number;
  received: number[];
}

const partOf = (upload: Upload, number: number) => {
  const offset = (number - 1) * upload.part_bytes;
  return noise(offset, Math.min(upload.part_bytes, upload.bytes - offset));
};

async function sendPart(deployment: Deployment, upload: Upload, number: number): Promise<void> {
  const body = new Uint8Array(partOf(upload, number));
  const headers = {
    Authorization: `Bearer ${deployment.key}`,
    "Content-Digest": `sha-256=:${createHash("sha256").update(body).digest("base64")}:`,
  };
  const answer = await fetch(`${deployment.url}/v1/uploads/${upload.id}/parts/${number}`, { method: "PUT", headers, body });
  expect([number, answer.status, await answer.text()]).toEqual([number, 200, expect.stringContaining("upload.part")]);
}

/** Begins to send a part, and resolves when half of it has gone out. */
function sendHalf(deployment: Deployment, upload: Upload, number: number): Promise<void> {
  const body = partOf(upload, number);
  return new Promise((resolve) => {
    const sending = request(`${deployment.url}/v1/uploads/${upload.id}/parts/${number}`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${deployment.key}`, "Content-Length": body.length },
    });
    sending.on("error", () => {});
    sending.write(body.subarray(0, body.length / 2), () => resolve());
  });
}

test("an upload that is killed midway is resumed, not restarted, and byte-exact", async () => {
  const folder = newFolder();
  let deployment = await deploy({ folder });
  const whole = createHash("sha256");
  const made = await deployment.api("POST", "/v1/uploads", { bytes: UPLOAD_BYTES, content_type: "video/mp4" });
  expect(made.status).toBe(201);
  const upload = made.body as Upload;
  expect(upload.parts).toBeGreaterThan(2 * KILLS);
  const look = async () => (await ask(deployment.url, deployment.key, "GET", `/v1/uploads/${upload.id}`)).body as Upload;
  let sent = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    const until = Math.floor((upload.parts * kill) / (KILLS + 1));
    const { received } = await look();
    for (let number = 1; number <= until; number++) {
      if (received.includes(number)) continue;
      await sendPart(deployment, upload, number);
      sent++;
    }
    await sendHalf(deployment, upload, until + 1);
    await wait(100);
    await deployment.kill9();
    deployment = await deploy({ folder, port: deployment.port });
    const after = await look();
    expect(after).toMatchObject({ status: "uploading", part_bytes: upload.part_bytes });
    expect(after.received).toEqual(Array.from({ length: until }, (_, index) => index + 1));
  }
  const early = await deployment.api("POST", `/v1/uploads/${upload.id}/complete`);
  expect(early.status).toBe(409);
  const { received } = await look();
  for (let number = 1; number <= upload.parts; number++) {
    if (!received.includes(number)) {
      await sendPart(deployment, upload, number);
      sent++;
    }
    whole.update(partOf(upload, number));
  }
  expect(sent).toBe(upload.parts);
  const done = await deployment.api("POST", `/v1/uploads/${upload.id}/complete`);
  expect([done.status, done.body]).toMatchObject([200, { status: "ready", bytes: UPLOAD_BYTES }]);
  const got = await fetch(`${deployment.url}/v1/files/${upload.id}`, { headers: { Authorization: `Bearer ${deployment.key}` } });
  const read = createHash("sha256");
  let bytes = 0;
  for await (const chunk of got.body ?? []) {
    read.update(chunk);
    bytes += chunk.byteLength;
  }
  expect([got.status, bytes, read.digest("hex")]).toEqual([200, UPLOAD_BYTES, whole.digest("hex")]);
  await deployment.kill9();
});

test("a file of one request that is cut by a kill leaves nothing that can be read, and its place can be used again", async () => {
  const folder = newFolder();
  let deployment = await deploy({ folder });
  const body = noise(0, 8 * MIB);
  await new Promise<void>((resolve) => {
    const sending = request(`${deployment.url}/v1/files`, {
      method: "POST",
      headers: { Authorization: `Bearer ${deployment.key}`, "Content-Length": body.length },
    });
    sending.on("error", () => {});
    sending.write(body.subarray(0, body.length / 2), () => resolve());
  });
  await wait(200);
  await deployment.kill9();
  deployment = await deploy({ folder, port: deployment.port });
  const listed = (await deployment.api("GET", "/v1/files")).body as { data: { id: string; status: string }[] };
  expect(listed.data).toMatchObject([{ status: "uploading" }]);
  const [left] = listed.data;
  expect((await deployment.api("GET", `/v1/files/${left?.id}`)).status).toBe(409);
  expect((await deployment.api("DELETE", `/v1/files/${left?.id}`)).status).toBe(204);
  expect((await deployment.api("GET", "/v1/files")).body).toMatchObject({ data: [], has_more: false, next_after: null });
  await deployment.kill9();
});
