/**
 * Every number of the system in one place. The unit is in the name, or else in the line above; ranges are [least, most], both
 * included. Where a number follows from the platform, a vendor or a standard, the line above says from which; any other is a
 * choice of ours, and the line says what for.
 */

export const KIB = 1024;

/** The settings of a submit, with Baseten's defaults and ranges. Of a priority, 0 goes first. */
export const PRIORITY = { default: 0, range: [0, 2] } as const;
export const MAX_TIME_IN_QUEUE_SECONDS = { default: 600, range: [10, 259_200] } as const;
export const MAX_ATTEMPTS = { default: 3, range: [1, 10] } as const;
export const INITIAL_DELAY_MS = { default: 1_000, range: [0, 10_000] } as const;
export const MAX_DELAY_MS = { default: 5_000, range: [0, 60_000] } as const;
/** An inference that has had so many attempts is not redriven again. */
export const REDRIVE_ATTEMPTS_MAX = 1_000;
/** Counted from the submit: up to ten days, longer than any inference may wait and run. */
export const CANCEL_AFTER_SECONDS = { range: [1, 864_000] } as const;
/** Waiting this long lowers an inference's level by one, so that a low priority is late but never starved. */
export const AGEING_MS = 120_000;
/** The client's own words on an inference: few enough that a filter by all of them fits into one statement. */
export const METADATA = { entries: 16, nameCharacters: 64, textCharacters: 512 } as const;
/** What of a `tracestate` is passed on, how long a member is that goes first where it is longer, and how many there may be: as the standard has it. */
export const TRACE_STATE_CHARACTERS = 512;
export const TRACE_STATE_LARGE_CHARACTERS = 128;
export const TRACE_STATE_MEMBERS = 32;
/**
 * Spans for the operator's collector: those of a moment go together, so many in one request and so many kept until then; ends that wait to be read, and
 * how many are read at once. A request that is not answered in time is given up, after so many tries. One that sees to it and is not
 * heard of for so long has died with its invocation.
 */
export const OTLP_GATHER_MS = 500;
export const OTLP_SPANS_SENT = 500;
export const OTLP_SPANS_WAITING = 5_000;
export const OTLP_ENDS_WAITING = 2_000;
export const OTLP_ENDS_READ = 100;
export const OTLP_TIMEOUT_MS = 5_000;
export const OTLP_TRIES = 2;
export const OTLP_STUCK_MS = 20_000;
/**
 * What the operator's webhook is told of. It is looked for so often; so many of a kind are seen, so many told at once, each under a lease that is longer
 * than a call may take. A lane is stuck if nothing runs and one of the first in it has waited for so long: well before what waits expires by default.
 */
export const ALERTS_LOOK_MS = 10_000;
export const ALERTS_OF_A_KIND = 100;
export const ALERTS_SENT = 5;
export const ALERT_LEASE_MS = 30_000;
export const LANE_STUCK_MS = 300_000;
export const LANE_STUCK_FRONT = 20;
/** What is read of a `Prefer`; unknown preferences are ignored anyway. */
export const PREFER_CHARACTERS = 1_024;
/** A client's words on a webhook, or an operator's on a model. */
export const DESCRIPTION_CHARACTERS = 1_000;
/** Each event of a text's stream repeats its request's id. */
export const GENERATE_ID_CHARACTERS = 1_024;
/** How long an Idempotency-Key may be, and for how long it stands for its submit: both as Stripe has them. */
export const IDEMPOTENCY_KEY_CHARACTERS = 255;
export const IDEMPOTENCY_MS = 86_400_000;
/** A backend's `Retry-After` is followed up to here, so that the stated bound on an inference's life holds. */
export const RETRY_AFTER_MAX_MS = 60_000;

/** A queue consumer lives 15 minutes: RUN_SECONDS + the longest attempt must end before that. */
export const BACKEND_TIMEOUT_SECONDS = { default: 600, range: [1, 840] } as const;
/** Inferences that one backend runs at once. */
export const MAX_CONCURRENCY = { default: 1, range: [1, 10_000] } as const;

/** Failures in a row that open a backend's circuit. */
export const CIRCUIT_FAILURES = 5;
/** A circuit's first rest; it doubles with each further failure up to REST_MAX_MS. */
export const REST_MS = 1_000;
export const REST_MAX_MS = 60_000;
/** A success of another account within this time tells that a backend works, so that one account's failures don't close it. */
export const WITNESS_MS = 60_000;
/** How often an account's successes at a backend are noted, and of how many accounts the latest is; while all of those are so new, no other's is. */
export const WITNESS_NOTED_MS = 20_000;
export const WITNESSES = 8;
/** How often the health of a backend in doubt is asked for. */
export const PROBE_MS = 5_000;
/** Of a call that asks a backend whether it is ready, or what its model takes. */
export const READY_TIMEOUT_MS = 3_000;
/** A kept connection that the server had closed breaks within this time: a way there and back. */
export const STALE_CONNECTION_MS = 250;
/** Of a call that asks a backend to stop. */
export const CANCEL_CALL_MS = 1_000;
/** A cancel waits for so long for the backend to say that it has stopped, and asks so often. */
export const STOP_WAIT_MS = 1_000;
export const STOP_LOOK_MS = 50;
/** So long after a backend was asked to stop, the sweep cancels the inference if nobody else has: longer than all of that takes. */
export const STOP_ASKED_MS = 5_000;
/** Of the six connections that an invocation may wait on, some are left for storage. */
export const PROBES_AT_ONCE = 4;
/** An inference whose attempts took down this many healthy backends is not given another. */
export const QUARANTINE_TAKEDOWNS = 2;
/** One success in this many is entered into its backend's mean run time. */
export const RUN_TIME_SAMPLE = 10;

