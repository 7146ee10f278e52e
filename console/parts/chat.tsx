/** A chat with a model, whose answer is shown as it comes. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { ask } from "../api.ts";
import { eventsOf, textIn } from "./sse.ts";
import { messageOf } from "./states.tsx";

interface Message {
  readonly role: "user" | "assistant";
  readonly content: string;
}

export function Chat({ model, follow }: { readonly model: string; readonly follow: (body: unknown) => void }) {
  const [messages, setMessages] = useState<readonly Message[]>([]);
  const [text, setText] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [running, setRunning] = useState<AbortController | null>(null);
  const [id, setId] = useState<string | null>(null);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => () => running?.abort(), [running]);
  useEffect(() => end.current?.scrollIntoView({ block: "nearest" }), [messages]);
  const send = async () => {
    const asked: readonly Message[] = [...messages, { role: "user", content: text.trim() }];
    const body = { model, messages: asked, stream: true };
    const stop = new AbortController();
    setMessages([...asked, { role: "assistant", content: "" }]);
    setText("");
    setError(null);
    setId(null);
    setRunning(stop);
    follow({ messages: asked });
    try {
      const answer = await ask("/v1/chat/completions", { method: "POST", body, signal: stop.signal });
      setId(answer.headers.get("x-inference-id"));
      let said = "";
      for await (const { data } of eventsOf(answer.body)) {
        said += textIn(data);
        setMessages([...asked, { role: "assistant", content: said }]);
      }
    } catch (reason) {
      if (!stop.signal.aborted) setError(messageOf(reason));
    }
    setRunning(null);
  };
  return (
    <section class="panel chat" aria-label="Chat">
      <div class="chat-log" role="log" aria-live="polite" tabIndex={0} aria-label="Messages">
        {messages.length === 0 && <p class="muted">Say something to {model}.</p>}
        {messages.map(({ role, content }, index) => (
          <div key={index} class={`said ${role}`}>
            <p class="muted">{role === "user" ? "You" : model}</p>
            <p class="message">{content === "" && running ? "…" : content}</p>
          </div>
        ))}
        {error !== null && (
          <p class="notice bad" role="alert">
            {error}
          </p>
        )}
        <div ref={end} />
      </div>
      <form
        class="chat-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!running && text.trim() !== "") void send();
        }}
      >
        <textarea
          aria-label="Message"
          rows={2}
          value={text}
          placeholder="Message"
          onInput={({ currentTarget }) => setText(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }}
        />
        {running ? (
          <button type="button" onClick={() => running.abort()}>
            Stop
          </button>
        ) : (
          <button type="submit" class="primary" disabled={text.trim() === ""}>
            Send
          </button>
        )}
      </form>
      {id !== null && (
        <p class="chat-id">
          <Link href={`/inferences/${id}`}>Its inference</Link>
        </p>
      )}
    </section>
  );
}
