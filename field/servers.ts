/** The servers that are met: what is installed, how each is started, and how our input and its answer look there. */
export interface FieldServer {
  readonly name: string;
  /** The package that is met, with its exact version. */
  readonly version: string;
  readonly packages: readonly string[];
  readonly file: string;
  /** Answers when it is ready. */
  readonly ready: string;
  readonly protocol: "http" | "oip" | "openai";
  /** Of the backend's address, behind host and port. */
  readonly path: string;
  readonly remoteModel?: string;
  /** An inference's input that has the server upper-case a text, after a while or with a failure. */
  input(item: Item): unknown;
  /** The text in an inference's output. */
  text(output: unknown): unknown;
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
  input: (item: Item) => item,
  text: (output: unknown) => member(output, "text"),
} as const;

const tensors = {
  protocol: "oip",
  path: "",
  remoteModel: "upper",
  ready: "/v2/models/upper/ready",
  input: ({ text, seconds, fail }: Item) => ({
    inputs: [
      { name: "text", shape: [1], datatype: "BYTES", data: [text] },
      ...(seconds === undefined ? [] : [{ name: "seconds", shape: [1], datatype: "FP64", data: [seconds] }]),
      ...(fail === undefined ? [] : [{ name: "fail", shape: [1], datatype: "BYTES", data: [fail] }]),
    ],
  }),
  text: (output: unknown) => {
    const outputs = member(output, "outputs");
    const data = Array.isArray(outputs) ? member(outputs[0], "data") : undefined;
    return Array.isArray(data) ? (data.flat(Infinity) as unknown[])[0] : undefined;
  },
} as const;

const chat = {
  protocol: "openai",
  path: "",
  ready: "/v1/models",
  input: ({ text, seconds }: Item) => ({ messages: [{ role: "user", content: text }], ...(seconds === undefined ? {} : { seconds }) }),
  text: (output: unknown) => {
    const choices = member(output, "choices");
    return String(member(member(Array.isArray(choices) ? choices[0] : undefined, "message"), "content")).trim();
  },
} as const;

export const SERVERS: readonly FieldServer[] = [
  {
    ...plain,
    name: "FastAPI",
    version: "0.165.0",
    packages: ["fastapi==0.165.0", "uvicorn==0.54.0"],
    file: "fastapi_server.py",
    ready: "/health",
  },
  { ...plain, name: "Flask", version: "3.1.3", packages: ["flask==3.1.3", "waitress"], file: "flask_server.py", ready: "/health" },
  {
    ...plain,
    name: "LitServe",
    version: "0.2.19",
    packages: ["litserve==0.2.19"],
    file: "litserve_plain_server.py",
    ready: "/health",
  },
  { ...plain, name: "BentoML", version: "1.4.40", packages: ["bentoml==1.4.40"], file: "bentoml_server.py", ready: "/readyz" },
  { ...plain, name: "Ray Serve", version: "2.60.0", packages: ["ray[serve]==2.60.0"], file: "ray_server.py", ready: "/health" },
  {
    ...plain,
    name: "Cog",
    version: "0.23.1",
    packages: ["cog==0.23.1"],
    file: "cog_server.py",
    ready: "/health-check",
    path: "/predictions",
    input: (item) => ({ input: item }),
    text: (output) => member(output, "output"),
  },
  { ...tensors, name: "MLServer", version: "1.7.1", packages: ["mlserver==1.7.1"], file: "mlserver_server.py" },
  { ...tensors, name: "KServe", version: "0.21.0", packages: ["kserve==0.21.0"], file: "kserve_server.py" },
  {
    ...chat,
    name: "FastAPI, chat",
    version: "0.165.0",
    packages: ["fastapi==0.165.0", "uvicorn==0.54.0"],
    file: "fastapi_server.py",
    remoteModel: "chat",
  },
  {
    ...chat,
    name: "LitServe, OpenAI form",
    version: "0.2.19",
    packages: ["litserve==0.2.19"],
    file: "litserve_server.py",
    ready: "/health",
    input: ({ text, seconds }) => ({ messages: [{ role: "user", content: seconds === undefined ? text : `${text} slowly` }] }),
  },
];
