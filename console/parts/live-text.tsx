/** The text of an inference that was submitted as a stream, while it comes. */
import { useEffect, useState } from "preact/hooks";
import { ask } from "../api.ts";
import { eventsOf, textIn } from "./sse.ts";
import { Failed } from "./states.tsx";

export function LiveText({ path }: { readonly path: string }) {
  const [text, setText] = useState("");
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const left = new AbortController();
    const read = async () => {
      const { body } = await ask(path, { headers: { Accept: "text/event-stream" }, signal: left.signal });
      let said = "";
      for await (const { event, data } of eventsOf(body)) {
        if (event === "final") return;
        said = event === "restart" ? "" : said + textIn(data);
        setText(said);
      }
    };
    read().catch((reason: unknown) => left.signal.aborted || setError(reason));
    return () => left.abort();
  }, [path]);
  if (error !== null) return <Failed error={error} />;
  return (
    <pre class="text" role="log" aria-label="The output so far" aria-live="polite" tabIndex={0}>
      {text === "" ? "…" : text}
    </pre>
  );
}
