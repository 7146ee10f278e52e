/**
 * Whether a request of an isolate may wake another by settling a promise of its. Cloudflare's plugin for Vitest takes that from a
 * Worker (`no_handle_cross_request_promise_resolution`): what is woken would go on as part of the request that wakes it, and the
 * runtime allows it no call.
 */
const { Cloudflare: runtime } = globalThis as { Cloudflare?: { compatibilityFlags: Readonly<Record<string, boolean>> } }; // in Node there is none

export const REQUESTS_WAKE = runtime?.compatibilityFlags["handle_cross_request_promise_resolution"] !== false;
