/**
 * The page: what it knows, where in time it is, what is selected; and when its parts are drawn.
 */
import { Events } from "./events.js";
import { Fetches } from "./fetches.js";
import { Hearing } from "./hearing.js";
import { Roster } from "./roster.js";
import { Scene } from "./scene.js";
import { Store } from "./store.js";
import { Time } from "./time.js";
import { readUrl, writeUrl } from "./url.js";

const HOUR_MS = 3_600_000;
/** Less of another hour is a buffer that is trimmed in pieces. */
const PART_OF_HOUR = 0.1;
/** Another node takes the untouched panel over when its pressure is so much higher. */
const CLEARLY = 0.1;
const PHONE_WIDTH = 720;
/** While the hand still moves, nothing is asked of the daemon. */
const SETTLES_MS = 120;
/** Browsers allow only so many changes of the address: while dragging, the last one counts. */
const REMEMBERS_MS = 200;

export class Page {
  constructor() {
    this.time = new Time();
    this.store = new Store();
    this.roster = new Roster();
    this.selection = { node: undefined, shard: undefined };
    this.isChosen = false;
    this.degraded = [];
    this.fetches = new Fetches(this);
    this.hearing = new Hearing(this);
    this.events = new Events(this);
    this.scene = new Scene(this);
    this.#restore();
    window.addEventListener("popstate", () => this.#restore());
  }

  #url;
  #rememberTimer;
  #settleTimer;
  #wasLive = true;
  #isAsked = false;

  /** Connect. */
  start() {
    this.hearing.start();
  }

  tryNow() {
    this.connection?.open();
    this.invalidate();
  }

  invalidate() {
    this.scene?.invalidate();
  }

  changed() {
    this.scene.changed();
  }

  // What the parts ask.

  get isStale() {
    return this.connection?.isStale ?? false;
  }

  get connection() {
    return this.hearing.connection;
  }

  get isPhone() {
    return innerWidth < PHONE_WIDTH;
  }

  /** When the daemon was heard last, by its own time. */
  get heardAt() {
    return this.time.now - (performance.now() - (this.connection?.heardAt ?? 0));
  }

  /** Of the instant, as far as it is held. */
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
    const hours = Math.max(1, Math.ceil((now - (this.oldestAt ?? now)) / HOUR_MS - PART_OF_HOUR));
    const to = Math.ceil(now / 1_000) * 1_000;
    return [to - hours * HOUR_MS, to];
  }

  short(node) {
    return this.roster.short(node);
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
    clearTimeout(this.#rememberTimer);
    this.#rememberTimer = setTimeout(() => history.replaceState(null, "", search || location.pathname), REMEMBERS_MS);
  }

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
      this.connection?.send({ type: this.time.isLive ? "resume" : "pause" });
    }
    this.pastStrain = undefined;
    clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(() => this.settle(), this.time.isLive ? 0 : SETTLES_MS);
    this.events.moved();
    this.remember();
    this.invalidate();
  }

  /** The hand rests: ask for what belongs to this instant. */
  settle() {
    this.fetches.window();
    if (this.selection.node !== undefined) this.fetches.storage(this.selection.node);
    this.invalidate();
  }

  /** Let time pass while it plays. */
  advance(ms) {
    if (this.time.advance(ms) && this.time.isLive) this.#moved();
  }

  /** The detail panel is of the chosen node, or of the one with the worst pressure. */
  lookAtWorst(model) {
    const { selection } = this;
    if (this.isChosen && model.byNode.has(selection.node)) {
      if (this.storage === undefined && !this.#isAsked) this.#lookAt(selection.node);
      return;
    }
    const shown = model.byNode.get(selection.node);
    const pressure = (node) => (Number.isNaN(node.pressure) ? -1 : node.pressure) + (node.stall ? CLEARLY * 2 : 0);
    const worst = model.nodes.reduce((one, other) => (!one || pressure(other) > pressure(one) ? other : one), undefined);
    // In the past one looks at something: it stays.
    if (!worst || (shown && !this.time.isLive) || (shown && pressure(worst) <= pressure(shown) + CLEARLY)) return;
    selection.node = worst.id;
    this.#lookAt(worst.id);
  }

  #lookAt(node) {
    this.#isAsked = true;
    this.fetches.storage(node);
  }
}
