/**
 * What is asked of the daemon over HTTP, and when: gently while live, at once when the window or the instant changes.
 */
import { ApiError, get, Latest } from "./api.js";
import { Storage } from "./storage.js";
import { Telling } from "./telling.js";

const TIMELINE_EVERY_MS = 1_000;
const TAPE_EVERY_MS = 5_000;
const COVERAGE_EVERY_MS = 2_000;
const INSIGHT_EVERY_MS = 5_000;
/** A daemon without attention rules may be replaced by a newer one. */
const INSIGHT_RETRY_MS = 3_600_000;
const STATS_EVERY_MS = 3_000;
/** Under a budget the gauges of one node come seldom. */
const STORAGE_EVERY_MS = 10_000;
const STORAGE_RETRY_MS = 2_000;
/** By the window in minutes; what is older the daemon keeps less finely, and says so. */
const STEP_MS = { 1: 1_000, 5: 1_000, 15: 5_000, 60: 10_000 };
/** Beyond so many nodes the steps are no finer than this: a raster has no room for more, and the answer gets long. */
const MANY_NODES = 24;
const COARSE_STEP_MS = 2_000;
/** A node that does not exist: of the whole buffer only the counts are wanted. */
const NO_NODE = 4_294_967_294;
const TAPE_STEPS = 400;
/** Beyond so many storage events in a window, stalls of the past are not looked for. */
const MAX_STORAGE_EVENTS = 10_000;
/** At the very begin of the buffer there may be no state. */
const MARGIN_MS = 2_000;

export class Fetches {
  #timeline = new Latest();
  #storage = new Latest();
  #strain = new Latest();
  #due = new Map();

  constructor(page) {
    this.page = page;
    this.telling = new Telling(page);
  }

  /** Begin to ask; `unauthorized` is called when the daemon wants a token. */
  start(unauthorized) {
    this.unauthorized = unauthorized;
    this.#timer ??= setInterval(() => this.#turn(), 250);
    this.#due.clear();
    this.#turn();
  }

  #timer;

  /** The stream has a hole, or the daemon is another: ask for everything anew. */
  again() {
    this.windowOf = undefined;
    this.soon();
    this.telling.retell();
  }

  /** Ask for what is new at the next turn, whether or not it was due. */
  soon() {
    for (const [name, due] of this.#due) if (due !== Infinity) this.#due.delete(name);
  }

  #turn() {
    const { page } = this;
    if (document.hidden) return;
    this.#every("coverage", COVERAGE_EVERY_MS, () => this.#coverage());
    this.#every("tape", TAPE_EVERY_MS, () => this.#tape());
    this.#every("insight", page.store.findings.isKnown === false ? INSIGHT_RETRY_MS : INSIGHT_EVERY_MS, () => this.#insight());
    this.#every("stats", STATS_EVERY_MS, () => this.#stats());
    this.#every("storage", STORAGE_EVERY_MS, () => page.time.isLive && page.selection.node !== undefined && this.storage(page.selection.node));
    this.#every("timeline", Math.max(TIMELINE_EVERY_MS, page.store.series.stepMs / 2), () => (page.time.isLive ? this.#newest() : this.#ahead()));
  }

  /** One thing at a time of each kind, not before it is due. */
  async #every(name, everyMs, act) {
    const now = performance.now();
    if ((this.#due.get(name) ?? 0) > now) return;
    this.#due.set(name, Infinity);
    try {
      await act();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) this.unauthorized();
    } finally {
      this.#due.set(name, performance.now() + everyMs);
    }
  }

  async coverageNow() {
    await this.#coverage();
  }

