// The sample GPU server as its clients see it: over HTTP on loopback, with drawn pictures, and with a picture host that misbehaves on order.

import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer, request as httpRequest, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawGallery, type GalleryEntry } from "../../src/local/sample/gallery.ts";
import { startSampleServer, type SampleServer, type SampleServerEvent } from "../../src/local/sample/server.ts";

const INFER = "/v2/models/color-classification/infer";
/** Small, so that what is too large or too slow is so at once. */
const pictureLimits = { bytes: 300_000, fetchMs: 600 };

let root: string;
let folder: string;
let gallery: GalleryEntry[];
let server: SampleServer;
let host: Server;
let hostUrl: string;
const events: SampleServerEvent[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sample-server-"));
  folder = join(root, "pictures");
  gallery = await drawGallery(folder);
  host = pictureHost();
  host.listen(0, "127.0.0.1");
  await once(host, "listening");
  hostUrl = `http://127.0.0.1:${portOf(host)}`;
  server = await startSampleServer({ pictures: folder, pictureLimits, log: (event) => events.push(event) });
});

afterAll(async () => {
  await server.close();
  host.closeAllConnections();
  host.close();
  await rm(root, { recursive: true });
});

function portOf(listening: Server): number {
  const address = listening.address();
  return typeof address === "object" && address !== null ? address.port : expect.fail("not listening");
}

/** Each path is one way for a picture host to behave. */
function pictureHost(): Server {
  return createServer((request, response) => {
    const [, verb = "", argument = ""] = (request.url ?? "").split("/");
    const redirect = (location: string) => response.writeHead(302, { location }).end();
    switch (verb) {
      case "picture":
        return void readFile(join(folder, argument)).then((bytes) => response.end(bytes));
      case "hops":
        return redirect(argument === "0" ? "/picture/mug.jpg" : `/hops/${Number(argument) - 1}`);
      case "loop":
        return redirect("/loop");
      case "file":
        return redirect("file:///etc/hostname");
      case "nowhere":
        return response.writeHead(302).end();
      case "announced":
        return response.writeHead(200, { "content-length": pictureLimits.bytes + 1 }).write("x");
      case "endless": {
        const more = () => {
          while (response.writable && response.write(Buffer.alloc(65_536)));
        };
        response.on("drain", more);
        return more();
      }
      case "hang":
        return; // no answer ever
      case "stall":
        return response.write("\xff\xd8\xff", "latin1"); // a beginning, and no more
      case "cut":
        response.writeHead(200, { "content-length": 1000 }).write("half");
        return void setImmediate(() => response.destroy());
      case "text":
        return response.end("<html></html>");
      default:
        return response.writeHead(404).end("no");
    }
  });
}

interface Tensor {
  name: string;
  datatype: string;
  shape: number[];
  parameters?: unknown;
  data: unknown[];
}

const bytes = (name: string, data: unknown[], shape: number[] = [data.length]): Tensor => ({ name, datatype: "BYTES", shape, data });
const pictures = (...paths: string[]) => [
  bytes("image_path", paths),
  bytes(
    "product_type",
    paths.map(() => "Thing"),
  ),
];

async function post(body: unknown, path = INFER): Promise<{ status: number; json: unknown }> {
  const response = await fetch(server.url + path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) });
  return { status: response.status, json: await response.json() };
}

interface Answer {
  model_name: string;
  model_version: string;
  id?: string;
  outputs: Tensor[];
}

async function infer(body: unknown): Promise<Answer> {
  const { status, json } = await post(body);
  if (status !== 200) expect.fail(JSON.stringify(json));
  return json as Answer; // the tests below check what they read of it
}

const output = (answer: Answer, name: string): unknown[] =>
  answer.outputs.find((tensor) => tensor.name === name)?.data ?? expect.fail(`no output ${name}`);

const errorsOf = (answer: Answer): unknown[] => output(answer, "error").map((text) => JSON.parse(String(text)));
const errorOf = async (path: string): Promise<unknown> => errorsOf(await infer({ inputs: pictures(path) }))[0];

async function dataUrl(picture: Sharp, type = "png"): Promise<string> {
  return `data:image/${type};base64,${(await picture.toBuffer()).toString("base64")}`;
}

const plain = (background: string, width = 8, height = 8) => sharp({ create: { width, height, channels: 3, background } });

