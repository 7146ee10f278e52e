#!/usr/bin/env bash
# formidable makes a text of a file whose part has no type, and a file of a text that has one; multiparty makes a text of bytes without a name.
# Packages: formidable 3.5.4, multiparty 4.3.1; beside them busboy 1.6.0 (npm).
# A good guess: a part with a file's name is a file, whatever its type, and what is called application/octet-stream is bytes. Clients name the
# type of JSON that they send beside a file, and leave it out of files whose kind they don't know. Seen: formidable asks for the type alone:
# the bytes FF FE of a named part become EF BF BD twice, as a field, and a part of application/json is written to a file. multiparty
# asks for the name alone and damages the bytes of a part without one. busboy gives both as files.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund formidable@3.5.4 multiparty@4.3.1 busboy@1.6.0
cat > look.mjs <<'JS'
import { Readable } from "node:stream";
import busboy from "busboy";
import formidable from "formidable";
import multiparty from "multiparty";

const parts = {
  "a name, no type": 'Content-Disposition: form-data; name="a"; filename="a.bin"',
  "a type of bytes, no name": 'Content-Disposition: form-data; name="a"\r\nContent-Type: application/octet-stream',
  "JSON, no name": 'Content-Disposition: form-data; name="a"\r\nContent-Type: application/json',
  "a name and a type": 'Content-Disposition: form-data; name="a"; filename="a.bin"\r\nContent-Type: application/octet-stream',
};
const kind = "multipart/form-data; boundary=B";
function request(body) {
  const stream = Readable.from([body]);
  stream.headers = { "content-type": kind, "content-length": String(body.length) };
  return stream;
}
const text = (value) => `text ${Buffer.from(value).toString("hex")}`;
const readers = {
  formidable: async (body) => {
    const [fields, files] = await formidable().parse(request(body));
    return files.a ? `file of ${files.a[0].size}` : text(fields.a[0]);
  },
  multiparty: (body) =>
    new Promise((resolve) =>
      new multiparty.Form({ autoFiles: true, uploadDir: "." }).parse(request(body), (error, fields, files) =>
        resolve(error?.message ?? (files.a ? `file of ${files.a[0].size}` : text(fields.a[0]))),
      ),
    ),
  busboy: (body) =>
    new Promise((resolve) => {
      const parser = busboy({ headers: { "content-type": kind } });
      parser.on("field", (name, value) => resolve(text(value)));
      parser.on("file", (name, stream) => stream.toArray().then((chunks) => resolve(`file of ${Buffer.concat(chunks).length}`)));
      parser.end(body);
    }),
};
const seen = [];
for (const [name, head] of Object.entries(parts)) {
  const content = name.startsWith("JSON") ? Buffer.from("{}") : Buffer.from([0xff, 0xfe]);
  const body = Buffer.concat([Buffer.from(`--B\r\n${head}\r\n\r\n`), content, Buffer.from("\r\n--B--\r\n")]);
  for (const [reader, read] of Object.entries(readers)) {
    seen.push(await read(body));
    console.log(`${name}: ${reader} ${seen.at(-1)}`);
  }
}
const file = "file of 2";
const damaged = "text efbfbdefbfbd";
const guess = [[damaged, file, file], [file, damaged, file], [file, "text 7b7d", "text 7b7d"], [file, file, file]];
process.exit(seen.join() === guess.flat().join() ? 0 : 1);
JS
node look.mjs