/** How long a runner holds an inference that it does not renew: after this long it may be taken up by another. */
export const LEASE_MS = 30_000;
/** How often it renews: one may fail, and the next still comes before the lease is over. */
export const LEASE_RENEW_MS = 10_000;
/** How often the holder of a lease looks whether it was canceled: a model is to stop within a second. What runs for less is never looked for. */
export const CANCEL_LOOK_MS = 750;
/** How long before the lapse of a lease that could not be renewed its holder lets go by itself. */
export const LEASE_MARGIN_MS = 5_000;
/** A runner stops claiming after this long, since consumers scale out only when a batch ends. */
export const RUN_SECONDS = 20;
/** Runners of one invocation, which may have six connections that wait for response headers; one is left for storage. */
export const RUNNERS_PER_BATCH = 5;

/** How often a request that waits for its inference looks whether its turn has come: when it is next in line, and before that. */
export const WAITER_FRONT_MS = 20;
export const WAITER_LOOK_MS = 50;
export const WAITER_LOOK_MAX_MS = 500;
/** How often one looks that is told when its turn comes: only in case the telling is lost. */
export const WAITER_TOLD_LOOK_MS = 5_000;
/** Requests of one account that may wait in one isolate at a time: each holds memory and asks the database again and again. */
export const WAITERS_PER_ACCOUNT = 256;
/** How long a call may wait for the end of an inference: proxies give up on an answer after 60 to 100 s. */
export const PREFER_WAIT_SECONDS = { range: [0, 60] } as const;
/** An object takes this many watchers, of the 32,768 sockets that the platform allows it: each change of what all watch is sent so often. */
export const WATCHERS_PER_OBJECT = 2_000;
/** Watch objects of an account. The mark of a row has a bit for each. */
export const WATCH_OBJECTS_PER_ACCOUNT = 5;
export const WATCHERS_PER_ACCOUNT = WATCHERS_PER_OBJECT * WATCH_OBJECTS_PER_ACCOUNT;
/** How often who watches and hears nothing looks, and says something where its client would take the connection for dead. */
export const WATCH_LOOK_MS = 15_000;
/** How long a mark on a row lasts. Each costs a row written; while it lasts, a change calls the object though nobody may watch any more. */
export const WATCH_MARK_MS = 600_000;
/** Of a call of a watch object. One that is late is made up for by the next look. */
export const WATCH_MS = 5_000;
/** Who hears for an isolate shows itself each WATCH_LOOK_MS; one that has not for so long is dead. */
export const WATCH_LEADER_MS = 2 * WATCH_LOOK_MS;
/** Of an isolate's requests that watch the same, so many are woken before what they have written is sent. */
export const WATCHERS_WOKEN = 64;
/** Rows that are read and told at once: a row has up to 32 KiB of output, and a call of an object up to 32 MiB. */
export const TELL_ROWS = 50;
/** What a watcher may be behind, whose client takes nothing. */
export const WATCH_BACKLOG = 1_000;
/** The same in characters, and of what was missed so much is told at once: a row has up to 100 KB, and an isolate's memory is everybody's. */
export const WATCH_BACKLOG_CHARACTERS = 512 * KIB;
/** Of what was missed, so many are read from an object's database at a time. */
export const WATCH_MISSED_READ = 16;
/** Of what was told last, so much is kept for others of the isolate that watch the same. */
export const WATCH_LATELY = 16;
/** A stream of events ends after so long, and its client comes back with its key: one that was revoked watches no longer than that. */
export const EVENTS_SECONDS = 900;
/** How soon a client should come back. */
export const EVENTS_RETRY_MS = 1_000;
/** Events of an account that are kept for who comes back, and for how long after the last reader has left. */
export const EVENTS_KEPT = 1_000;
export const EVENTS_REST_MS = 60_000;
/** A stream of an account's events begins with what happened so long ago: more than clocks are apart. */
export const EVENTS_OVERLAP_MS = 2_000;
/** Of so many inferences that have ended it is known what was said of them. */
export const EVENTS_SAID = 10_000;
/** What was not heard of for so long is looked at, so many at a time. */
export const EVENTS_LOOK_MS = 30_000;
export const EVENTS_LOOKED_AT = 100;
/** Of an inference every tell may be lost: of an account's newest, so many are looked through for a change in this time that was not heard of. */
export const EVENTS_NEWEST = 1_000;
export const EVENTS_CHANGED_MS = 300_000;
/** What a model says of its progress is noted at most so often, by one write each time; what it says in between goes with the next. */
export const PROGRESS_MS = 1_000;
/** What a call has taken upon itself to note and has not so long after its time is noted by the next call. */
export const PROGRESS_TAKEN_MS = 5_000;
/** From one report of an inference's progress that a webhook is told of to the next; the trigger `inferences_reported` has it. */
export const PROGRESS_TOLD_MS = 5_000;
export const PROGRESS_BODY_BYTES = 64 * KIB;
export const PROGRESS_LINES = 20;
export const PROGRESS_LINE_CHARACTERS = 1_000;
/** For how long an isolate remembers which of an account's watch objects had room. */
export const WATCH_ROOM_MS = 10_000;
/** When a client that would have waited for a model without a backend is told to come back. */
export const NOT_READY_RETRY_SECONDS = 10;
/** Looks in a row that may fail before the client is told to come back. */
export const WAITER_TRIES = 5;
/**
 * A stream that has nothing to say says so after this time, or twice of it. Where clients are connected to the Worker
 * itself, one that has hung up is noticed by what is sent to it, and the GPU should stop within a second.
 */