describe("metadata and health", () => {
  test.each([
    ["/v2", { name: "claimcheck-sample", version: "1.0.0", extensions: [] }],
    ["/v2/", { name: "claimcheck-sample", version: "1.0.0", extensions: [] }],
    ["/v2/health/live", { live: true }],
    ["/v2/health/ready", { ready: true }],
    ["/v2/models", { models: ["color-classification"] }],
    ["/v2/models/color-classification/ready?x=1", { name: "color-classification", ready: true }],
    ["/v2/models/color%2Dclassification/versions/1/ready", { name: "color-classification", ready: true }],
  ])("GET %s answers what the protocol says", async (path, body) => {
    const response = await fetch(server.url + path);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(await response.json()).toEqual(body);
  });

  test.each(["/v2/models/color-classification", "/v2/models/color-classification/versions/1"])(
    "GET %s describes the tensors",
    async (path) => {
      const tensor = (name: string, datatype = "BYTES") => ({ name, datatype, shape: [-1] });
      expect(await (await fetch(server.url + path)).json()).toEqual({
        name: "color-classification",
        versions: ["1"],
        platform: "claimcheck_colors",
        inputs: [tensor("image_path"), tensor("product_type"), tensor("category"), tensor("hex_color_label")],
        outputs: [tensor("label"), tensor("label_hex"), tensor("label_share", "FP32"), tensor("colors"), tensor("error")],
      });
    },
  );

  test.each([
    "/",
    "/v3",
    "/v2/nothing",
    "/v2/models/other",
    "/v2/models/color-classification/versions/2",
    "/v2/models/color-classification/versions/1/else",
    "/v2/models/%ff",
    "/v2/models/color-classification/versions",
    "//",
  ])("GET %s is 404", async (path) => {
    const response = await fetch(server.url + path);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ error: expect.any(String) });
  });

  test.each([
    ["DELETE", "/v2", "GET, HEAD"],
    ["POST", "/v2/models/color-classification", "GET, HEAD"],
    ["GET", INFER, "POST"],
  ])("%s %s is 405 and names what is allowed", async (method, path, allow) => {
    const response = await fetch(server.url + path, { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
  });

  test("HEAD has the head alone", async () => {
    const response = await fetch(`${server.url}/v2`, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });
});

describe("infer", () => {
  test("a whole gallery gets the labels a person would give, and the broken picture an error of its own", async () => {
    const answer = await infer({
      id: "claim 7",
      parameters: { priority: 1 },
      inputs: [
        bytes(
          "image_path",
          gallery.map(({ file }) => `pictures/${file}`),
        ),
        bytes(
          "product_type",
          gallery.map(({ product_type }) => product_type),
        ),
        bytes(
          "category",
          gallery.map(({ category }) => category),
        ),
        bytes(
          "hex_color_label",
          gallery.map(({ hex_color_label }) => hex_color_label ?? ""),
        ),
      ],
    });
    expect(answer).toMatchObject({ model_name: "color-classification", model_version: "1", id: "claim 7" });
    expect(output(answer, "label")).toEqual(gallery.map(({ expected_label }) => expected_label ?? ""));
    expect(errorsOf(answer)).toEqual(
      gallery.map(({ expected_label }) => (expected_label === null ? "picture is broken or cut short" : null)),
    );
    for (const [i, text] of output(answer, "colors").entries()) {
      const colors: { name: string; hex: string; share: number }[] = JSON.parse(String(text));
      const [hex, share] = [output(answer, "label_hex")[i], output(answer, "label_share")[i]];
      if (gallery[i]?.expected_label === null) expect([hex, share, colors]).toEqual(["", 0, []]);
      else expect(colors).toContainEqual({ name: expect.any(String), hex, share });
    }
    const JSON_TEXT = { content_type: "application/json" };
    expect(answer.outputs.map(({ data: _data, ...head }) => head)).toEqual([
      { name: "label", datatype: "BYTES", shape: [gallery.length] },
      { name: "label_hex", datatype: "BYTES", shape: [gallery.length] },
      { name: "label_share", datatype: "FP32", shape: [gallery.length] },
      { name: "colors", datatype: "BYTES", shape: [gallery.length], parameters: JSON_TEXT },
      { name: "error", datatype: "BYTES", shape: [gallery.length], parameters: JSON_TEXT },
    ]);
    expect(events.at(-1)).toMatchObject({ event: "infer", id: "claim 7", items: gallery.length, failed: 1 });
  });

  test("the versioned path, nested data and a chosen output are accepted, and no id is made up", async () => {
    const body = {
      inputs: [bytes("image_path", [["pictures/mug.jpg"], ["pictures/lamp.png"]], [2, 1]), bytes("product_type", [["Mug", "Lamp"]], [2])],
      outputs: [{ name: "label" }],
    };
    expect((await post(body, "/v2/models/color-classification/versions/1/infer")).json).toEqual({
      model_name: "color-classification",
      model_version: "1",
      outputs: [{ name: "label", datatype: "BYTES", shape: [2], data: ["blue", "pink"] }],
    });
  });

  test("a wanted colour is per item; a malformed one is an error of its item", async () => {
    const answer = await infer({
      inputs: [
        ...pictures("pictures/sofa.jpg", "pictures/sofa.jpg", "pictures/sofa.jpg"),
        bytes("hex_color_label", ["", "#F5EDDF", "beige"]),
      ],
    });
    expect(output(answer, "label")).toEqual(["orange", "beige", ""]);
    expect(errorsOf(answer)).toEqual([null, null, "hex_color_label is not #RRGGBB"]);
  });

  const good = pictures("pictures/mug.jpg");
  test.each<[string, unknown, RegExp]>([
    ["no JSON", "{", /not JSON/],
    ["no object", [], /^body: /],
    ["no inputs", {}, /^inputs: /],
    ["a number as id", { id: 7, inputs: good }, /^id: /],
    ["no data", { inputs: [{ name: "image_path", datatype: "BYTES", shape: [1] }] }, /^inputs\.0\.data: /],
    ["a missing input", { inputs: [bytes("image_path", ["x"])] }, /"product_type" is missing/],
    ["an unknown input", { inputs: [...good, bytes("toString", ["x"])] }, /unknown input "toString"/],
    ["an input given twice", { inputs: [...good, ...good] }, /"image_path" is given twice/],
    [
      "another datatype",
      { inputs: [{ ...bytes("image_path", ["x"]), datatype: "INT64" }] },
      /"image_path" is of datatype BYTES, not "INT64"/,
    ],
    ["a count other than the shape's", { inputs: [bytes("image_path", ["x"], [2])] }, /"image_path": shape names 2 elements, data has 1/],
    ["a matrix", { inputs: [bytes("image_path", ["a", "b", "c", "d"], [2, 2])] }, /"image_path" has shape \[N\], not \[2, 2\]/],
    ["an element that is no text", { inputs: [bytes("image_path", [7])] }, /"image_path": element 0 is not a string/],
    [
      "inputs of unlike length",
      { inputs: [bytes("image_path", ["x"]), bytes("product_type", ["x", "y"])] },
      /unlike length.*"product_type" has 2/,
    ],
    ["an empty batch", { inputs: pictures() }, /1 to 256 items, not 0/],
    ["a batch too long", { inputs: pictures(...Array.from({ length: 257 }, () => "x")) }, /1 to 256 items, not 257/],
    ["an unknown output", { inputs: good, outputs: [{ name: "mask" }] }, /unknown output "mask"/],
    [
      "nesting without end",
      { inputs: [{ ...bytes("image_path", []), shape: [1], data: JSON.parse("[".repeat(2000) + "]".repeat(2000)) }] },
      /not a string/,
    ],
  ])("%s is refused whole with 400", async (_what, body, error) =>
    expect(await post(body)).toEqual({ status: 400, json: { error: expect.stringMatching(error) } }),
  );

  test("a body over 16 MB is 413", async () => {
    const { status, json } = await post(" ".repeat(16 * 2 ** 20 + 1));
    expect([status, json]).toEqual([413, { error: "body is larger than 16777216 bytes" }]);
  });

  test("infer of an unknown model is 404", async () => expect((await post({}, "/v2/models/other/infer")).status).toBe(404));
});

describe("pictures", () => {
  test("come from a URL, over at most three redirects, from a data URL and from the folder", async () => {
    const png = await dataUrl(plain("#C8102E").png());
    const answer = await infer({
      inputs: pictures(
        `${hostUrl}/picture/backpack.webp`,
        `${hostUrl}/hops/2`,
        png,
        png.replace("image/png", "text/plain"),
        "pictures/raincoat.png",
      ),
    });
    expect(errorsOf(answer)).toEqual([null, null, null, null, null]);
    expect(output(answer, "label")).toEqual(["green", "blue", "red", "red", "yellow"]);
  });

  test.each([
    ["/missing", "picture answered 404"],
    ["/hops/3", "picture redirects more than 3 times"],
    ["/loop", "picture redirects more than 3 times"],
    ["/file", "picture redirects to something other than http or https"],
    ["/nowhere", "picture answered 302 without a location"],
    ["/announced", "larger than 300000 bytes"],
    ["/endless", "larger than 300000 bytes"],
    ["/hang", "picture took longer than 0.6 s"],
    ["/stall", "picture took longer than 0.6 s"],
    ["/cut", "picture host cut the connection"],
    ["/text", "not a PNG, JPEG or WebP picture"],
    ["/picture/broken.jpg", "picture is broken or cut short"],
  ])("a host's %s is told as: %s", async (path, error) => expect(await errorOf(hostUrl + path)).toBe(error));

  test("a host that is not there is told so", async () => {
    const gone = createServer().listen(0, "127.0.0.1");
    await once(gone, "listening");
    const port = portOf(gone);
    gone.close();
    await once(gone, "close");
    expect(await errorOf(`http://127.0.0.1:${port}/x.png`)).toBe("picture host refused the connection");
  });

  test("one failure leaves the others of its batch alone", async () => {
    const answer = await infer({ inputs: pictures("pictures/mug.jpg", `${hostUrl}/hang`, "", "pictures/chair.jpg") });
    expect(output(answer, "label")).toEqual(["blue", "", "", "brown"]);
    expect(errorsOf(answer)).toEqual([null, "picture took longer than 0.6 s", "no picture is named", null]);
  });

  test("nothing outside the folder is read, and no error tells where it is", async () => {
    await writeFile(join(root, "secret.png"), await plain("#FF0000").png().toBuffer());
    await symlink(join(root, "secret.png"), join(folder, "link.png"));
    await symlink(root, join(folder, "up"));
    const tries = [
      "pictures/../secret.png",
      "pictures/..%2Fsecret.png",
      "pictures/%2e%2e/secret.png",
      "pictures/link.png",
      "pictures/up/secret.png",
      "pictures/up",
      "pictures/..",
      "pictures/.",
      "pictures/",
      "pictures//etc/hostname",
      "pictures/..\\secret.png",
      "pictures/none.png",
      "pictures/mug.jpg\0.png",
      join(root, "secret.png"),
      "/etc/hostname",
      "../secret.png",
      "mug.jpg",
      `file://${root}/secret.png`,
      "ftp://127.0.0.1/x.png",
      "http://",
      "http://user:word@127.0.0.1/x.png",
      "data:image/png;base64",
      "data:,%",
    ];
    const answer = await infer({ inputs: pictures(...tries) });
    expect(output(answer, "label")).toEqual(tries.map(() => ""));
    for (const error of errorsOf(answer)) {
      expect(error).toMatch(/^[\w (),<>/-]{10,80}$/);
      expect(error).not.toContain(root);
    }
  });

  test("only PNG, JPEG and WebP are decoded, whatever a picture calls itself", async () => {
    const svg = `data:image/png,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>`)}`;
    const refused = [svg, await dataUrl(plain("#00F").gif()), await dataUrl(plain("#00F").tiff()), await dataUrl(plain("#00F").avif())];
    const answer = await infer({ inputs: pictures(...refused, await dataUrl(plain("#0000FF").webp({ lossless: true }))) });
    expect(errorsOf(answer)).toEqual([...refused.map(() => "not a PNG, JPEG or WebP picture"), null]);
    expect(output(answer, "label_hex").at(-1)).toBe("#0000FF");
  });

  test("grey, sixteen-bit, CMYK and turned pictures are understood", async () => {
    const kinds = [
      plain("#808080").toColourspace("b-w").png(),
      plain("#0000FF").toColourspace("rgb16").png(),
      plain("#FF0000").toColourspace("cmyk").jpeg(),
      plain("#008000", 30, 10).withMetadata({ orientation: 6 }).jpeg(),
    ];
    const answer = await infer({ inputs: pictures(...(await Promise.all(kinds.map((kind) => dataUrl(kind))))) });
    expect(errorsOf(answer)).toEqual([null, null, null, null]);
    expect(output(answer, "label")).toEqual(["grey", "blue", "red", "green"]);
  });

  test("of one colour in a wide colour space have the same one with 8 and with 16 bits a channel", async () => {
    const wide = [plain("#30A050"), plain("#30A050").toColourspace("rgb16")].map((picture) => picture.withIccProfile("p3").png());
    const answer = await infer({ inputs: pictures(...(await Promise.all(wide.map((picture) => dataUrl(picture))))) });
    const levels = output(answer, "label_hex").map((hex) => [1, 3, 5].map((at) => parseInt(String(hex).slice(at, at + 2), 16)));
    const near = (wanted: number) => expect.toSatisfy((level: number) => Math.abs(level - wanted) <= 1); // roundings on the way
    const wanted = [near(0x30), near(0xa0), near(0x50)];
    expect(levels).toEqual([wanted, wanted]);
  });

  test("more than 40 megapixels are refused before they are decoded", async () => {
    const huge = await dataUrl(plain("#FFFFFF", 10_000, 4_001).png({ compressionLevel: 9 }));
    expect(await errorOf(huge)).toBe("larger than 40 megapixels");
  });

  test("a file cut anywhere is an error, not a guess", async () => {
    const whole = await readFile(join(folder, "sneaker.png"));
    const photo = await readFile(join(folder, "sofa.jpg"));
    const cut = (file: Buffer, share: number) => `data:;base64,${file.subarray(0, file.length * share).toString("base64")}`;
    const answer = await infer({ inputs: pictures(cut(whole, 0.9), cut(whole, 0.2), cut(photo, 0.8), cut(photo, 0.1)) });
    expect(errorsOf(answer)).toEqual(Array.from({ length: 4 }, () => "picture is broken or cut short"));
  });

  test("wholly transparent ones have no colour", async () => {
    const clear = sharp({ create: { width: 4, height: 4, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 0 } } });
    expect(await errorOf(await dataUrl(clear.png()))).toBe("picture is wholly transparent");
  });
});

describe("life of the server", () => {
  test("a client that leaves takes its work along", async () => {
    const asked = once(host, "request");
    const left: SampleServerEvent[] = [];
    const patient = await startSampleServer({ pictures: folder, log: (event) => left.push(event) });
    const client = httpRequest(patient.url + INFER, { method: "POST" });
    client.on("error", () => {});
    client.end(JSON.stringify({ id: "gone", inputs: pictures(`${hostUrl}/hang`) }));
    const [, pictureAnswer] = await asked;
    client.destroy();
    await once(pictureAnswer, "close"); // long before the 10 s that this picture would have had
    await expect.poll(() => left).toMatchObject([{ event: "abandoned", id: "gone", items: 1 }]);
    await patient.close();
  });

  test("close ends kept-alive and working connections, and the port is free again", async () => {
    const first = await startSampleServer({ pictures: folder });
    await (await fetch(`${first.url}/v2`)).json();
    const asked = once(host, "request");
    const working = fetch(first.url + INFER, { method: "POST", body: JSON.stringify({ inputs: pictures(`${hostUrl}/hang`) }) });
    await asked;
    const [outcome] = await Promise.allSettled([working, first.close()]);
    expect(outcome.status).toBe("rejected");
    const port = Number(new URL(first.url).port);
    const second = await startSampleServer({ pictures: folder, port });
    expect(second.url).toBe(first.url);
    await expect(startSampleServer({ pictures: folder, port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await second.close();
  });
});

describe("gallery", () => {
  test("what is there is left alone, what is missing is drawn, and nothing half-made stays", async () => {
    await rm(join(folder, "mug.jpg"));
    const before = await stat(join(folder, "sofa.jpg"));
    expect(await drawGallery(folder)).toEqual(gallery);
    expect((await stat(join(folder, "sofa.jpg"))).mtimeMs).toBe(before.mtimeMs);
    const files = await readdir(folder);
    expect(files).toEqual(expect.arrayContaining(gallery.map(({ file }) => file)));
    expect(files.filter((file) => file.endsWith(".part"))).toEqual([]);
  });

  test("its pictures are of the formats their names say", async () => {
    for (const { file, expected_label } of gallery) {
      if (expected_label === null) continue;
      const { format } = await sharp(join(folder, file)).metadata();
      expect(format).toBe({ png: "png", jpg: "jpeg", webp: "webp" }[file.split(".")[1] ?? ""]);
    }
  });
});
