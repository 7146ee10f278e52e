#!/usr/bin/env bash
# @cloudflare/ai-utils throws a model's answer away that calls no tool and asks again, and its strict mode wants every optional argument.
# Package: @cloudflare/ai-utils 1.0.1 (npm), with a stand-in for the binding `AI`; node 24.21.0 (npm). A good guess: `runWithTools` returns
# an answer that calls no tool, and `strictValidation` lets a call leave out what the tool's schema does not require. Seen: the answer is
# dropped and the model is run a second time on the same messages without its tools, so each plain answer is paid twice. A call with the one
# argument that is required is refused: the tool is not run, nobody is told, and the model is asked to go on from its own call.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit --legacy-peer-deps node@24.21.0 @cloudflare/ai-utils@1.0.1
cat > look.mjs <<'JS'
import { runWithTools } from "@cloudflare/ai-utils";

async function look(answers, strictValidation) {
  const asked = [];
  let ran = 0;
  const ai = {
    run: async (model, { messages, tools }) => {
      asked.push(`${messages.map(({ role }) => role).join("+")} with ${tools?.length ?? "no"} tools`);
      return answers.shift();
    },
  };
  const properties = { city: { type: "string", description: "city" }, unit: { type: "string", description: "unit" } };
  const parameters = { type: "object", properties, required: ["city"] };
  const weather = { name: "weather", description: "The weather", parameters, function: async () => `sun ${(ran += 1)}` };
  const input = { messages: [{ role: "user", content: "Hello" }], tools: [weather] };
  const { response } = await runWithTools(ai, "@hf/nousresearch/hermes-2-pro-mistral-7b", input, { strictValidation });
  return `answer "${response}", tool ran ${ran} times, asked: ${asked.join("; ")}`;
}

const plain = await look([{ response: "first" }, { response: "second" }], false);
const call = { tool_calls: [{ name: "weather", arguments: { city: "Ulm" } }] };
const lax = await look([structuredClone(call), { response: "last" }], false);
const strict = await look([structuredClone(call), { response: "last" }], true);
console.log(`no call:      ${plain}\ncall:         ${lax}\nstrict, call: ${strict}`);
const asSeen =
  plain === 'answer "second", tool ran 0 times, asked: user with 1 tools; user with no tools' &&
  lax === 'answer "last", tool ran 1 times, asked: user with 1 tools; user+assistant+tool with no tools' &&
  strict === 'answer "last", tool ran 0 times, asked: user with 1 tools; user+assistant with no tools';
process.exit(asSeen ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
