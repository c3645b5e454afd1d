/**
 * One WebSocket to the daemon that comes back by itself, behind the position at which it was cut.
 *
 * It knows nothing of what the messages mean, but for `pong`: a stream whose pings are not answered is stale.
 */
import { Repeats } from "./repeats.js";
import { token } from "./api.js";

const PING_EVERY_MS = 1_000;
const STALE_AFTER_MS = 2_000;
/** A socket that does not answer for so long is given up: the other end may be gone without a word. */
const GIVE_UP_AFTER_MS = 10_000;
const RETRY_MS = [300, 1_000, 2_000, 4_000, 8_000];

export class Connection {
  /**
   * @param {URLSearchParams} query of ws/events, without a position.
   * @param {{message: Function, status: Function}} on `status()` is called when any of the fields below changes.
   */
  constructor(query, on) {
    this.query = query;
    this.on = on;
    this.isOpen = false;
    this.isStale = false;
    this.tries = 0;
    this.retryAt = 0;
    this.heardAt = performance.now();
    this.position = undefined;
    this.#timer = setInterval(() => this.#tick(), PING_EVERY_MS / 2);
  }

  #timer;
  #socket;
  #repeats = new Repeats();
  #pingedAt;
  #lastPing = 0;

  /** Connect now, whatever was waited for. */
  open() {
    this.#drop();
    this.retryAt = 0;
    const url = new URL("ws/events", document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const query = new URLSearchParams(this.query);
    if (this.position) query.set("position", this.position);
    url.search = query;
    const socket = (this.#socket = new WebSocket(url, token.get() ? ["norikv.viz.v1", `bearer.${token.get()}`] : []));
    socket.onopen = () => {
      this.isOpen = true;
      this.#ping();
    };
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    socket.onclose = () => this.#closed();
  }

  /** Forget where the stream was; the next connection begins with the state. */
  forget() {
    this.position = undefined;
  }

  send(message) {
    if (this.isOpen && this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  close() {
    clearInterval(this.#timer);
    this.#drop();
  }

  #hear(message) {
    this.heardAt = performance.now();
    if (message.position !== undefined) this.position = message.position;
    if (message.type === "pong") this.roundTripMs = this.heardAt - this.#lastPing;
    // Only an answered ping proves that what comes is fresh: an old buffer may still drain.
    if (message.type === "pong" || !this.#pingedAt) {
      this.#pingedAt = undefined;
      this.tries = 0;
      this.#setStale(false);
    }
    if (!this.#repeats.has(message)) this.on.message(message, this.heardAt);
  }

  #ping() {
    const now = performance.now();
    this.#pingedAt ??= now;
    this.#lastPing = now;
    this.send({ type: "ping" });
  }

  #tick() {
    const now = performance.now();
    if (this.retryAt) {
      if (now >= this.retryAt) this.open();
      this.on.status();
      return;
    }
    const silentMs = now - (this.#pingedAt ?? now);
    if (silentMs >= STALE_AFTER_MS) this.#setStale(true);
    if (silentMs >= GIVE_UP_AFTER_MS) {
      this.#drop();
      this.#retryLater();
    } else if (this.isOpen && now - this.#lastPing >= PING_EVERY_MS - 20) this.#ping();
  }

  #closed() {
    this.isOpen = false;
    this.#pingedAt ??= performance.now();
    this.#retryLater();
  }

  #retryLater() {
    this.retryAt = performance.now() + RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)];
    this.tries += 1;
    if (performance.now() - this.heardAt >= STALE_AFTER_MS || this.tries > 2) this.#setStale(true);
    this.on.status();
  }

  #drop() {
    if (!this.#socket) return;
    const socket = this.#socket;
    socket.onmessage = socket.onclose = null;
    // One that is closed before it is open makes browsers write a warning.
    socket.onopen = () => socket.close();
    if (socket.readyState !== WebSocket.CONNECTING) socket.close();
    this.#socket = undefined;
    this.isOpen = false;
  }

  #setStale(isStale) {
    if (isStale === this.isStale) return;
    this.isStale = isStale;
    this.on.status();
  }
}
