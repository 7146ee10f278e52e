/** Reading a body of any type, compressed or not. */
import { joined } from "../encoding/chunks.ts";
import { receive } from "./incoming.ts";
import { bytesMustHoldNoKey } from "./no-keys.ts";

/** The body, unpacked, which will be held so many times. Throws what `receive` throws, and 422 if it has an API key in it. */
export async function readBytes(request: Request, limitBytes: number, copies: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  await receive(request, { limitBytes, copies }, (chunk) => parts.push(chunk));
  const bytes = joined(parts);
  bytesMustHoldNoKey(bytes);
  return bytes;
}
