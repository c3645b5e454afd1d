/**
 * When the page is drawn, and in which order its parts are: once a frame however much was heard, not at all when nothing is other.
 */
import { Attention } from "./attention.js";
import { Controls } from "./controls.js";
import { Detail } from "./detail.js";
import { byId, setAttribute, setHidden } from "./dom.js";
import { Empty } from "./empty.js";
import { Header } from "./header.js";
import { modelAt } from "./model.js";
import { Shards } from "./shards.js";
import { Speaker } from "./speaker.js";
import { Strips } from "./strips.js";
import { Tape } from "./tape.js";
import { watchTheme } from "./theme.js";

/** What streams in is drawn so often; what hands do, at once. */
const DATA_EVERY_MS = 200;
const TICK_MS = 100;
/** Header, tape, and what of the strips is no row. */
const FIXED_HEIGHT = 76 + 128 + 100;
/** Room of the lower half below which rows get lower first. */
const LOWER_MIN = 226;
/** More shards than this get a wider panel. */
const MANY_SHARDS = 48;
/** A step of playing; a tab that was hidden goes on from where it was. */
const MAX_STEP_MS = 1_000;

export class Scene {
  #frame;
  #soon;
  #drawnAt = -Infinity;
  #pixel;

  constructor(page) {
    this.page = page;
    this.speaker = new Speaker();
    this.header = new Header(page);
    this.strips = new Strips(page);
    this.shards = new Shards(page);
    this.detail = new Detail(page);
    this.attention = new Attention(page);
    this.tape = new Tape(page);
    this.controls = new Controls(page);
    this.empty = new Empty();
    watchTheme(() => this.invalidate());
    new ResizeObserver(() => this.invalidate()).observe(byId("page"));
    setInterval(() => this.#tick(), TICK_MS);
  }

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
    const draw = () => {
      this.#soon = undefined;
      this.invalidate();
    };
    this.#soon = setTimeout(draw, Math.max(0, this.#drawnAt + ms - performance.now()));
  }

  /** Time passes: draw when a plot moved by a pixel, or the clock by a second. */
  #tick() {
    const { time, place } = this.page;
    const perPixel = time.widthMs / (place?.width ?? 800);
    const pixel = `${Math.floor(time.now / perPixel)}/${Math.floor(time.now / 1_000)}`;
    if (pixel !== this.#pixel || time.isPlaying) this.invalidateIn(TICK_MS);
    this.#pixel = pixel;
  }

  #draw(now) {
    this.#frame = undefined;
    const { page } = this;
    const { time, store, roster } = page;
    if (time.isPlaying) {
      page.advance(Math.min(MAX_STEP_MS, now - this.#drawnAt));
      this.invalidate();
    }
    this.#drawnAt = now;
    if (roster.update(store.nodeIds(), (id) => store.coverage.name(id))) page.events.named();
    const modelOf = (at) => modelAt(store, roster, page.strain, at, page.oldestAt);
    const model = modelOf(time.isLive ? page.knownUntil() : time.at);
    page.readouts = time.hover === undefined ? undefined : modelOf(time.hover);
    page.lookAtWorst(model);
    this.#mode();
    const { said, announce } = this.speaker.say(model, page);
    this.header.draw(said, announce);
    this.empty.draw(page.isEmpty, page.stats);
    page.place = this.strips.measure(byId("page").clientHeight - FIXED_HEIGHT - LOWER_MIN, page.isPhone);
    setAttribute(byId("page"), "data-large", model.shards.length > MANY_SHARDS);
    if (!page.isEmpty) {
      for (const part of [this.strips, this.shards, this.detail, this.attention, page.events]) part.draw(model);
    }
    this.tape.draw(model, page.place);
    this.controls.draw();
  }

  /** One attribute says which state the page is in; styles and tests look at it. */
  #mode() {
    const { isRefused, time, isStale, isEmpty } = this.page;
    const mode = isRefused ? "refused" : !time.isLive ? "past" : isStale ? "stale" : isEmpty ? "empty" : "live";
    setAttribute(document.documentElement, "data-mode", mode);
    setAttribute(byId("page"), "data-past", !time.isLive);
    setAttribute(byId("page"), "data-empty", isEmpty);
    for (const id of ["strips", "shards", "detail", "attention", "events"]) setHidden(byId(id), isEmpty);
  }
}