  async #coverage() {
    const { page } = this;
    const [from] = page.bufferRange();
    const asked = page.time.now;
    page.store.coverage.take(await get("api/coverage", page.time.isKnown ? { from: Math.floor(from) } : {}), asked);
    page.changed();
  }

  async #tape() {
    const { page } = this;
    if (!page.time.isKnown) return;
    const { tape } = page.store;
    const [from, to] = page.bufferRange();
    const step = Math.ceil((to - from) / TAPE_STEPS / 10_000) * 10_000;
    const isHeld = tape.stepMs === step && tape.behind > 0 && tape.range[0] <= Math.max(from, page.oldestAt ?? from) + 2 * step && to - tape.range[1] < 20 * step;
    const begin = isHeld ? (tape.behind - 3) * step : from;
    tape.take(await get("api/timeline", { from: Math.floor(begin), to: Math.ceil(to), step_ms: step, nodes: NO_NODE }));
    page.changed();
  }

  async #insight() {
    const { findings } = this.page.store;
    try {
      findings.take(await get("api/insight"));
    } catch (error) {
      if (error.status !== 404) throw error;
      findings.isKnown = false;
    }
    this.page.changed();
  }

  async #stats() {
    const { page } = this;
    page.stats = await get("api/stats");
    // The buffer is trimmed behind the page's back.
    if (page.stats.oldest_event_ms !== null) page.oldestAt = page.stats.oldest_event_ms;
    const health = await get("health").catch((error) => ({ status: "degraded", reasons: error.status === 503 ? [error.message] : [] }));
    page.degraded = health.status === "degraded" ? health.reasons ?? [] : [];
    page.changed();
  }

  /** The steps that are new, while live. */
  async #newest() {
    const { page } = this;
    const { series } = page.store;
    if (!page.time.isKnown) return;
    const [from, to] = page.time.range(page.place?.width ?? 800);
    const step = series.stepMs;
    const isHeld = this.windowOf === page.time.minutes && series.behind > 0 && series.range[1] > to - page.time.widthMs / 2 && series.range[0] <= Math.max(from, page.oldestAt ?? 0) + 2 * step;
    if (!isHeld) await this.window();
    else {
      series.take(await get("api/timeline", { from: (series.behind - 4) * step, to: Math.ceil(page.time.now), step_ms: step }));
      page.changed();
    }
  }

  /** While it plays: the window's steps before it leaves what is held. */
  async #ahead() {
    const { page } = this;
    const [from, to] = page.time.range(page.place?.width ?? 800);
    const [first, behind] = page.store.series.range;
    if (to < (page.oldestAt ?? 0)) return;
    if (this.windowOf !== page.time.minutes || Math.max(from, page.oldestAt ?? 0) < first - page.store.series.stepMs || to > behind + page.store.series.stepMs * 2) await this.window();
  }

  /** The whole window, at once: it, or the instant, is another. */
  async window() {
    const { page } = this;
    const { time } = page;
    if (!time.isKnown) return;
    const [from, to] = time.range(page.place?.width ?? 800);
    const margin = time.isLive ? 0 : time.widthMs * 0.2;
    // Whether pressure rises is told by what it was a minute before; a longer window has that in it. Not more: what is older is kept less finely, and all steps of an answer are equal.
    const begin = Math.max(time.minutes === 1 ? from - 60_000 : from, page.oldestAt ?? 0);
    const end = Math.min(to + margin, time.now);
    const asked = (this.windowOf = time.minutes);
    if (begin >= end) {
      page.store.series.clear(this.#step(asked));
      page.changed();
      return;
    }
    const answer = await this.#timeline.ask("api/timeline", { from: Math.floor(begin), to: Math.ceil(end), step_ms: this.#step(asked) });
    if (!answer) return;
    page.store.series.clear(answer.step_ms);
    page.store.series.take(answer);
    page.changed();
    this.#stalls(from, to);
  }

  #step(minutes) {
    return Math.max(STEP_MS[minutes], this.page.roster.nodes.length > MANY_NODES ? COARSE_STEP_MS : 0);
  }

  /** Stalls and limits of the window, unless there are too many events to look through. */
  async #stalls(from, to) {
    const { page } = this;
    const { store } = page;
    const { series } = store;
    let sum = 0;
    for (let step = Math.max(series.first, Math.floor(from / series.stepMs)); step <= series.newest(to); step++) sum += series.count(step, ["lsm"]) || 0;
    if (sum > MAX_STORAGE_EVENTS) return;
    const isLive = page.time.isLive;
    const answer = await this.#strain.ask("api/history", { types: "lsm", from: Math.floor(from), to: Math.ceil(to) });
    if (!answer) return;
    const strain = store.strained(answer.batches, from);
    if (isLive) store.strain = strain;
    else page.pastStrain = strain;
    page.changed();
  }

  /** What the storage of `node` is at the page's instant. */
  async storage(node) {
    const { page } = this;
    const { time, store } = page;
    const isLive = time.isLive;
    if (!isLive && page.oldestAt !== undefined && time.instant < page.oldestAt + MARGIN_MS) {
      page.pastStorage = undefined;
      return;
    }
    // What is held stays, and what streams in meanwhile: the answer is older.
    const storage = !isLive ? new Storage(node) : store.storage?.node === node ? store.storage : store.look(node);
    const later = (error) => error.status !== 410 && setTimeout(() => page.selection.node === node && this.storage(node), STORAGE_RETRY_MS);
    const answer = await this.#storage.ask("api/state", { at: isLive ? undefined : Math.round(time.instant), nodes: node, types: "lsm,compaction,heat,cache" }, later);
    if (!answer) return;
    for (const event of answer.events) storage.fold(event, event.ts);
    if (!isLive) page.pastStorage = storage;
    page.changed();
  }
}
