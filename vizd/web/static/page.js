/**
 * The page: what it knows, where in time it is, what is selected; and when its parts are drawn.
 */
import { Attention } from "./attention.js";
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { Detail } from "./detail.js";
import { byId, setAttribute, setHidden, setStyle } from "./dom.js";
import { Empty } from "./empty.js";
import { Events } from "./events.js";
import { Fetches } from "./fetches.js";
import { Header } from "./header.js";
import { modelAt } from "./model.js";
import { askForToken } from "./prompt.js";
import { Roster } from "./roster.js";
import { Shards } from "./shards.js";
import { Speaker } from "./speaker.js";
import { Store } from "./store.js";
import { Strips } from "./strips.js";
import { Tape } from "./tape.js";
import { readTheme, watchTheme } from "./theme.js";
import { Time } from "./time.js";
import { readUrl, writeUrl } from "./url.js";

const MAX_KBPS = "150";
/** What streams in is drawn so often; what hands do, at once. */
const DATA_EVERY_MS = 200;
const TICK_MS = 100;
const HOUR_MS = 3_600_000;
/** Room of the lower half below which rows get lower first. */
const LOWER_MIN = 226;
const STRIPS_AROUND = 100;
/** Another node takes the untouched panel over when its pressure is so much higher. */
const CLEARLY = 0.1;