export const STREAM_IDLE_MS = 250;
/** How long the end of a backend's stream is waited for after its last event, so that its connection can serve again. */
export const STREAM_LINGER_MS = 100;

/** What of an output comes within this time is kept by one write of its stream: a model says a token in 10 to 50 ms, and a write costs a row. */
export const STREAM_GATHER_MS = 100;
/** Of one piece that is written: a row of an object's database has at most 2 MB. */
export const STREAM_PIECE_BYTES = 512 * KIB;
/** What may come of an output before what came first is kept: then the backend waits. */
export const STREAM_UNKEPT_BYTES = 2 * KIB * KIB;
/** What one read of a stream answers, about. */
export const STREAM_PAGE_BYTES = 512 * KIB;
/** What a stream that resumes may have: 10 MB of text, said in many small events. */
export const STREAM_BYTES = 64 * KIB * KIB;
/** How long one read of a stream waits for more, and what is added to that for the answer's way. */
export const STREAM_WAIT_MS = 10_000;
export const STREAM_MS = 5_000;
/** How often what keeps a stream looks whether its inference has ended; one that did not succeed is kept for so long after. */
export const STREAM_LOOK_MS = 60_000;
export const STREAM_KEPT_MS = 300_000;
/** For so long after its last call it is known how far a stream was given to readers that name no place: longer than any takes over one answer. */
export const STREAM_GIVEN_MS = 3_600_000;
/** How often a write of a stream is tried before its attempt fails, and how long it waits in between. */
export const STREAM_TRIES = 4;
export const STREAM_RETRY_MS = 250;

/** Between two passes of the sweep while there is work: what has lost its hint waits about as long. */
export const SWEEP_TICK_MS = 1_000;
/** The sweep ticks on for this long after the last sign of work; pokes by one isolate are at most SWEEP_POKE_MS apart. */
export const SWEEP_IDLE_MS = 15_000;
export const SWEEP_POKE_MS = 5_000;
/** Rows of one kind that one statement of a pass takes up, and how often a pass goes on while there are more. */
export const SWEEP_ROWS = 200;
export const SWEEP_ROUNDS = 20;
/**
 * So many of a transaction that one due note would stand for get one (inferences/sql/notes.ts), and so does the next after so many that
 * came one by one. A pass looks at so many notes that are due,
 * and at so many inferences of each.
 */
export const NOTED_TOGETHER = 2;
export const NOTED_LATER = 2;
export const DUE_NOTES = 20;
export const NOTE_IDS = 200;
/** A pass that takes longer is left alone: the next alarm is set already. */
export const SWEEP_PASS_MS = 10_000;
/** A claimable inference that nobody took for this long means its wake-up was lost. */
export const WAKE_UP_LOST_MS = 2_000;
/** Wake-ups that one lane is sent at once at most; each starts a crew of runners, which then claim on. */
export const WAKE_UPS_PER_LANE = 20;

/** Exact up to here, "1000+" beyond: what is counted is read. */
export const POSITION_MAX = 1_000;
/** The same of the queue of a model: exact below it. */
export const DEPTH_MAX = 10_000;
/** For metrics a lane is counted as deep as DEPTH_MAX; with many lanes less deep, so that all stay within the first, and none below the second. */
export const DEPTH_ALL = 100_000;
export const DEPTH_LEAST = 500;
/** Lanes and backends that metrics and the overview show, and how many in front of a lane are looked at for the one that has waited longest. */
export const GAUGED_LANES = 200;
export const GAUGED_BACKENDS = 500;
export const GAUGED_FRONT = 100;
/** Deliveries, endpoints and leases are counted up to here. */
export const GAUGED_ROWS = 10_000;
/** How often the sweep notes how deep lanes are. */
export const DEPTH_SAMPLED_MS = 60_000;
/** How long an isolate goes by what it has read of these. */
export const GAUGES_MS = 1_000;
/** How long observations wait for others: the first after a pause, and all others. */
export const METRICS_FIRST_MS = 250;
export const METRICS_REPORT_MS = 2_000;
/** A report that was not sent after so long is taken for lost with its invocation. */
export const METRICS_STUCK_MS = 30_000;
/** Label combinations that an isolate counts between two reports, and that the metrics object keeps. */
export const METRICS_SERIES_OBSERVED = 2_000;
export const METRICS_SERIES = 10_000;
/** What was not observed for this long is forgotten. */
export const METRICS_KEPT_MS = 30 * 86_400_000;
/** How long the metrics object keeps observations in memory alone. */
export const METRICS_PERSIST_MS = 30_000;
/** Models, versions and backends of which the overview tells apart a step; what is beyond counts in the whole alone. */
export const ROLLUP_PARTS = 200;
/** Kinds of counts in one of them, such as codes of errors. */
export const ROLLUP_FIELDS = 200;
/** Points that are written for Analytics Engine at once; the platform's bound for an invocation. */
export const ANALYTICS_POINTS = 250;
/** Rows that one page of a list looks at, whatever its filter: each is read, the last once more, and each that matches once more. */
export const LISTED_ROWS = 900;
/** The same where an index has what is looked for: each row of it is looked up in the table, too. */
export const LISTED_UNSUCCESSFUL_ROWS = 600;
/** Inferences that are asked after by their ids in one call. */
export const IDS_ASKED = 100;
/** Rows that one call of a count looks at. */
export const COUNTED_ROWS = 10_000;
/** Rows that one call of a bulk cancel or redrive looks at. */
export const BULK_ROWS = 1_000;

