/** What can be done about a failure, by its code, or else by its class. */
const BY_CODE: Readonly<Record<string, string>> = {
  backend_rejected: "The model server refuses this input. Change it, and submit it again.",
  input_not_tensors: "The backend takes tensors. Send them, or JSON whose fields can become tensors.",
  input_not_chat: "Send an input with messages.",
  input_not_prompt: "Send an input with a prompt.",
  backend_misconfigured: "The backend refuses us, or has no such path. An operator looks at its URL, credential and remote_model.",
  backend_oversized: "The output is larger than may be stored. Ask the model for less, or have it send files.",
  quarantined: "It took down two healthy backends, so it is not tried again. Look at the input before you redrive it.",
  max_time_in_queue_seconds: "It waited longer than it was allowed. Redrive it, or allow it more time; an operator adds slots.",
  run_within_seconds: "It was not done in the time that its submit allowed. Allow it more.",
  backend_timeout: "The backend took longer than its timeout_seconds. An operator can raise that.",
  input_gone: "The input has expired. Submit it again.",
};
const BY_CLASS: Readonly<Record<string, string>> = {
  input: "The input is at fault: it fails again unless it is changed.",
  model: "The model is at fault: an operator looks at its server's log.",
  capacity: "The backends had no room in all attempts. Redrive it later; an operator adds slots.",
  infrastructure: "The backends were not reached or broke off in all attempts. Redrive it once they are well.",
  timeout: "It took too long. Redrive it, or allow it more time.",
};

export const cureOf = ({ class: kind, code }: { readonly class: string; readonly code: string }): string =>
  BY_CODE[code] ?? BY_CLASS[kind] ?? "Redrive it, or ask the operator.";
