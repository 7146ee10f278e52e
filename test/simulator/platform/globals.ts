/**
 * What the platform's runtime has and Node has not, or not so: a stream of a stated length, sockets in pairs, and WebCrypto that
 * answers at once. Node's own WebCrypto answers from a thread of the machine, whenever that is done, and then a seed would not tell
 * one story. Only what the flows ask for is here; they get the same bytes as from the real one. Time is the simulated one, by the
 * clock of the isolate whose code asks.
 */
import { type KeyObject, createCipheriv, createDecipheriv, createHash, createHmac, createPrivateKey, hkdfSync, sign } from "node:crypto";
import type { Random } from "../random.ts";
import type { Schedule, Timer } from "../schedule.ts";
import { here } from "./isolate.ts";
import { Socket } from "./sockets.ts";

/** Instead of a CryptoKey. */
interface AnyKey {
  readonly bytes: Uint8Array;
  readonly object: KeyObject | null;
}

interface Parameters {
  readonly salt: Uint8Array;
  readonly info: Uint8Array;
  readonly iv: Uint8Array;
  readonly additionalData: Uint8Array;
}

const TAG_BYTES = 16;

const SUBTLE = {
  async importKey(format: string, data: Uint8Array): Promise<AnyKey> {
    const object = format === "pkcs8" ? createPrivateKey({ key: Buffer.from(data), format: "der", type: "pkcs8" }) : null;
    return { bytes: data.slice(), object };
  },
  exportKey: async (_format: string, { object }: AnyKey) => object?.export({ format: "jwk" }),
  deriveBits: async ({ salt, info }: Parameters, { bytes }: AnyKey, bits: number) => hkdfSync("sha256", bytes, salt, info, bits / 8),
  async deriveKey({ salt, info }: Parameters, { bytes }: AnyKey, { length }: { length: number }): Promise<AnyKey> {
    return { bytes: new Uint8Array(hkdfSync("sha256", bytes, salt, info, length / 8)), object: null };
  },
  async sign(_algorithm: unknown, { bytes, object }: AnyKey, text: Uint8Array) {
    return arrayOf(object ? sign(null, text, object) : createHmac("sha256", bytes).update(text).digest());
  },
  async verify(_algorithm: unknown, { bytes }: AnyKey, tag: Uint8Array, text: Uint8Array) {
    return createHmac("sha256", bytes).update(text).digest().equals(tag);
  },
  digest: async (_algorithm: string, text: Uint8Array) => arrayOf(createHash("sha256").update(text).digest()),
  async encrypt({ iv, additionalData }: Parameters, { bytes }: AnyKey, text: Uint8Array) {
    const cipher = createCipheriv("aes-256-gcm", bytes, iv).setAAD(additionalData);
    return arrayOf(Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]));
  },
  async decrypt({ iv, additionalData }: Parameters, { bytes }: AnyKey, sealed: Uint8Array) {
    const cipher = createDecipheriv("aes-256-gcm", bytes, iv).setAAD(additionalData);
    cipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    return arrayOf(Buffer.concat([cipher.update(sealed.subarray(0, -TAG_BYTES)), cipher.final()]));
  },
};

/** A copy of its own, as WebCrypto returns: a Buffer may lie in the middle of a larger one. */
function arrayOf(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** Who writes into it keeps to its length. */
class FixedLength extends TransformStream<Uint8Array, Uint8Array> {
  constructor(_bytes: number) {
    super();
  }
}

/** An answer that may hand over a socket, which Node's can't. */
class AnyResponse extends Response {
  readonly webSocket: Socket | null;

  constructor(
    body?: ConstructorParameters<typeof Response>[0],
    init: ConstructorParameters<typeof Response>[1] & { webSocket?: Socket } = {},
  ) {
    super(body, init.webSocket ? {} : init);
    this.webSocket = init.webSocket ?? null;
  }
}

export interface GlobalsWorld {
  readonly schedule: Schedule;
  /** For ids and for how long sockets take. */
  readonly random: Random;
}

/** Puts these in the place of the runtime's; what is returned puts back what was there. */
export function borrowGlobals({ schedule, random }: GlobalsWorld): () => void {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const randomUUID = () => [4, 2, 2, 2, 6].map((count) => hex(random.bytes(count))).join("-");
  const timer = (run: () => void, ms = 0) => here.getStore()?.after(ms, run) ?? schedule.after(ms, run);
  const borrowed: readonly (readonly [owner: object, name: string, value: unknown])[] = [
    [globalThis, "crypto", { subtle: SUBTLE, randomUUID }],
    [globalThis, "FixedLengthStream", FixedLength],
    [globalThis, "Response", AnyResponse],
    [
      globalThis,
      "WebSocketPair",
      function pair() {
        return Object.assign({}, Socket.pair(random));
      },
    ],
    [globalThis, "setTimeout", timer],
    [globalThis, "clearTimeout", (it: Timer | undefined) => it && (it.canceled = true)],
    [Date, "now", () => here.getStore()?.clock.now() ?? schedule.now],
  ];
  const before = borrowed.map(([owner, name]) => [owner, name, Object.getOwnPropertyDescriptor(owner, name)] as const);
  for (const [owner, name, value] of borrowed) Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  return () => {
    for (const [owner, name, property] of before) {
      if (property) Object.defineProperty(owner, name, property);
      else Reflect.deleteProperty(owner, name);
    }
  };
}