/** Any one answer of the database; a stall must not hold a client, a runner or the sweep. */
export const DATABASE_MS = 10_000;
/** Read, store and the longest attempt together have to fit into a consumer's 15 minutes. */
export const BUCKET_MS = 15_000;
/** Any one answer of a Durable Object: a gate, the sweep, a delivery object. */
export const GATE_MS = 5_000;
/** Any one send to the queue. */
export const QUEUE_MS = 10_000;
/** Messages of one send; the platform takes no more. */
export const QUEUE_BATCH = 100;

/** A failure's message goes into the row twice, and a row has at most 2 MB. */
export const MESSAGE_CHARACTERS = 1_000;
/** Of each other member of a backend's error object. */
export const UPSTREAM_CHARACTERS = 200;
/** A text that is larger is not searched for the backend's credential. */
export const CONCEAL_CHARACTERS = 1_000_000;
/** A log beyond this loses its earlier lines, all but the first: redrives may go on for ever, a row must not. */
export const LOG_CHARACTERS = 64_000;

/** An input or output of more is an object in the bucket; a row, which holds both and more, has at most 2 MB. */
export const INLINE_BYTES = 32 * KIB;
/** A body that must be parsed: its values take some five times its text in the memory of an isolate. */
export const JSON_BODY_BYTES = 10_000_000;
/** A part of a multipart upload to R2: the least that it takes. */
export const UPLOAD_PART_BYTES = 5 * KIB * KIB;
/** What one put to R2 may bring: 5 GiB, less 5 MiB. */
export const PUT_BYTES = 5 * KIB ** 3 - 5 * KIB ** 2;
/** Parts of a multipart answer, and what the head of one may take. */
export const PARTS_MAX = 100;
export const MULTIPART_HEAD_BYTES = 8 * KIB;
/** Fields of a model's output that may be kept as files. */
export const OUTPUT_FILE_FIELDS = 16;
/** A part's name, as it is in an address. */
export const PART_NAME_CHARACTERS = 100;
/** Objects that one call removes; R2 takes no more. */
export const DELETE_KEYS = 1_000;
/** A text below this is not worth the zipping. */
export const GZIP_BYTES = KIB;
/** What an output may be, as it comes out decoded, with all that comes beside it: 100 KB of gzip may hold 100 MB. */
export const OUTPUT_BYTES = { default: 2 ** 30, range: [1, 50_000_000_000] } as const;
/** What is read of a backend's answer that must be parsed. */
export const BACKEND_ANSWER_BYTES = 10_000_000;
/** A body that holds settings only: the operator's, and the smaller ones of our own API. */
export const ADMIN_BODY_BYTES = 64 * KIB;
/** A request with raw tensors, and how often it is held: as it came, as it was stored, and as it is sent. */
export const TENSOR_BODY_BYTES = 16 * KIB * KIB;
export const TENSOR_BODY_COPIES = 3;
/** Pictures of one batch that Vody's clients send; their API publishes no bound. */
export const BATCH_ITEMS = 256;
/**
 * Items that an input or output counts for at most, whatever its shape says, and tokens that a completion may say it has: a sum of
 * the usage ledger that is beyond 64 bits can't be stored, and so nothing of that day, model and key could end any more.
 */
export const COUNTED_MOST = 2 ** 31 - 1;
/** What the values of a body may take of the memory, as its text is weighed: room for 10 MB of numbers, whatever they are. */
export const JSON_HEAP_BYTES = 48_000_000;
/** A body's text is there as it came, within its values, and as it is stored. */
export const JSON_TEXT_COPIES = 3;
/** What all bodies of an isolate take together; an isolate has 128 MB for everything. */
export const BODIES_BYTES = 96_000_000;
/** What those of one account take, if it has more than one at once: two of 10 MB, which leaves room for one of another's. */
export const ACCOUNT_BODIES_BYTES = 64_000_000;
/** How long a body's room is kept after its last byte, should its request never come to its end. */
export const BODY_ROOM_MS = 60_000;
/** A body that is held whole comes at this pace at least, after a while to begin: a slow mobile connection sends faster. */
export const BODY_PACE = { graceMs: 15_000, bytesPerSecond: 16 * KIB } as const;
/** A body that is announced to have no more bytes is read in one piece. */
export const SMALL_BODY_BYTES = 64 * KIB;
/** Nesting beyond this is refused before it can exhaust a parser's stack. */
export const JSON_DEPTH = 64;

/** Requests a second of one key, by class of call; the burst is one second's worth. */
export const KEY_LIMITS = { read: 20, submit: 200, cancel: 20 } as const;
export const KEY_LIMIT_RANGE = [1, 10_000] as const;
/**
 * Who comes at the turn that it was told is held for up to this long if others came late at theirs: a permit is never given
 * sooner, so each late one delays the next. A turn counts for some time after it, since clients wait whole seconds.
 */
