/** A word with a colour of its own, and a mark, so that it is told apart without colours too. */
export type Tone = "neutral" | "wait" | "run" | "good" | "bad" | "warn";

export function Badge({ tone, text }: { readonly tone: Tone; readonly text: string }) {
  return <span class={`badge ${tone}`}>{text}</span>;
}

const TONES: Readonly<Record<string, Tone>> = {
  queued: "wait",
  in_progress: "run",
  succeeded: "good",
  failed: "bad",
  expired: "warn",
  canceled: "neutral",
};

/** The status of an inference. */
export function Status({ status }: { readonly status: string }) {
  return <Badge tone={TONES[status] ?? "neutral"} text={status.replace("_", " ")} />;
}
