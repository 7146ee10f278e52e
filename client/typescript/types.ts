/** Made by `npm run reference` from docs/openapi.json; do not edit. */

export interface Inference {
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
 * What was asked of the model, if its wire says so.
 */
capability: (string | null)
/**
 * Where it stands.
 */
status: ("queued" | "in_progress" | "succeeded" | "failed" | "canceled" | "expired")
/**
 * Whether its status is the last one, unless a failed or expired one is redriven.
 */
is_final: boolean
/**
 * 0 goes first.
 */
priority: number
/**
 * When it was made.
 */
created_at: string
/**
 * When it last changed.
 */
updated_at: string
/**
 * When it first started; null until then.
 */
started_at: (string | null)
/**
 * When it ended; null until then.
 */
finished_at: (string | null)
/**
 * Input and output are kept until then at least.
 */
expires_at: (string | null)
/**
 * Whether input and output were removed.
 */
data_removed: boolean
/**
 * While queued: others go first; it is next when a slot is free; no backend takes work; it waits to be tried again; its `not_before` has not come.
 */
waiting_on: (("position" | "concurrency" | "backend_down" | "retry_backoff" | "scheduled") | null)
/**
 * 1 is next; `"1000+"` beyond 1000.
 */
queue_position: ((number | string) | null)
/**
 * By measured run times; null if nothing was measured.
 */
estimated_start_at: (string | null)
/**
 * Ask again after so many seconds.
 */
poll_after: (number | null)
/**
 * Begun so far.
 */
attempts: number
/**
 * Allowed since the submit or the last redrive.
 */
max_attempts: number
/**
 * While it runs, if the model reports it.
 */
progress?: {
/**
 * From 0 to 1.
 */
progress: (number | null)
/**
 * What it does, for people.
 */
message: (string | null)
/**
 * A picture of the output so far; null if there is none.
 */
preview_url: (string | null)
/**
 * When it happened.
 */
at: string
}
metrics: Metrics
/**
 * Length of an array, first dimension of tensors, else 1.
 */
input_items: number
/**
 * Length of an array, first dimension of tensors, else 1; null until there is an output.
 */
output_items: (number | null)
/**
 * The output if it is JSON of up to 32768 bytes; else get `urls.result`.
 */
output: unknown
/**
 * If the output has parts.
 */
output_parts?: {
/**
 * Its name.
 */
name: string
/**
 * The media type.
 */
content_type: string
/**
 * Length in bytes.
 */
bytes: number
/**
 * SHA-256 in hexadecimal digits; null if it is not known.
 */
sha256: (string | null)
/**
 * Where it is.
 */
url: string
}[]
/**
 * What went wrong; null if nothing did.
 */
error: (Failure | null)
/**
 * The client's own words, by name.
 */
metadata: {
[k: string]: string
}
/**
 * Where its events are sent; null if nowhere.
 */
webhook: ({
/**
 * Where it is.
 */
url: string
/**
 * The events that are sent.
 */
events: ("inference.started" | "inference.progress" | "inference.succeeded" | "inference.failed" | "inference.canceled" | "inference.expired")[]
} | null)
/**
 * What became of its webhook.
 */
webhook_status: ("none" | "pending" | "succeeded" | "failed" | "canceled")
/**
 * If canceled: it does not run (it never did, or its server says that it has stopped), or its connection was closed.
 */
stopped?: ("confirmed" | "best_effort")
/**
 * Where to go from here.
 */
urls: {
/**
 * Where this object is.
 */
self: string
/**
 * Where its output is.
 */
result: string
/**
 * If it was submitted as a stream: its output, while it comes and after.
 */
stream?: string
/**
 * Where to POST to cancel it.
 */
cancel: string
/**
 * Its page in the console, for people.
 */
web: string
}
/**
 * With `?logs=1`: what happened to it.
 */
logs?: {
/**
 * When it happened.
 */
at: string
/**
 * What happened.
 */
event: string
[k: string]: unknown
}[]
}
export interface Metrics {
/**
 * Until its first start.
 */
queue_ms: (number | null)
/**
 * Spent in attempts so far.
 */
run_ms: (number | null)
/**
 * From submit to end.
 */
total_ms: (number | null)
/**
 * Tokens that the model read, if its server counted them.
 */
prompt_tokens?: number
/**
 * Tokens that the model wrote, if its server counted them.
 */
completion_tokens?: number
}
export interface Failure {
/**
 * Whose fault it was, which decides whether it is tried again.
 */
class: ("input" | "model" | "capacity" | "infrastructure" | "timeout")
/**
 * For programs, such as `backend_timeout`.
 */
code: string
/**
 * For people.
 */
message: string
}
export interface Submission {
/**
 * The model's name.
 */
model: string
/**
 * The model's default version by default.
 */
version?: string
/**
 * Any JSON; what the model takes.
 */
input: unknown
/**
 * 0 goes first; 0 by default.
 */
priority?: number
/**
 * It expires if it has not started by then; 600 by default.
 */
max_time_in_queue_seconds?: number
/**
 * Of one attempt; the backend's timeout by default.
 */
run_within_seconds?: number
/**
 * How often and how soon it is tried again.
 */
retry?: {
/**
 * The first counts; 3 by default.
 */
max_attempts?: number
/**
 * 1000 by default.
 */
initial_delay_ms?: number
/**
 * 5000 by default.
 */
max_delay_ms?: number
}
/**
 * It is canceled so long after the submit; never by default.
 */
cancel_after_seconds?: number
/**
 * It is not begun before then; its time in the queue counts from there. At once by default.
 */
not_before?: string
/**
 * How long input and output are kept after its end; never longer than the account's retention.
 */
retention_seconds?: number
/**
 * Its output is kept while it comes, to be read from `urls.stream`. By default as the `stream` of an input of a text model says.
 */
stream?: boolean
/**
 * The client's own words, up to 16 entries.
 */
metadata?: {
[k: string]: string
}
/**
 * A URL that gets its events.
 */
webhook?: {
/**
 * Where it is.
 */
url: string
/**
 * How it ended by default.
 */
events?: ("inference.started" | "inference.progress" | "inference.succeeded" | "inference.failed" | "inference.canceled" | "inference.expired")[]
}
}
export interface File {
/**
 * Its id.
 */
id: string
/**
 * What kind of object this is.
 */
object: "file"
/**
 * Where it stands.
 */
status: ("uploading" | "ready")
/**
 * Its name.
 */
name: (string | null)
/**
 * The media type.
 */
content_type: string
/**
 * Length in bytes.
 */
bytes: number
/**
 * In hex; null if it is not known.
 */
sha256: (string | null)
/**
 * How an input refers to it.
 */
reference: string
/**
 * When it was made.
 */
created_at: string
/**
 * When it ends to be valid; null if it never does.
 */
expires_at: string
/**
 * Where to go from here.
 */
urls: {
/**
 * Where this object is.
 */
self: string
/**
 * Where its description is.
 */
info: string
/**
 * Where to POST for a link that needs no key.
 */
link: string
}
}
export interface Upload {
/**
 * Its id.
 */
id: string
/**
 * What kind of object this is.
 */
object: "upload"
/**
 * Where it stands.
 */
status: ("uploading" | "ready")
/**
 * Length in bytes.
 */
bytes: number
/**
 * Of each part but the last.
 */
part_bytes: (number | null)
/**
 * How many there are to be.
 */
parts: number
/**
 * The numbers of those that are there.
 */
received: number[]
/**
 * When it was made.
 */
created_at: string
/**
 * When it ends to be valid; null if it never does.
 */
expires_at: string
/**
 * Where to go from here.
 */
urls: {
/**
 * Where this object is.
 */
self: string
/**
 * Where to PUT a part, with its number for `{number}`.
 */
part: string
/**
 * Where to POST once all parts are there.
 */
complete: string
/**
 * Where the file is; null until it is complete.
 */
file: string
}
}
export interface Link {
/**
 * Where it is.
 */
url: string
/**
 * What the link may be used for.
 */
methods: ("GET" | "HEAD")[]
/**
 * When it ends to be valid; null if it never does.
 */
expires_at: string
}
export interface Usage {
/**
 * The first day.
 */
from: string
/**
 * The last day.
 */
to: string
/**
 * In the order of what it is summed by; at most 1000.
 */
data: {
/**
 * The account's id.
 */
account_id?: string
/**
 * The day, in UTC.
 */
day?: string
/**
 * The model's name.
 */
model?: string
/**
 * The key's id.
 */
key_id?: string
/**
 * How many ended so. One that is redriven ends once more.
 */
inferences: {
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
 * Each attempt, oldest first.
 */
attempts: number
/**
 * Spent in attempts: what GPUs were busy.
 */
run_seconds: number
/**
 * Length of an array, first dimension of tensors, else 1.
 */
input_items: number
/**
 * If the backends count them.
 */
prompt_tokens: number
/**
 * Tokens that the model wrote, if its server counted them.
 */
completion_tokens: number
/**
 * Length of the inputs, in bytes.
 */
input_bytes: number
/**
 * Length of the outputs, in bytes.
 */
output_bytes: number
/**
 * By the models' prices when each ended.
 */
cost: number
}[]
/**
 * The sum of all.
 */
total: {
/**
 * How many ended so. One that is redriven ends once more.
 */
inferences: {
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
 * Each attempt, oldest first.
 */
attempts: number
/**
 * Spent in attempts: what GPUs were busy.
 */
run_seconds: number
/**
 * Length of an array, first dimension of tensors, else 1.
 */
input_items: number
/**
 * If the backends count them.
 */
prompt_tokens: number
/**
 * Tokens that the model wrote, if its server counted them.
 */
completion_tokens: number
/**
 * Length of the inputs, in bytes.
 */
input_bytes: number
/**
 * Length of the outputs, in bytes.
 */
output_bytes: number
/**
 * By the models' prices when each ended.
 */
cost: number
}
/**
 * Whether that is all. If not, ask for fewer days or sum by less: there are more than 1000 rows.
 */
complete: boolean
}
export interface Me {
/**
 * Whose key it is.
 */
account: {
/**
 * Its id.
 */
id: string
/**
 * Its name.
 */
name: string
}
/**
 * The key.
 */
key: {
/**
 * Its id.
 */
id: string
/**
 * Its name.
 */
name: string
/**
 * What it may be used for.
 */
scopes: ("submit" | "read" | "cancel")[]
/**
 * When it ends to be valid; null if it never does.
 */
expires_at: (string | null)
}
/**
 * Requests a second that the key may make, by scope; `RateLimit` of each answer says what is left.
 */
limits: {
/**
 * Submits, a second.
 */
submit: number
/**
 * Reads, a second.
 */
read: number
/**
 * Cancel calls, a second.
 */
cancel: number
}
/**
 * How much it stores.
 */
storage: {
/**
 * How much it stores, in bytes.
 */
stored_bytes: number
/**
 * How much it may store, in bytes.
 */
quota_bytes: number
/**
 * What of that lies in the database.
 */
database_bytes: number
/**
 * How much it may have in the database, in bytes.
 */
database_quota_bytes: number
}
/**
 * How many of its inferences are open: queued or in progress.
 */
open_inferences: {
/**
 * Queued or in progress. What ended in the last 5 s may still be counted.
 */
count: number
/**
 * How many may be open.
 */
limit: number
}
/**
 * How long inferences are kept after their end.
 */
retention_seconds: number
/**
 * What the account's inferences may cost in a month; null: anything.
 */
budget: ({
/**
 * `spent`: submits are refused until it is renewed.
 */
state: ("ok" | "warned" | "spent")
/**
 * What they may cost in a month.
 */
monthly: number
/**
 * At which cost the operator is warned; null: at none.
 */
warning_at: (number | null)
/**
 * Since the month began, in UTC.
 */
spent: number
/**
 * When the next month begins.
 */
renews_at: string
} | null)
}
