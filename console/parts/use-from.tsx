/** "Copy as": the submit of an inference as code, in any wire that can carry it. */
import { useState } from "preact/hooks";
import { type Inference, get } from "../api.ts";
import { Copy } from "./copy.tsx";
import { Select } from "./field.tsx";
import { type Call, LANGUAGES, type Language, snippet, wiresFor } from "./snippets.ts";
import { Failed, Loading } from "./states.tsx";
import { useLoad } from "./use.ts";

export function UseFrom({
  path,
  inference: { model, version, capability },
}: {
  readonly path: string;
  readonly inference: Pick<Inference, "model" | "version" | "capability">;
}) {
  const { data, error, reload } = useLoad(async (signal) => ({ input: await get<unknown>(`${path}/input`, { signal }) }), [path]);
  if (error !== null) return <Failed error={error} retry={reload} />;
  if (!data) return <Loading what="Loading the input" />;
  return <Code call={{ origin: location.origin, model, version, capability, input: data.input }} />;
}

/** The same of a submit that is not made yet. */
export function Code({ call }: { readonly call: Call }) {
  const [language, setLanguage] = useState<Language>("curl");
  const [wireName, setWire] = useState("Claimcheck");
  const wires = wiresFor(call);
  const wire = wires.find(({ name }) => name === wireName) ?? wires[0];
  if (!wire) return null;
  const text = snippet(call, wire, language);
  return (
    <div class="code">
      <div class="row">
        <Select
          label="Language"
          value={language}
          options={LANGUAGES.map((each) => [each, each])}
          change={(value) => setLanguage(LANGUAGES.find((each) => each === value) ?? "curl")}
        />
        <Select label="API" value={wire.name} options={wires.map(({ name }) => [name, name])} change={setWire} />
        <Copy text={text} what="the code" />
      </div>
      <pre class="text" tabIndex={0}>
        {text}
      </pre>
    </div>
  );
}