export const TURN_HOLD_MS = 250;
export const TURN_KEPT_MS = 2_000;
/** Turns that a gate remembers, of each class of call. */
export const TURNS = 1_000;
/** What an account may do as a whole, with any of its keys and links; the burst is that of a whole span. */
export const ACCOUNT_LIMITS = {
  webhookTests: { most: 10, spanMs: 60_000 },
  linkReads: { most: 100, spanMs: 1_000 },
  /** Of one address, not of an account. A token of 32 characters can't be found so; a leaked list of tokens is slow to try. */
  adminGuesses: { most: 20, spanMs: 60_000 },
} as const;
/**
 * How long an isolate may use a grant, from before it asked for it; and how long its gate counts on that. A revoked key is
 * refused everywhere once its grants are over, so within a second.
 */
export const GRANT_MS = 900;
export const GRANT_HELD_MS = 1_000;
/** A grant is what the isolate uses in this time, by what it used lately, but never more than this share of the limit. */
export const GRANT_AIM_MS = 900;
export const GRANT_SHARE = 0.25;
/** Callers that come at so many times the limit of their key heed no turns; none is held for its permit then. */
export const FLOOD_TURNS = 3;
/** Their isolate keeps turns for so long a flood as may come while it asks its gate: a round trip to it and more. */
export const FLOOD_ASKING_MS = 50;
/** For how long a key that is rotated still works. */
export const KEY_OVERLAP_SECONDS = { default: 86_400, range: [0, 30 * 86_400] } as const;
/** How long a gate trusts what it read of its key; a change tells the gate at once, this bounds a lost message. */
export const KEY_RECORD_MS = 30_000;
/** How long a session of the console goes on unused, and how long it may be renewed: a working day, and no longer than one. */
export const SESSION_SECONDS = 8 * 3_600;
export const SESSION_LONGEST_SECONDS = 24 * 3_600;

/** How long an account's inferences are kept after their end. Not below a day: as long an Idempotency-Key stands for its inference. */
export const RETENTION_SECONDS = { default: 7 * 86_400, range: [86_400, 10 * 365 * 86_400] } as const;
/** How long one inference's input and output are kept, where its client asks for less. */
export const PAYLOAD_RETENTION_SECONDS = { range: [60, 10 * 365 * 86_400] } as const;
/** How often the inferences that are past their account's retention are looked for. */
export const RETENTION_LAP_MS = 300_000;
/** Rows that one step of the retention looks at, and what one statement removes. */
export const RETENTION_ROWS = 500;
/** Objects without a row are looked for this slowly: a page of so many at a time, and a lap so often. */
export const ORPHAN_PAGE = 500;
export const ORPHAN_PAGE_MS = 10_000;
export const ORPHAN_LAP_MS = 3_600_000;
/** An object without a row is an orphan when it is this old: whoever wrote it has long had the time to write the row. */
export const ORPHAN_MS = 3_600_000;

// Files

/** How many inferences of an account may be open, unless the operator has set another limit for it. */
export const OPEN_INFERENCES = { default: 50_000, range: [1, 1_000_000] } as const;
/** How often the open inferences of an account are counted, at its limit or for `GET /v1/me`, which reads that many rows of an index. */
export const OPEN_COUNT_MS = 5_000;
/** An inference counts as this much at least: its row takes room too. The number stands in schema.sql as well. */
export const INFERENCE_CHARGE_BYTES = 8 * KIB;
/** A D1 database can't grow beyond this. */
export const DATABASE_BYTES = 10_000_000_000;
/** The fill at which the operator is warned, and the one at which submits are refused: what runs must still be recorded. */
export const DATABASE_WARN_BYTES = 0.8 * DATABASE_BYTES;
export const DATABASE_FULL_BYTES = 0.95 * DATABASE_BYTES;
/** How often an isolate logs that the database fills up. */
export const DATABASE_WARN_MS = 60_000;

/** What an account may store, in R2 and in the database, unless it has a quota of its own. */
export const QUOTA_BYTES = 100 * 2 ** 30;
/** What of that may lie in the database, unless the account or the deployment has another quota: four accounts don't fill it. */
export const DATABASE_QUOTA_BYTES = { default: 2 * 2 ** 30, range: [0, DATABASE_BYTES] } as const;
/** What the row of an inference or a file counts as there at least: small ones were measured at 0.6 KiB. The number stands in schema.sql as well. */
export const ROW_CHARGE_BYTES = 2 * KIB;
/** A file counts as this much at least: its row takes room too. The number stands in schema.sql as well. */
export const FILE_CHARGE_BYTES = 8 * KIB;
/** Of one part of an upload that a client sends part by part; R2 takes 5 MiB to 5 GiB, and many clients' networks 100 MB at once. */
export const FILE_PART_BYTES = { default: 8 * KIB * KIB, range: [8 * KIB * KIB, 100 * KIB * KIB] } as const;
/** As many parts as R2 takes. */
export const FILE_PARTS = 10_000;
/** A file that has not been completed by then is removed. */
export const UPLOAD_SECONDS = 86_400;
/** As most file systems have it. */
export const FILE_NAME_CHARACTERS = 255;
/** Two names of 127 characters and the slash, as RFC 6838 has it. */
export const CONTENT_TYPE_CHARACTERS = 255;
/** The whole of an upload in parts is read again to check its SHA-256, in one request, up to here. */
export const FILE_HASHED_BYTES = 5 * 2 ** 30;
/** What a form may hold beside its file: fields are passed over. */
export const FORM_FIELD_BYTES = 64 * KIB;
/** Files that one input may refer to. */
export const FILE_REFERENCES = 100;
/** All files of one input together, for a backend that gets their bytes in the input: they and their base64 are held in memory. */
export const FILES_INLINE_BYTES = 10_000_000;
/** A file that an input refers to is kept for at least this long after: longer than an inference may wait and run. */
export const FILE_USED_SECONDS = 5 * 86_400;
/** How long a link is good for; one for a backend from when it is called. */
export const LINK_SECONDS = { default: 3_600, range: [1, 7 * 86_400] } as const;
/** Files that one step of the sweep removes, and how often it looks for them. */
export const FILE_SWEEP_ROWS = 100;
export const FILE_LAP_MS = 60_000;

