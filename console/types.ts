/** Made by `npm run reference` from docs/openapi.json; do not edit. */

export interface Overview {
/**
 * How far back the counts go.
 */
window: ("1h" | "24h" | "7d")
/**
 * How long each step of the series is.
 */
step_seconds: number
/**
 * One number a step.
 */
series: {
/**
 * The beginning of each step, oldest first. The last step is not over yet.
 */
at: string[]
/**
 * Inferences accepted; with `backend`, 0, since they are accepted for a model.
 */
accepted: number[]
/**
 * Ends of inferences; with `backend`, of those whose last attempt was there.
 */
succeeded: number[]
/**
 * The same.
 */
failed: number[]
/**
 * The same.
 */
canceled: number[]
/**
 * The same.
 */
expired: number[]
/**
 * Inferences that waited, at most, of a sample a minute; 0 with `backend`.
 */
queued: number[]
/**
 * Half had waited no longer for their start. Null if none was measured.
 */
queue_p50_ms: (number | null)[]
/**
 * Nine of ten had waited no longer. Null if none was measured.
 */
queue_p90_ms: (number | null)[]
/**
 * Half of the attempts that succeeded took no longer. Null if none was measured.
 */
run_p50_ms: (number | null)[]
/**
 * Nine of ten took no longer. Null if none was measured.
 */
run_p90_ms: (number | null)[]
/**
 * Calls refused for their key or for a limit; null with `model` or `backend`, since such a call is not told apart by model.
 */
refused: (number[] | null)
}
/**
 * From submit to first start, of inferences that have ended. Reckoned from a histogram.
 */
queue_ms: {
/**
 * How many were measured.
 */
count: number
/**
 * Half took no longer; null if none was measured.
 */
p50: (number | null)
/**
 * Nine of ten took no longer.
 */
p90: (number | null)
/**
 * 99 of 100 took no longer.
 */
p99: (number | null)
}
/**
 * Of attempts that succeeded. Reckoned from a histogram.
 */
run_ms: {
/**
 * How many were measured.
 */
count: number
/**
 * Half took no longer; null if none was measured.
 */
p50: (number | null)
/**
 * Nine of ten took no longer.
 */
p90: (number | null)
/**
 * 99 of 100 took no longer.
 */
p99: (number | null)
}
/**
 * Ends other than successes, the most frequent first.
 */
ends: {
/**
 * `failed`, `canceled` or `expired`.
 */
end: string
/**
 * Whose fault it was, which decides whether it is tried again.
 */
class: (string | null)
/**
 * What went wrong, for programs.
 */
code: (string | null)
/**
 * How many there are.
 */
count: number
}[]
/**
 * `succeeded`, `abandoned`, `broke`, or the class of the failure.
 */
attempts: {
/**
 * How it went.
 */
outcome: string
/**
 * How many there are.
 */
count: number
}[]
/**
 * By code of the error; none with `model` or `backend`.
 */
refusals: {
/**
 * Why it was stopped.
 */
reason: string
/**
 * How many there are.
 */
count: number
}[]
/**
 * Each version of each model, at most 200.
 */
models: {
/**
 * The model's name.
 */
model: string
/**
 * The model's version; null if it has none.
 */
version: (string | null)
/**
 * All that wait.
 */
queued: number
/**
 * Of these, those that back off or were submitted for later.
 */
queued_for_later: number
/**
 * How long the longest-waiting of the first in line has waited; null if none may be claimed.
 */
oldest_queued_seconds: (number | null)
/**
 * How many run now.
 */
in_progress: number
/**
 * Of its backends that take work.
 */
slots: number
/**
 * How many serve it, in whatever state.
 */
backends: number
}[]
/**
 * At most 500.
 */
backends: {
/**
 * Its id.
 */
id: string
/**
 * The model's name.
 */
model: string
/**
 * The model's version; null if it has none.
 */
version: (string | null)
/**
 * Where it is.
 */
url: string
/**
 * Whether it takes work.
 */
state: ("active" | "draining" | "paused")
/**
 * How many inferences it may run at once.
 */
slots: number
/**
 * How many run now.
 */
in_progress: number
/**
 * Whether calls go to the backend: `closed` (they do), `open` (it rests) or `half_open` (one is tried).
 */
circuit: {
/**
 * Whether it takes work.
 */
state: ("closed" | "open" | "half_open")
/**
 * In a row.
 */
failures: number
/**
 * The one account whose failures these are; null: of several, or the server is not ready.
 */
failures_of: (string | null)
/**
 * When the failures in a row began.
 */
since: (string | null)
/**
 * It gets nothing until then.
 */
rested_until: (string | null)
/**
 * What went wrong there last. It stays after the backend works again.
 */
last_error: ({
/**
 * Whose fault it was, which decides whether it is tried again.
 */
class: string
/**
 * What went wrong, for programs.
 */
code: string
/**
 * What went wrong, for people.
 */
message: string
/**
 * When it happened.
 */
at: string
} | null)
}
/**
 * How long a run takes, as measured, in ms; null if nothing was measured.
 */
mean_run_ms: (number | null)
}[]
/**
 * One for each event and webhook, oldest first.
 */
deliveries: {
/**
 * To be tried; exact below 10000.
 */
pending: number
/**
 * For how long the next attempt at one has been due at most.
 */
oldest_overdue_seconds: number
/**
 * Within the window; none with `model` or `backend`.
 */
attempts: {
/**
 * How it went.
 */
outcome: string
/**
 * How many there are.
 */
count: number
}[]
/**
 * Addresses that failed, were stopped or asked to be left alone.
 */
endpoints: {
/**
 * Called all the same.
 */
failing: number
/**
 * Not called, since they have failed for long.
 */
rested: number
/**
 * Not called, since they answered 410.
 */
gone: number
/**
 * Not called, since their account said so.
 */
disabled: number
}
}
/**
 * How full the database is.
 */
database: {
/**
 * Length in bytes.
 */
bytes: (number | null)
/**
 * What a database can take at most.
 */
limit_bytes: number
/**
 * Whether it takes work.
 */
state: ("ok" | "filling" | "full")
}
}
export interface Account {
/**
 * Its id.
 */
id: string
/**
 * Its name.
 */
name: string
/**
 * How much it may store.
 */
quota_bytes: number
/**
 * How much it stores.
 */
stored_bytes: number
/**
 * How much of that may lie in the database.
 */
database_quota_bytes: number
/**
 * What it has in the database: rows of inferences, files, deliveries and endpoints.
 */
database_bytes: number
/**
 * How many of its inferences may be open: queued or in progress.
 */
open_limit: number
/**
 * How long its inferences are kept after their end.
 */
retention_seconds: number
/**
 * What its inferences may cost in a month; null: anything.
 */
monthly_budget: (number | null)
/**
 * It rests while there is no `monthly_budget`.
 */
budget_warning_at: (number | null)
/**
 * `spent`: its submits are refused until the month is over.
 */
budget_state: ("ok" | "warned" | "spent")
/**
 * When it was made.
 */
created_at: string
/**
 * When it was removed; null if it was not.
 */
removed_at: (string | null)
}
export interface Key {
/**
 * It begins with the account's id.
 */
id: string
/**
 * The account's id.
 */
account_id: string
/**
 * Its name.
 */
name: string
/**
 * What it may be used for.
 */
scopes: ("submit" | "read" | "cancel")[]
/**
 * Requests a second, by scope.
 */
limits: {
/**
 * Reads, a second.
 */
read: number
/**
 * Submits, a second.
 */
submit: number
/**
 * Cancel calls, a second.
 */
cancel: number
}
/**
 * When it was made.
 */
created_at: string
/**
 * When it ends to be valid; null if it never does.
 */
expires_at: (string | null)
/**
 * When it was revoked; null if it was not.
 */
revoked_at: (string | null)
/**
 * To the minute; null: never.
 */
last_used_at: (string | null)
}
export interface AdminModel {
/**
 * Its name.
 */
name: string
/**
 * For people.
 */
description: string
/**
 * The model's versions.
 */
versions: string[]
/**
 * The version that is used when a call names none.
 */
default_version: (string | null)
/**
 * How many of one account's inferences run at once at most; null: any number.
 */
account_concurrency: (number | null)
/**
 * What may be asked of the model; anything if the list is empty.
 */
capabilities: string[]
/**
 * Files that the model writes into its output, which are stored as parts of the result.
 */
output_files: {
/**
 * The member of the output that holds the file, with dots between names.
 */
field: string
/**
 * How the file is written in the field.
 */
encoding: ("base64" | "text")
/**
 * The media type.
 */
content_type: (string | null)
}[]
/**
 * What an output may be, as it comes out decoded, with all that comes beside it.
 */
max_output_bytes: number
/**
 * What using it costs.
 */
price: {
/**
 * Of an attempt, however it ends.
 */
per_second: number
/**
 * In or out, if the backend counts them.
 */
per_token: number
/**
 * That succeeds.
 */
per_inference: number
}
/**
 * When it was made.
 */
created_at: string
}
export interface ModelSchema {
/**
 * The model's name.
 */
model: string
/**
 * Null: all versions that have nothing of their own.
 */
version: (string | null)
/**
 * What a plain input may be: JSON Schema 2020-12; null: anything.
 */
input_schema: (({
[k: string]: unknown
} | boolean) | null)
/**
 * The tensors that it takes; null: not known.
 */
inputs: ({
/**
 * Its name.
 */
name: string
/**
 * The type of the tensor's elements, in the words of the Open Inference Protocol.
 */
datatype: ("BOOL" | "UINT8" | "UINT16" | "UINT32" | "UINT64" | "INT8" | "INT16" | "INT32" | "INT64" | "FP16" | "BF16" | "FP32" | "FP64" | "BYTES")
/**
 * The length of each dimension; -1 if it may vary.
 */
shape: number[]
/**
 * Whether it may be left out.
 */
optional: boolean
}[] | null)
/**
 * The tensors that it gives; null: not known.
 */
outputs: ({
/**
 * Its name.
 */
name: string
/**
 * The type of the tensor's elements, in the words of the Open Inference Protocol.
 */
datatype: ("BOOL" | "UINT8" | "UINT16" | "UINT32" | "UINT64" | "INT8" | "INT16" | "INT32" | "INT64" | "FP16" | "BF16" | "FP32" | "FP64" | "BYTES")
/**
 * The length of each dimension; -1 if it may vary.
 */
shape: number[]
/**
 * Whether it may be left out.
 */
optional: boolean
}[] | null)
}
export interface Model {
/**
 * Its id.
 */
id: string
/**
 * What kind of object this is.
 */
object: "model"
/**
 * When it was made, in seconds since 1970.
 */
created: number
/**
 * Whose model it is, as OpenAI's clients read it.
 */
owned_by: string
/**
 * For people.
 */
description: string
/**
 * The model's versions.
 */
versions: string[]
/**
 * The version that is used when a call names none.
 */
default_version: (string | null)
/**
 * What may be asked of it; anything if there are none.
 */
capabilities: string[]
/**
 * What a plain input may be: JSON Schema 2020-12; null: anything.
 */
input_schema: (({
[k: string]: unknown
} | boolean) | null)
/**
 * The tensors that it takes; null: not known.
 */
inputs: ({
/**
 * Its name.
 */
name: string
/**
 * The type of the tensor's elements, in the words of the Open Inference Protocol.
 */
datatype: ("BOOL" | "UINT8" | "UINT16" | "UINT32" | "UINT64" | "INT8" | "INT16" | "INT32" | "INT64" | "FP16" | "BF16" | "FP32" | "FP64" | "BYTES")
/**
 * The length of each dimension; -1 if it may vary.
 */
shape: number[]
/**
 * Whether it may be left out.
 */
optional: boolean
}[] | null)
/**
 * The tensors that it gives; null: not known.
 */
outputs: ({
/**
 * Its name.
 */
name: string
/**
 * The type of the tensor's elements, in the words of the Open Inference Protocol.
 */
datatype: ("BOOL" | "UINT8" | "UINT16" | "UINT32" | "UINT64" | "INT8" | "INT16" | "INT32" | "INT64" | "FP16" | "BF16" | "FP32" | "FP64" | "BYTES")
/**
 * The length of each dimension; -1 if it may vary.
 */
shape: number[]
/**
 * Whether it may be left out.
 */
optional: boolean
}[] | null)
}
export interface Backend {
/**
 * Its id.
 */
id: string
/**
 * The model's name.
 */
model: string
/**
 * Null if the model has no versions.
 */
version: (string | null)
/**
 * Where it is.
 */
url: string
/**
 * How the backend is spoken to.
 */
protocol: ("oip" | "openai" | "http" | "cog")
/**
 * The model's name on that server.
 */
remote_model: string
/**
 * What calls of the backend carry; the secret is never shown.
 */
credential: (({
/**
 * How the secret is sent.
 */
kind: "bearer"
/**
 * The name of the deployment's secret that is sent.
 */
secret: string
} | {
/**
 * How the secret is sent.
 */
kind: "basic"
/**
 * The name of the deployment's secret that is sent.
 */
secret: string
} | {
/**
 * How the secret is sent.
 */
kind: "header"
/**
 * The name of the header that carries the secret.
 */
header: string
/**
 * The name of the deployment's secret that is sent.
 */
secret: string
}) | null)
/**
 * Null: readiness is asked as the protocol has it.
 */
ready_path: (string | null)
/**
 * Whether it takes work.
 */
state: ("active" | "draining" | "paused")
/**
 * How many inferences it runs at once.
 */
max_concurrency: number
/**
 * Of one attempt.
 */
timeout_seconds: number
/**
 * How files in inputs reach the backend.
 */
files: ("url" | "inline" | "base64")
/**
 * How many inferences it runs.
 */
in_progress: number
/**
 * Whether calls go to the backend: `closed` (they do), `open` (it rests) or `half_open` (one is tried).
 */
circuit: ("closed" | "open" | "half_open")
/**
 * In a row.
 */
failures: number
/**
 * The one account whose failures these are, unless its server says that it is not ready: `circuit` is about that account alone. Null: about all.
 */
failures_of: (string | null)
/**
 * It gets nothing until then.
 */
rested_until: (string | null)
/**
 * When the failures in a row began.
 */
since: (string | null)
/**
 * What went wrong there last. It stays after the backend works again.
 */
last_error: ({
/**
 * Whose fault it was, which decides whether it is tried again.
 */
class: string
/**
 * What went wrong, for programs.
 */
code: string
/**
 * What went wrong, for people.
 */
message: string
/**
 * When it happened.
 */
at: string
} | null)
/**
 * How long a run takes, as measured, in ms; null if nothing was measured.
 */
mean_run_ms: (number | null)
/**
 * When it was made.
 */
created_at: string
/**
 * Why it can't work as it is registered, if that is known.
 */
warnings?: string[]
}
export interface Ready {
/**
 * Its id.
 */
id: string
/**
 * Whether it takes work.
 */
ready: boolean
/**
 * Why it is not ready.
 */
detail: (string | null)
/**
 * Null if it says nothing of its model.
 */
metadata: unknown
}
export interface Redriven {
/**
 * Whether it only counted.
 */
dry_run: boolean
/**
 * Inferences that this call looked at, at most 1000.
 */
looked_at: number
/**
 * Of them, those that were queued again.
 */
redriven?: number
/**
 * With `dry_run`: those that would be queued again.
 */
matched?: number
/**
 * With `dry_run`: the same by class and code.
 */
by_error?: {
/**
 * Whose fault it was, which decides whether it is tried again.
 */
class: (("input" | "model" | "capacity" | "infrastructure" | "timeout") | null)
/**
 * What went wrong, for programs.
 */
code: (string | null)
/**
 * How many there are.
 */
count: number
}[]
/**
 * Those that the filter selects and that can't run again, by the code that a redrive of one alone answers.
 */
refused: {
/**
 * What went wrong, for programs.
 */
code: string
/**
 * How many there are.
 */
count: number
}[]
/**
 * The `after` of the next call; null at the end.
 */
next: ({
/**
 * The account's id.
 */
account_id: string
/**
 * Its id.
 */
id: string
} | null)
}
export interface Counts {
/**
 * How many there are of each status.
 */
counts: {
/**
 * How many wait.
 */
queued: number
/**
 * How many run now.
 */
in_progress: number
/**
 * How many have succeeded.
 */
succeeded: number
/**
 * How many have failed.
 */
failed: number
/**
 * How many were canceled.
 */
canceled: number
/**
 * How many have expired.
 */
expired: number
}
/**
 * Of those that failed or expired, by class and code, most first.
 */
errors: {
/**
 * Whose fault it was, which decides whether it is tried again.
 */
class: ("input" | "model" | "capacity" | "infrastructure" | "timeout")
/**
 * What went wrong, for programs.
 */
code: string
/**
 * Where it stands.
 */
status: ("failed" | "expired")
/**
 * How many there are.
 */
count: number
}[]
/**
 * The `after` of the next call; null if all were looked at. A call looks at 10000 inferences at most.
 */
next: (string | null)
}
export interface AuditEntry {
/**
 * Its id.
 */
id: number
/**
 * When it happened.
 */
at: string
/**
 * The admin token, a session of the console, or Cloudflare Access.
 */
via: ("token" | "session" | "access")
/**
 * Who it was, if Access says so.
 */
name: (string | null)
/**
 * Where the call came from: an IPv4 address, or the /64 of an IPv6 address; empty if that is not known.
 */
address: string
/**
 * The same as in the answer's `X-Request-Id`.
 */
request_id: string
/**
 * Of the call.
 */
method: string
/**
 * As this reference has it.
 */
route: string
/**
 * What it was about, by id or name.
 */
target: (string | null)
/**
 * What was asked for. Long texts are cut.
 */
change: unknown
/**
 * Of the answer; null: the call is under way, or was cut off.
 */
status: (number | null)
}
export interface Webhook {
/**
 * Its id.
 */
id: string
/**
 * Where it is.
 */
url: string
/**
 * The events that are sent.
 */
events: ("inference.started" | "inference.progress" | "inference.succeeded" | "inference.failed" | "inference.canceled" | "inference.expired" | "account.budget_warning" | "account.budget_exceeded" | "account.budget_renewed")[]
/**
 * For people.
 */
description: string
/**
 * When it was made.
 */
created_at: string
/**
 * Whether it is called.
 */
enabled: boolean
/**
 * Why and since when it is not called.
 */
stopped: ({
/**
 * Why it was stopped.
 */
reason: string
/**
 * When it happened.
 */
at: (string | null)
} | null)
/**
 * How many calls in a row failed.
 */
failures_in_a_row: number
/**
 * When the first of its failures in a row was; null if the last call succeeded.
 */
failing_since: (string | null)
/**
 * It asked not to be called until then.
 */
held_until: (string | null)
}
export interface Endpoints {
/**
 * Addresses that failed, were stopped or asked to be left alone.
 */
endpoints: {
/**
 * Where it is.
 */
url: string
/**
 * Whether it is called.
 */
enabled: boolean
/**
 * Why and since when it is not called.
 */
stopped: ({
/**
 * Why it was stopped.
 */
reason: string
/**
 * When it happened.
 */
at: (string | null)
} | null)
/**
 * How many calls in a row failed.
 */
failures_in_a_row: number
/**
 * When the first of its failures in a row was; null if the last call succeeded.
 */
failing_since: (string | null)
/**
 * It asked not to be called until then.
 */
held_until: (string | null)
}[]
/**
 * The `after` of the next page; null on the last one.
 */
next: (string | null)
}
export interface Checks {
/**
 * Whether no check failed.
 */
ok: boolean
/**
 * The database's clock, in ms since 1970.
 */
now: number
/**
 * Each part that was tried.
 */
checks: {
/**
 * Its name.
 */
name: ("database" | "migrations" | "storage" | "queue" | "public_url" | "webhooks" | "operator_webhook" | "backends")
/**
 * Whether it takes work.
 */
state: ("ok" | "warning" | "failed" | "skipped")
/**
 * What was found.
 */
detail: string
/**
 * What to do about it; null if nothing is wrong.
 */
cure: (string | null)
/**
 * How long the check took.
 */
ms: number
}[]
}
