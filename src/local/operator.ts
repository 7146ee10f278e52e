/** The admin API as the local programs use it. */

class AdminCallFailed extends Error {
  readonly status: number;
  constructor(call: string, status: number, body: string) {
    super(`${call} answered ${status}: ${body.slice(0, 500)}`);
    this.status = status;
  }
}

export class Operator {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /** Throws AdminCallFailed for any answer that is not a success. */
  async call(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.#url}/admin/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new AdminCallFailed(`${method} ${path}`, response.status, text);
    return JSON.parse(text) as Record<string, unknown>; // every admin answer is an object
  }

  /** As `call`, but null where the answer is `status`. */
  async callUnless(status: number, ...call: Parameters<Operator["call"]>): Promise<Record<string, unknown> | null> {
    try {
      return await this.call(...call);
    } catch (error) {
      if (error instanceof AdminCallFailed && error.status === status) return null;
      throw error;
    }
  }
}