export class Page {
  constructor() {
    this.time = new Time();
    this.store = new Store();
    this.roster = new Roster();
    this.selection = { node: undefined, shard: undefined };
    this.isChosen = false;
    this.degraded = [];
    this.fetches = new Fetches(this);
    this.speaker = new Speaker();
    this.header = new Header(this);
    this.strips = new Strips(this);
    this.shards = new Shards(this);
    this.detail = new Detail(this);
    this.attention = new Attention(this);
    this.events = new Events(this);
    this.tape = new Tape(this);
    this.controls = new Controls(this);
    this.empty = new Empty();
    this.#restore();
    watchTheme(() => this.invalidate());
    new ResizeObserver(() => this.invalidate()).observe(byId("page"));
    window.addEventListener("popstate", () => this.#restore());
    setInterval(() => this.#tick(), TICK_MS);
  }

  #frame;
  #drawnAt = -Infinity;
  #pixel;
  #url;
  #connection;

  /** Connect; again after a token was given. */
  async start() {
    const query = new URLSearchParams({ json: "true", max_kbps: MAX_KBPS, findings: "true" });
    const refused = () => this.#refused();
    // Names first: who led is told by who is a node.
    await this.fetches.coverageNow().catch((error) => error.status === 401 && refused());
    this.#connection?.close();
    this.#connection = new Connection(query, { message: (message, heardMs) => this.#hear(message, heardMs), status: () => this.#status() });
    if (this.isRefused) return;
    this.#connection.open();
    this.fetches.start(refused);
    this.events.start();
  }

  tryNow() {
    this.#connection.open();
    this.invalidate();
  }

  // What the parts ask.

  get isStale() {
    return this.#connection?.isStale ?? false;
  }

  get connection() {
    return this.#connection;
  }

  get isPhone() {
    return innerWidth < 720;
  }

  /** When the daemon was heard last, by its own time. */
  get heardAt() {
    return this.time.now - (performance.now() - (this.#connection?.heardAt ?? 0));
  }

  get strain() {
    return this.time.isLive ? this.store.strain : (this.pastStrain ?? this.store.strain);
  }

  get storage() {
    return this.time.isLive ? this.store.storage : this.pastStorage;
  }

  get isEmpty() {
    return this.roster.nodes.length === 0 && this.stats?.total_events_received === 0;
  }

  /** When the buffer begins, if the page stands before it. */
  get before() {
    return !this.time.isLive && this.time.instant < this.oldestAt ? this.oldestAt : undefined;
  }

  /** Up to when anything is known. */
  knownUntil() {
    return this.isStale ? this.heardAt : this.time.now;
  }

  /** [from, to) of the tape: an hour, or as many as the buffer has. */
  bufferRange() {
    const { now } = this.time;
    const hours = Math.max(1, Math.ceil((now - (this.oldestAt ?? now)) / HOUR_MS - 0.1));
    const to = Math.ceil(now / 1_000) * 1_000;
    return [to - hours * HOUR_MS, to];
  }

  short(node) {
    return this.roster.short(node);
  }

  noStall() {
    const minutes = Math.max(1, Math.round((this.time.now - Math.max(this.oldestAt ?? 0, this.time.now - this.time.widthMs)) / 60_000));
    return `no stall in ${minutes} min`;
  }

  /** Chosen, or the one with the worst pressure; it changes only for a clearly worse one. */
  detailNode() {
    return this.selection.node;
  }

  // What hands do.

  select({ node, shard }) {
    const isSame = node === undefined ? shard === this.selection.shard : this.isChosen && node === this.selection.node && this.selection.shard === undefined;
    if (shard !== undefined) this.selection.shard = isSame ? undefined : shard;
    if (node !== undefined) {
      this.selection = { node, shard: undefined };
      this.isChosen = !isSame;
      this.fetches.storage(node);
    }
    this.remember();
    this.invalidate();
  }

  point(node) {
    this.pointedNode = node;
    this.invalidate();
  }

  hover(at) {
    if (this.time.hover === at) return;
    this.time.hover = at;
    this.invalidate();
  }

  goTo(at) {
    if (!Number.isFinite(at)) return;
    this.time.isPlaying = false;
    this.time.goTo(at);
    this.#moved();
  }

  goLive() {
    if (this.time.isLive) return;
    this.time.goLive();
    this.#moved();
  }

  play(speed) {
    this.time.play(speed);
    this.invalidate();
  }

  togglePlay() {
    const { time } = this;
    if (time.isLive || time.isPlaying) {
      time.hold();
      this.#moved();
    } else this.play();
  }

  toChange(sign) {
    const change = this.store.story.next(sign > 0 ? this.time.at + 1 : this.time.at - 1, sign);
    if (change) this.goTo(change.at);
    else if (sign > 0) this.goLive();
  }

  setWindow(minutes) {
    this.time.minutes = minutes;
    this.fetches.window();
    this.remember();
    this.invalidate();
  }

  /** Esc: what is open first, then back to live. */
  close() {
    if (this.selection.shard !== undefined) this.selection.shard = undefined;
    else if (!this.time.isLive) return this.goLive();
    else this.isChosen = false;
    this.remember();
    this.invalidate();
  }

  /** Keep the page's state in its address. */
  remember() {
    const { time, selection, events } = this;
    const search = writeUrl({ at: time.instant, minutes: time.minutes, node: this.isChosen ? selection.node : undefined, shard: selection.shard, types: events.types, text: events.text });
    if (search === this.#url) return;
    this.#url = search;
    // A browser allows only so many a second: while dragging, the last one counts.
    clearTimeout(this.#rememberTimer);
    this.#rememberTimer = setTimeout(() => history.replaceState(null, "", search || location.pathname), 200);
  }

  #rememberTimer;

  #restore() {
    const { at, minutes, node, shard, types, text } = readUrl(location.search);
    if (minutes) this.time.minutes = minutes;
    if (at !== undefined) this.time.instant = at;
    this.selection = { node, shard };
    this.isChosen = node !== undefined;
    this.events.restore({ types, text });
    this.invalidate();
  }

  #moved() {
    if (this.#wasLive !== this.time.isLive) {
      this.#wasLive = this.time.isLive;
      this.#connection?.send({ type: this.time.isLive ? "resume" : "pause" });
    }
    this.pastStrain = undefined;
    clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(() => this.#settle(), this.time.isLive ? 0 : 120);
    this.events.moved();
    this.remember();
    this.invalidate();
  }

  #wasLive = true;
  #settleTimer;

  /** The hand rests: ask for what belongs to this instant. */
  #settle() {
    this.fetches.window();
    if (this.selection.node !== undefined) this.fetches.storage(this.selection.node);
    this.invalidate();
  }

  // What the daemon says.

  #hear(message, heardMs) {
    switch (message.type) {
      case "connected":
        this.time.tell(message.server_time_ms, heardMs);
        if (message.oldest_timestamp_ms !== null) this.oldestAt = message.oldest_timestamp_ms;
        if (!this.time.isLive) this.#connection.send({ type: "pause" });
        if (!this.isTold) this.fetches.again();
        if (!this.time.isLive) this.#settle();
        break;
      case "pong":
        this.time.tell(message.timestamp_ms + (this.#connection.roundTripMs ?? 0) / 2, heardMs);
        break;
      case "batch":
        this.oldestAt ??= message.data.window_start;
        this.#batch(message);
        break;
      case "gap":
        if (message.reason === "restart") {
          this.store.forget();
          this.oldestAt = undefined;
          this.isTold = false;
        }
        this.fetches.again();
        break;
      case "finding":
        this.store.findings.update(message);
        break;
    }
    this.changed();
  }

  #batch(message) {
    const changed = this.store.batch(message);
    if (!changed.length || message.snapshot) return;
    this.shards.flash(changed);
  }

  #status() {
    const { isStale } = this;
    if (isStale !== document.documentElement.hasAttribute("data-stale")) {
      document.documentElement.toggleAttribute("data-stale", isStale);
      readTheme();
      if (!isStale) this.fetches.again();
    }
    this.invalidate();
  }

  #refused() {
    this.isRefused = true;
    this.#connection?.close();
    this.invalidate();
    askForToken(() => {
      this.isRefused = false;
      this.start();
    });
  }

  // Drawing.

  /** Draw with the next frame: a hand waits for it. */
  invalidate() {
    this.#frame ??= requestAnimationFrame((now) => this.#draw(now));
  }

  /** What is known is other: drawn soon, with what else comes until then. */
  changed() {
    this.invalidateIn(DATA_EVERY_MS);
  }

  /** Draw no sooner than `ms` after the last time. */
  invalidateIn(ms) {
    if (this.#frame !== undefined || this.#soon !== undefined) return;
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      this.invalidate();
    }, Math.max(0, this.#drawnAt + ms - performance.now()));
  }

  #soon;

  /** Time passes: draw when a plot moved by a pixel, or the clock by a second. */
  #tick() {
    const { time } = this;
    const perPixel = time.widthMs / (this.place?.width ?? 800);
    const pixel = `${Math.floor(time.now / perPixel)}/${Math.floor(time.now / 1_000)}`;
    if (pixel !== this.#pixel || time.isPlaying) this.invalidateIn(TICK_MS);
    this.#pixel = pixel;
  }

  #draw(now) {
    this.#frame = undefined;
    if (this.time.isPlaying) {
      const isMoved = this.time.advance(Math.min(1_000, now - this.#drawnAt));
      if (isMoved && this.time.isLive) this.#moved();
      this.invalidate();
    }
    this.#drawnAt = now;
    const { time, store } = this;
    this.roster.update(store.nodeIds(), (id) => store.coverage.name(id));
    const model = modelAt(store, this.roster, this.strain, time.isLive ? this.knownUntil() : time.at, this.oldestAt);
    this.readouts = time.hover === undefined ? undefined : modelAt(store, this.roster, this.strain, time.hover, this.oldestAt);
    this.#lookAtWorst(model);
    this.#mode(model);
    const { said, announce } = this.speaker.say(model, this);
    this.header.draw(said, announce);
    this.empty.draw(this.isEmpty, this.stats);
    this.place = this.strips.measure(this.#room(), this.isPhone);
    setAttribute(byId("page"), "data-large", model.shards.length > 96);
    if (!this.isEmpty) {
      this.strips.draw(model);
      this.shards.draw(model);
      this.detail.draw(model);
      this.attention.draw(model);
      this.events.draw();
    }
    this.tape.draw(model, this.place);
    this.controls.draw();
  }

  /** Height that the strips' rows may take, so that the whole page needs no scrolling. */
  #room() {
    const fixed = 76 + 128 + STRIPS_AROUND;
    return byId("page").clientHeight - fixed - LOWER_MIN;
  }

  #lookAtWorst(model) {
    if (this.isChosen && model.byNode.has(this.selection.node)) {
      if (this.storage === undefined && !this.#isAsked) this.#askStorage(this.selection.node);
      return;
    }
    const shown = model.byNode.get(this.selection.node);
    const pressure = (node) => (Number.isNaN(node.pressure) ? -1 : node.pressure) + (node.stall ? 0.2 : 0);
    const worst = model.nodes.reduce((one, other) => (!one || pressure(other) > pressure(one) ? other : one), undefined);
    if (!worst || (shown && pressure(worst) <= pressure(shown) + CLEARLY)) return;
    this.selection.node = worst.id;
    this.#askStorage(worst.id);
  }

  #isAsked = false;
  #askStorage(node) {
    this.#isAsked = true;
    this.fetches.storage(node);
  }

  #mode() {
    const { time, isStale, isEmpty } = this;
    const mode = this.isRefused ? "refused" : !time.isLive ? "past" : isStale ? "stale" : isEmpty ? "empty" : "live";
    setAttribute(document.documentElement, "data-mode", mode);
    setAttribute(byId("page"), "data-past", !time.isLive);
    setAttribute(byId("page"), "data-empty", isEmpty);
    for (const id of ["strips", "shards", "detail", "attention", "events"]) setHidden(byId(id), isEmpty);
    setStyle(document.body, "overflowX", "hidden");
  }
}
