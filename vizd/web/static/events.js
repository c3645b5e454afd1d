/**
 * A window onto the stream, filtered by the daemon: the newest before the page's instant, repeats as one row.
 */
import { Latest } from "./api.js";
import { Connection } from "./connection.js";
import { byId, element, pool, setAttribute, setHidden, setText } from "./dom.js";
import { EventList } from "./eventlist.js";
import { DEFAULT_TYPES, EVENT_TYPES, filterFields, parseFilter } from "./filter.js";
import { formatClock, formatCount, formatEventClock } from "./numbers.js";
import { placed } from "./store.js";

const ROW = 18;
const REFRESH_MS = 250;
/** What is asked of the past at once; by the timeline's counts this decides how far back it reaches. */
const BACKLOG_EVENTS = 1_500;
const MAX_BACK_MS = 60 * 60_000;
const MAX_KBPS = "100";
const PHONE_ROWS = 12;
/** The budget left some out; said for so long, or it would blink. */
const SAMPLED_MS = 3_000;

export class Events {
  #latest = new Latest();
  #drawnAt = -Infinity;
  #connection;
  #askedAt;

  constructor(page) {
    this.page = page;
    this.types = new Set(DEFAULT_TYPES);
    this.text = "";
    this.list = new EventList((node) => page.short(node));
    this.rows = byId("event-rows");
    this.isHeld = false;
    this.sampledAt = -Infinity;
    this.#listen();
  }

  /** Begin: the live stream of what the filter lets pass. */
  start() {
    const query = new URLSearchParams({ json: "true", state: "false", max_kbps: MAX_KBPS });
    const { types, nodes, shards } = this.#fields();
    if (types.length) query.set("types", types.join());
    if (nodes.length) query.set("nodes", nodes.join());
    if (shards.length) query.set("shards", shards.join());
    this.#connection?.close();
    this.#connection = new Connection(query, { message: (message) => this.#hear(message), status: () => {} });
    this.#connection.open();
    this.refill();
  }

  /** The filter, as given in the URL. */
  restore({ types, text }) {
    if (types) this.types = new Set(types.filter((each) => EVENT_TYPES.some(([name]) => name === each)));
    this.text = text ?? "";
    byId("filter").value = this.text;
    this.#markTypes();
  }

  setTypes(types) {
    this.types = new Set(types);
    this.#markTypes();
    this.#changed();
  }