/** How far the time in an inference's id, by an isolate's clock and before its input was stored, may be from its creation by the database's. */
export const ID_MARGIN_MS = 600_000;

/** How soon a client should ask again. */
export const POLL_AFTER_SECONDS = { range: [1, 30] } as const;

/** How far into a list an offset may lead: each row before it is read. Cursors lead as far as the list goes. */
export const OFFSET_MAX = 10_000;
/** How long an isolate remembers that a key was refused, so that its next reads don't run beside the question to its gate. */
export const REFUSED_KEY_MS = 10_000;
/** While events are sent to a key, how often an isolate looks whether the key still counts. */
export const KEY_LOOK_MS = 1_000;

/** How often a call may be repeated before the Retry-After of its 503 is over; after that it is told 429. */
export const REPEATS_MAX = 5;

/** What a list returns at once. */
export const PAGE = { default: 25, range: [1, 100] } as const;
/** So long may what a page of inferences has be, beyond its first, and the outputs of those that are asked for by ids: with 100 outputs of 32 KiB it would be 4 MB, which is held while a slow client reads. */
export const LISTED_CHARACTERS = 1_000_000;
/** The longest cursor holds a webhook's URL, in base64. */
export const CURSOR_CHARACTERS = 4_096;
/** The list of models comes whole up to here: clients of OpenAI's API know no pages of it. */
export const MODELS_LISTED = 1_000;
/** Inferences that statistics are of: an account's newest, so that to ask for them costs the same however many there are. */
export const STATISTICS_ROWS = 1_000;

/** What an isolate remembers of one kind, such as of its backends. */
export const MEMORY_THINGS = 1_000;
/** What an isolate remembers of keys: who proved itself, and its grants. An entry has some 400 bytes. */
export const KEYS_REMEMBERED = 10_000;
/**
 * Questions to the database that go together, of polls and of submits: one statement for all costs the database far less than theirs would. How
 * many statements of an isolate may be under way before questions wait for each other, and how many go in one. While one is under way, the next
 * begins a little later, with what has come by then; so where the database is far, a question does not wait for the whole of another's way. One
 * request asks so many times, one after the other, before another takes over: it may ask the database only so often.
 */
export const TOGETHER_MOST = 50;
export const TOGETHER = { underWay: 4, most: TOGETHER_MOST, apartMs: 5, rounds: 8, gatherMs: 10 } as const;
/** The same of invocations that write ends of attempts and claim what follows: each asks for all of its runners at once. */
export const ENDINGS = { underWay: 2, most: TOGETHER_MOST, apartMs: 5, rounds: 8, gatherMs: 5 } as const;
/** What rows of submits that go together have of them is at most so many bytes, and what ends together so many characters: no value of D1 may have more than 2 MB. */
export const GROUP_CHARACTERS = 500_000;
/**
 * What is not in the index by account is among so many first ones of its lane (schema.sql has the number too): a submit writes no
 * entry there while at most HEAD_FILLED wait. A group of submits can push as many out of the first ones as there are between the two.
 */
export const HEAD_ROWS = 250;
export const HEAD_FILLED = HEAD_ROWS - TOGETHER_MOST;
/** How often who waits looks by itself, and after how long a statement or a caller is taken for gone. */
export const TOGETHER_LOOK_MS = 200;
export const TOGETHER_LOOK_ALONE_MS = 10;
export const TOGETHER_LOST_MS = 2 * DATABASE_MS;
/** Who waits for those that were answered together to come again waits until none has come or gone for so long; see `gatherMs`. */
export const TOGETHER_GATHER_MS = 4;
/**
 * Answers that can't change, which an isolate keeps: how many, how many characters in all and each at most, and how long. A
 * character has up to two bytes, so together they take at most 16 MiB of an isolate's 128 MB.
 */
export const KEPT_ANSWERS = 10_000;
export const KEPT_ANSWERS_CHARACTERS = 8 * 1024 * 1024;
export const KEPT_ANSWER_CHARACTERS = 64 * 1024;
export const KEPT_ANSWER_MS = 30_000;
/** How long an isolate remembers that an account has changed something: copies of the database are as new by then. */
export const WROTE_MS = 30_000;
/** How long it is remembered which forms of a request a server takes; and of one that did not answer the question. */
export const FORMS_MS = 300_000;
export const FORMS_UNSURE_MS = 10_000;
/** How long it is remembered what a server says of its model; and that none said anything. */
export const DESCRIPTION_MS = 60_000;
export const DESCRIPTION_UNSURE_MS = 5_000;
/** Servers of a model that are asked, one after the other, before it counts as not described. */
export const DESCRIPTIONS_ASKED = 2;
/** Backends of one model that are looked at. */
export const BACKENDS_LISTED = 1_000;

