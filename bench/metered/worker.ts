/**
 * The Worker for the benchmark: it counts its calls to D1, Durable Objects, Queues and R2, and can add a distance to each. Nothing
 * of the product knows of it; it only wraps the bindings. `/bench?delay=80` sets the distance in ms and answers what was counted since
 * it was last asked.
 */
import worker, { DeliveryObject as OurDeliveryObject, GateObject as OurGateObject } from "../../src/worker.ts";
import type { Counts } from "./counts.ts";

type Counting = { -readonly [Name in keyof Counts]: number };

const nothing = (): Counting => ({
  requests: 0,
  databaseCalls: 0,
  rowsRead: 0,
  rowsWritten: 0,
  objectCalls: 0,
  messages: 0,
  bucketWrites: 0,
  bucketReads: 0,
});

// The sweep's passes belong to no operation: they are not counted, and not far away.
export { SweepObject } from "../../src/worker.ts";

let counts = nothing();
let delayMs = 0;

/** A call to what may be far away. */
async function far<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  return call();
}

/** Of all that D1 offers, the product uses sessions with `bind`, `all` and `batch`. */
function database(db: D1Database): D1Database {
  const originals = new WeakMap<object, D1PreparedStatement>();
  const noted = <Rows>(answers: D1Result<Rows>[]) => {
    counts.databaseCalls++;
    for (const { meta } of answers) {
      counts.rowsRead += meta.rows_read;
      counts.rowsWritten += meta.rows_written;
    }
    return answers;
  };
  const session = (real: D1DatabaseSession) => ({
    prepare: (text: string) => ({
      bind(...params: unknown[]) {
        const original = real.prepare(text).bind(...params);
        const statement = { all: async () => noted([await far(() => original.all())])[0] };
        originals.set(statement, original);
        return statement;
      },
    }),
    async batch(statements: object[]) {
      return noted(await far(() => real.batch(statements.flatMap((statement) => originals.get(statement) ?? []))));
    },
    getBookmark: () => real.getBookmark(),
  });
  const wrapped = { withSession: (constraint: string) => session(db.withSession(constraint)) };
  return wrapped as unknown as D1Database; // of it, what is used
}

type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** Of a namespace, the product uses `getByName`; of a stub, its methods. */
function objects<Class extends Rpc.DurableObjectBranded>(namespace: DurableObjectNamespace<Class>): DurableObjectNamespace<Class> {
  const wrapped = {
    getByName(name: string) {
      const stub = namespace.getByName(name) as unknown as Methods; // an RPC stub
      const call =
        (method: string) =>
        (...args: unknown[]) => {
          counts.objectCalls++;
          return far(async () => stub[method]?.(...args));
        };
      return new Proxy({}, { get: (_, method) => call(String(method)) });
    },
  };
  return wrapped as unknown as DurableObjectNamespace<Class>; // of it, what is used
}

/** Of a queue, the product uses `sendBatch`. */
function queue(wakeUps: Queue): Queue {
  const wrapped = {
    sendBatch(messages: MessageSendRequest[]) {
      counts.messages += messages.length;
      return far(() => wakeUps.sendBatch(messages));
    },
  };
  return wrapped as unknown as Queue; // of it, what is used
}

const CLASS_A = new Set(["put", "list", "createMultipartUpload"]);
const CLASS_B = new Set(["get", "head"]);

function bucket(payloads: R2Bucket): R2Bucket {
  const methods = payloads as unknown as Methods & Record<"resumeMultipartUpload", R2Bucket["resumeMultipartUpload"]>;
  return new Proxy(payloads, {
    get(_, name) {
      const method = String(name);
      if (method === "resumeMultipartUpload") return (...args: [string, string]) => payloads.resumeMultipartUpload(...args);
      return (...args: unknown[]) => {
        if (CLASS_A.has(method)) counts.bucketWrites++;
        if (CLASS_B.has(method)) counts.bucketReads++;
        return far(async () => methods[method]?.(...args));
      };
    },
  });
}

let known: Env | null = null; // one for each isolate, as the product expects of its bindings

function metered(env: Env): Env {
  known ??= {
    ...env,
    DB: database(env.DB),
    PAYLOADS: bucket(env.PAYLOADS),
    WAKE_UPS: queue(env.WAKE_UPS),
    GATE: objects(env.GATE),
    SWEEP: objects(env.SWEEP),
    DELIVERY: objects(env.DELIVERY),
  };
  return known;
}

export class GateObject extends OurGateObject {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, metered(env));
  }
}

export class DeliveryObject extends OurDeliveryObject {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, metered(env));
  }
}

export default {
  fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/bench") {
      delayMs = Number(searchParams.get("delay"));
      const counted = counts;
      counts = nothing();
      return Response.json(counted);
    }
    counts.requests++;
    return worker.fetch(request, metered(env), ctx);
  },
  queue: (batch, env, ctx) => worker.queue(batch, metered(env), ctx),
  scheduled: (controller, env) => worker.scheduled(controller, env),
} satisfies ExportedHandler<Env>;
