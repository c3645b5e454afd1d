/**
 * The one time cursor: live or at an instant, held or playing, how wide the window is, and what is pointed at.
 *
 * All times are the daemon's, in ms since the Unix epoch: a browser's clock may be an hour off.
 */

export const WINDOWS_MIN = [1, 5, 15, 60];
export const SPEEDS = [1, 4, 16];
/** In the past the instant stands here in the window, and what came next behind it. */
const PAST_SHARE = 0.8;
/** A clock that is further off is set, not led. */
const SET_BEYOND_MS = 250;

export class Time {
  #offset;

  constructor() {
    this.minutes = 5;
    this.instant = undefined;
    this.speed = 1;
    this.isPlaying = false;
    this.hover = undefined;
    this.#offset = undefined;
  }

  /** The daemon said that it is `serverMs`, `heardMs` by the page's own steady clock. */
  tell(serverMs, heardMs) {
    const offset = serverMs - heardMs;
    if (this.#offset === undefined || Math.abs(offset - this.#offset) > SET_BEYOND_MS) this.#offset = offset;
    else this.#offset += (offset - this.#offset) / 8;
  }

  get isKnown() {
    return this.#offset !== undefined;
  }

  /** The daemon's time now. */
  get now() {
    return this.#offset === undefined ? Date.now() : performance.now() + this.#offset;
  }

  get isLive() {
    return this.instant === undefined;
  }

  /** The instant that the page shows. */
  get at() {
    return this.instant ?? this.now;
  }

  /** The instant that values are read at: where one points, else the instant. */
  get cursor() {
    return this.hover ?? this.at;
  }

  get widthMs() {
    return this.minutes * 60_000;
  }

  /** [from, to) of the strips; whole pixels of it, so that plots move by whole pixels. */
  range(pixels) {
    const perPixel = this.widthMs / Math.max(1, pixels);
    const now = this.now;
    let to = now;
    if (!this.isLive) to = Math.min(Math.max(now, this.instant), this.instant + this.widthMs * (1 - PAST_SHARE));
    to = Math.ceil(to / perPixel) * perPixel;
    return [to - this.widthMs, to];
  }

  /** Go to an instant and stay there; one that is not yet is now, live. */
  goTo(at) {
    this.instant = Math.round(Math.min(at, this.now));
    this.hover = undefined;
  }

  goLive() {
    this.instant = undefined;
    this.isPlaying = false;
    this.hover = undefined;
  }

  play(speed = this.speed) {
    this.speed = speed;
    if (!this.isLive) this.isPlaying = true;
  }

  hold() {
    if (this.isLive) this.goTo(this.now);
    this.isPlaying = false;
  }

  /** Let `ms` pass while it plays; at the head it is live again. Returns whether anything moved. */
  advance(ms) {
    if (!this.isPlaying) return false;
    this.instant += ms * this.speed;
    if (this.instant >= this.now - 500) this.goLive();
    return true;
  }
}