// Webhooks

/** A webhook's URL; as Reka's API has it. */
export const WEBHOOK_URL_CHARACTERS = 2_083;
/** Where receivers listen in public; anything else is more likely somebody's database. */
export const WEBHOOK_PORTS: readonly number[] = [443, 8443];
/** The shorter end of what Standard Webhooks recommends: a receiver should take note and work later. */
export const WEBHOOK_TIMEOUT_MS = 15_000;
/** Between one attempt and the next: the example schedule of Standard Webhooks 1.0.0, 10 attempts in 75 h 35 min. */
export const WEBHOOK_DELAYS_SECONDS: readonly number[] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/** Each delay is up to this share shorter or longer. */
export const WEBHOOK_JITTER = 0.1;
/** A receiver's `Retry-After` is followed up to here: no longer than the longest delay. */
export const WEBHOOK_RETRY_AFTER_MAX_MS = 86_400_000;
/** How long the other deliveries to an endpoint under load wait, and at most, where it says itself for how long. */
export const WEBHOOK_HOLD_MS = 30_000;
export const WEBHOOK_HOLD_MAX_MS = 3_600_000;
/** An endpoint is rested after so many failures in a row over at least this time. */
export const ENDPOINT_REST_FAILURES = 100;
export const ENDPOINT_REST_MS = 86_400_000;
/** Random bytes of a secret; the range is that of Standard Webhooks. */
export const WEBHOOK_SECRET_BYTES = { minted: 32, range: [24, 64] } as const;
/** A resolver that takes longer leaves a name unknown, which stops nothing. */
export const RESOLVER_MS = 2_000;

/** What the resolver said of a name counts for so long where a webhook is set, of so many names. */
export const NAME_KNOWN_MS = 60_000;
export const NAMES_KNOWN = 1_000;
/** Each event of an account is matched with all of them. */
export const WEBHOOKS_PER_ACCOUNT = 16;
/** An inference's output is part of an event up to here: Standard Webhooks asks for bodies of no more. */
export const EVENT_OUTPUT_BYTES = 20_000;
/** Beyond that there is a link in its place, which holds as long as links may: longer than the attempts go on. */
export const EVENT_LINK_SECONDS = LINK_SECONDS.range[1];
/** The secret before the newest signs as well for so long: as Baseten has it. */
export const SECRET_OVERLAP_MS = 86_400_000;
/** Whoever tries a delivery holds it for so long: longer than reading, looking up the name, the call and recording take together. */
export const DELIVERY_LEASE_MS = 60_000;
/** A delivery object may wait for six connections at once, and a delivery for two: of the resolver, and of the receiver after that. */
export const DELIVERIES_AT_ONCE = 3;
/** So an account has at most 24 deliveries under way at once. */
export const DELIVERY_OBJECTS_PER_ACCOUNT = 8;
/** Delivery objects that one announcement calls at a time; it goes on with the others after that. */
export const DELIVERY_OBJECTS_CALLED_AT_ONCE = 50;
/** Due deliveries of an account among which a claim chooses, so that endpoints take turns. */
export const DELIVERIES_SEEN = 200;
/** The sweep stays awake for deliveries that are due this soon; for later ones the cron trigger, once a minute, wakes it. */
export const DELIVERY_HORIZON_MS = 90_000;
/** Of a delivery the latest so many attempts are kept, of the latest answer its beginning, and less of those before it. */
export const DELIVERY_ATTEMPTS_KEPT = 20;
export const DELIVERY_ANSWER_BYTES = KIB;
export const DELIVERY_EARLIER_ANSWER_CHARACTERS = 128;
/** What the row of a delivery or an endpoint counts as in its account's quota at least. The number stands in schema.sql too. */
export const DELIVERY_CHARGE_BYTES = KIB;
/** An endpoint that has failed is forgotten when its failures began this long ago: longer than attempts at a delivery go on. */
export const ENDPOINT_FORGOTTEN_MS = 30 * 86_400_000;
/** Of one inference the deliveries of so many events are kept, the newest; the number stands in schema.sql too. */
export const DELIVERY_EVENTS_KEPT = 100;
/** One call sends so many again. */
export const DELIVERIES_RESENT = 500;
/** Deliveries in the timeline of an inference: more than one has unless it has many endpoints or attempts. */
export const TIMELINE_DELIVERIES = 100;

/** A path of a model's server that a client may ask for. */
export const SERVER_PATH_CHARACTERS = 120;

