/**
 * The daemon's HTTP answers, as JSON; and the token, if it asks for one.
 */

const TOKEN_KEY = "norikv-viz-token";
/** Longer than the longest answer takes; a daemon that stands still must not hold requests for ever. */
const TIMEOUT_MS = 15_000;

/** A refusal: `status` of HTTP (0: no answer), `message` in the daemon's words. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The token lives as long as the tab, and nowhere else. */
export const token = {
  get: () => sessionStorage.getItem(TOKEN_KEY) ?? "",
  set: (text) => sessionStorage.setItem(TOKEN_KEY, text),
};

/** GET `path`, relative to the page, with the parameters that are not undefined. Throws ApiError, or AbortError if `signal` says so. */
export async function get(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== ""));
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const headers = token.get() ? { Authorization: `Bearer ${token.get()}` } : {};
  const url = new URL(path, document.baseURI);
  url.search = query;
  let response;
  try {
    response = await fetch(url, { headers, signal: signal ? AbortSignal.any([signal, timeout]) : timeout, cache: "no-store" });
    if (response.ok) return await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, String(error.message ?? error));
  }
  const body = await response.json().catch(() => ({}));
  throw new ApiError(response.status, body.error?.message ?? `HTTP ${response.status}`);
}

/** Asks for one thing again and again as what is wanted changes: only the newest question counts. */
export class Latest {
  #controller;

  /** The answer, or undefined if a newer question came or it could not be had. `failed` is called with an ApiError. */
  async ask(path, parameters, failed = () => {}) {
    this.#controller?.abort();
    const controller = (this.#controller = new AbortController());
    try {
      const answer = await get(path, parameters, controller.signal);
      return controller === this.#controller ? answer : undefined;
    } catch (error) {
      if (controller === this.#controller && error instanceof ApiError) failed(error);
      return undefined;
    }
  }

  cancel() {
    this.#controller?.abort();
    this.#controller = undefined;
  }
}