  /** There are other nodes, or other names: the filter's words may mean something else. */
  named() {
    if (this.text && this.#connection) this.#changed();
  }

  /** Read again what came before the page's instant. */
  async refill() {
    const { time, store } = this.page;
    const { types, nodes, shards, unknown } = this.#fields();
    this.#askedAt = time.at;
    if (!types.length || unknown.length) {
      this.list.clear();
      this.page.invalidate();
      return;
    }
    const to = Math.ceil(time.at) + 1;
    const from = backlogFrom(store, types, to);
    const answer = await this.#latest.ask("api/history", { types: types.join(), nodes: nodes.join(), shards: shards.join(), from, to, limit: BACKLOG_EVENTS * 2 });
    if (!answer) return;
    this.list.clear();
    for (const each of answer.batches) for (const event of each.events) this.list.add(event, placed(event.ts, each.window_start, each.window_end));
    this.page.invalidate();
  }

  /** The page's instant moved. */
  moved() {
    const { time } = this.page;
    this.#connection?.send({ type: time.isLive ? "resume" : "pause" });
    this.#later();
  }

  draw() {
    const { page } = this;
    const { time } = page;
    const now = performance.now();
    if (this.isHeld && time.isLive && !page.isStale) return;
    if (now - this.#drawnAt < REFRESH_MS && time.isLive) {
      page.scene.invalidateIn(REFRESH_MS);
      return;
    }
    this.#drawnAt = now;
    if (time.isPlaying && Math.abs(time.at - this.#askedAt) > 2_000) this.refill();
    const room = page.isPhone ? PHONE_ROWS : Math.max(1, Math.floor(this.rows.clientHeight / ROW));
    const longest = Math.max(3, ...page.roster.nodes.map((each) => each.short.length));
    this.rows.style.setProperty("--subject", `${Math.min(72, longest * 8 + 8)}px`);
    const shown = this.list.shown(time.isLive ? Infinity : time.at, room);
    const lines = pool(this.rows, shown.length, () => element("li", "", ["time", "type", "subject", "said", "value"].map((name) => element("span", name))));
    shown.forEach((row, index) => {
      const [when, type, subject, said, value] = lines[index].children;
      setText(when, formatEventClock(row.at));
      setText(type, row.type);
      setText(subject, row.subject);
      setText(said, row.text);
      setText(value, row.count > 1 ? `×${formatCount(row.count)}` : row.value);
    });
    const isSampled = now - this.sampledAt < SAMPLED_MS;
    setText(byId("events-note"), time.isLive ? (isSampled ? "newest first, sampled" : "newest first") : `up to ${formatClock(time.at)}`);
    setHidden(byId("event-none"), shown.length > 0);
    setText(byId("event-none").firstElementChild, "No event matches.");
  }

  #fields() {
    const { nodes, shards, unknown } = parseFilter(this.text, this.page.roster.nodes);
    return { ...filterFields(this.types, { nodes, shards }), unknown };
  }

  #hear(message) {
    if (message.type !== "batch" || message.snapshot || message.history || !this.page.time.isLive || this.#fields().unknown.length) return;
    const { events, window_start: start, window_end: end } = message.data;
    if (message.of > message.sent) this.sampledAt = performance.now();
    for (const event of events) {
      const at = placed(event.ts, start, end);
      this.list.add(event, at);
    }
    this.page.changed();
  }

  #changed() {
    const { types, nodes, shards, unknown } = this.#fields();
    if (types.length && !unknown.length) this.#connection?.send({ type: "filter", types, nodes, shards });
    this.#connection?.query.set("types", types.join());
    this.list.clear();
    this.refill();
    this.page.remember();
    this.page.invalidate();
  }

  #timer;
  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refill(), 150);
  }

  #markTypes() {
    for (const button of byId("types").children) setAttribute(button, "aria-pressed", this.types.has(button.dataset.type));
  }

  #listen() {
    for (const [name, label] of EVENT_TYPES) {
      const button = byId("types").appendChild(element("button", "", label, { type: "button", "data-type": name }));
      button.addEventListener("click", () => {
        if (!this.types.delete(name)) this.types.add(name);
        this.#markTypes();
        this.#changed();
      });
    }
    this.#markTypes();
    const input = byId("filter");
    let wait;
    input.addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(() => {
        this.text = input.value;
        this.#changed();
      }, 200);
    });
    byId("event-none").querySelector("button").addEventListener("click", () => {
      input.value = this.text = "";
      this.setTypes(DEFAULT_TYPES);
      this.page.invalidate();
    });
    this.rows.addEventListener("pointerenter", () => this.#hold(true));
    this.rows.addEventListener("pointerleave", () => this.#hold(false));
  }

  #hold(isHeld) {
    setText(byId("events-note"), isHeld && this.page.time.isLive ? "held" : "newest first");
    this.isHeld = isHeld;
    this.page.invalidate();
  }
}

/** How far back one may ask without being told more than can be shown, by the tape's counts. */
function backlogFrom({ tape, series }, types, to) {
  for (const source of [series, tape]) {
    let sum = 0;
    for (let step = source.newest(to); step >= source.first; step--) {
      const count = source.count(step, types);
      if (!Number.isNaN(count)) sum += count;
      if (sum > BACKLOG_EVENTS) return Math.max(step * source.stepMs, to - MAX_BACK_MS);
    }
  }
  return Math.max(to - MAX_BACK_MS, 0);
}