/** Faults that a refusal names. */
export const FAULTS_SHOWN = 20;
/** Values of an input that are checked against its model's schema: at 1 to 3 µs each, a tenth to a third of a second. */
export const SCHEMA_VALUES = 100_000;
/** An input of so few values is looked through for all its faults; of a larger one the first is named. */
export const SCHEMA_ALL_FAULTS_VALUES = 1_000;
/** `uniqueItems` compares every two items, and a `pattern` may read a text many times. */
export const SCHEMA_UNIQUE_ITEMS = 1_000;
export const SCHEMA_PATTERN_CHARACTERS = 10_000;
/** The squares of the lengths of all texts that patterns are held against, together: about a second for one that reads each from each of its characters. */
export const SCHEMA_PATTERN_WORK = 4 * SCHEMA_PATTERN_CHARACTERS ** 2;
/** The schemas of a model's versions together, as JSON: they are in the model's row, which has at most 2 MB. */
export const SCHEMAS_CHARACTERS = 256 * KIB;
/** Tensors that a model may have. */
export const TENSORS_MAX = 256;
/** Changes of a model's schemas that one submit may meet on its way. */
export const SCHEMA_TRIES = 3;
/** Models whose schemas an isolate remembers: 32 of the largest are 8 MB of text. */
export const SCHEMAS_REMEMBERED = 32;

/** An operator's check of the deployment: how long a message may take to be consumed, and how far apart two clocks may be. */
export const CHECK_QUEUE_MS = 10_000;
export const CHECK_CLOCK_MS = 1_000;
/** A name that everybody has (RFC 2606), to see whether names can be looked up. */
export const CHECK_NAME = "example.com";
/** Backends that one check looks at. */
export const CHECK_BACKENDS = 1_000;

/** Days of usage that one call sums up, and rows that it answers. */
export const USAGE_DAYS = 400;
export const USAGE_ROWS = 1_000;
/** A price or a budget: in millionths it is a whole number that JSON carries. */
export const MONEY_MAX = 1_000_000_000;
/** How often budgets are held against what was spent: so long may an account go beyond its own. */
export const BUDGET_LAP_MS = 10_000;
/**
 * The audit log of the operator's calls: how long an entry is kept, how many are kept at most (some 50 MB), how often the oldest are
 * looked at and how many at once; and what is kept of one call's body, of a text in it, and of what it is about.
 */
export const AUDIT_MS = 90 * 86_400_000;
export const AUDIT_ROWS = 100_000;
export const AUDIT_LAP_MS = 3_600_000;
export const AUDIT_STEP = 500;
export const AUDIT_CHANGE_CHARACTERS = 2_000;
export const AUDIT_TEXT_CHARACTERS = 200;
export const AUDIT_TARGET_CHARACTERS = 256;
/** How exactly it is known when a key was used last. */
export const KEY_USE_NOTED_MS = 60_000;

/** Inferences that one call of a bulk submit takes; how many of them are under way at once that do not go together; bytes of rows in one transaction. */
export const BULK_SUBMITS = 1_000;
export const BULK_SUBMITS_AT_ONCE = 250;
export const BULK_INPUT_BYTES = 2_000_000;

/** How far ahead an inference may be submitted that is not to begin before a time. */
export const NOT_BEFORE_MS = 30 * 86_400_000;

// Batches: files whose lines are submitted as inferences

/** Lines of a batch, and bytes of its input: both as OpenAI has them. */
export const BATCH_LINES = 50_000;
export const BATCH_FILE_BYTES = 200 * KIB * KIB;
/** How long a batch may take, in hours: as long as an inference may wait. */
export const BATCH_WINDOW_HOURS = { default: 24, range: [1, 72] } as const;
/** As long as a text of an inference's metadata, in which it stands too. */
export const BATCH_CUSTOM_ID_CHARACTERS = METADATA.textCharacters;
/** Batches of an account that may be under way, and how many of its inferences they may have open together: never more than half of those it may have. */
export const BATCHES_OPEN = 50;
export const BATCH_OPEN_INFERENCES = 10_000;
/**
 * A line of a batch's input, or the output in one of its files; and what the values take in memory that a step has at once (JSON_HEAP_BYTES). Half of
 * what a request may bring: a step runs beside the sweep.
 */
export const BATCH_LINE_BYTES = 5_000_000;
export const BATCH_HEAP_BYTES = JSON_HEAP_BYTES / 2;
/** One step of a batch reads so much of its input, in so many lines; a line that is longer is read alone. */
export const BATCH_PIECE_BYTES = 2 * KIB * KIB;
export const BATCH_STEP_LINES = 500;
/** Rows, and bytes of outputs, that are read at once for a batch's files. */
export const BATCH_ROWS_READ = 200;
export const BATCH_OUTPUT_READ_BYTES = 2 * KIB * KIB;
/** Bytes of outputs that one step reads in vain, since they can't stand in a file. */
export const BATCH_REFUSED_READ_BYTES = 32 * KIB * KIB;
/** A part of a batch's file: more than the longest line, so that none is in two parts. What a step writes is one part at most. */
export const BATCH_PART_BYTES = 8 * KIB * KIB;
/** A step that has not ended by then is taken for dead, and is begun again. */
export const BATCH_STEP_MS = 60_000;
/** How long the sweep goes on with steps in one of its rounds, and how many batches it looks at. */
export const BATCH_ROUND_MS = 5_000;
export const BATCHES_SEEN = 500;
/** When a batch is looked at again that waits for room, a budget or the platform; and one whose inferences run. */
export const BATCH_WAIT_MS = 5_000;
export const BATCH_LOOK_MS = 600_000;
/** One whose files can't be written so long after its window, or after their beginning, fails: it is stuck for an unforeseen reason. */
export const BATCH_OVERDUE_MS = 3 * 86_400_000;
/** Faults of an input that are told. */
export const BATCH_ERRORS = 100;
/** How long a batch is kept after its end. */
export const BATCH_KEPT_MS = 30 * 86_400_000;
