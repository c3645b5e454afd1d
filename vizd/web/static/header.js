/**
 * The verdict, said once above everything; what it rests on; the clock.
 */
import { byId, glyph, setAttribute, setHidden, setPieces, setText } from "./dom.js";
import { formatClock, formatCount, formatDuration, formatZone } from "./numbers.js";

export class Header {
  constructor(page) {
    this.page = page;
    byId("header-button").addEventListener("click", () => (page.time.isLive ? page.tryNow() : page.goLive()));
  }

  /** @param {{glyph: string, first: string, rest: string, second: [string, string][], title: string}} said */
  draw(said, announce) {
    const { page } = this;
    const { time, isStale } = page;
    setPieces(byId("verdict-glyph"), [["glyph", said.glyph]]);
    setPieces(byId("verdict-text"), [["first", said.first], ["", said.rest]]);
    setAttribute(byId("verdict-text"), "title", `${said.first}${said.rest}`);
    setPieces(byId("second"), said.second);
    if (document.title !== said.title) document.title = said.title;
    if (announce) setText(byId("announce"), `${said.first}${said.rest}`);
    const isPast = !time.isLive;
    const clock = byId("clock");
    const isWithout = page.isRefused || !time.isKnown;
    setHidden(byId("live-dot"), isPast || isWithout);
    setText(byId("live-word"), isPast || isWithout ? "" : isStale ? "No data" : "Live");
    setText(clock, (isStale && !isPast) || isWithout ? "" : formatClock(time.at));
    setAttribute(clock, "datetime", new Date(time.at).toISOString());
    // Names of zones are slow to make, and change with the season at most.
    clock.title ||= formatZone(time.at);
    const button = byId("header-button");
    setHidden(button, !isPast && !isStale);
    setPieces(button, isPast ? [["", "Live "], ["hint", "Esc"]] : [["", "Try now"]]);
    const rate = this.#rate();
    const since = page.heardAt;
    setText(
      byId("rate"),
      isPast ? `the past, ${formatDuration(Math.max(0, time.now - time.at))} ago`
        : isStale ? `since ${formatClock(since)}, ${formatDuration(Math.max(0, time.now - since))}`
          : isWithout ? "" : `${formatCount(Math.round(rate))} events/s`,
    );
  }

  /** The last that was known, while the next is late. */
  #rate() {
    const { page } = this;
    const rate = page.isEmpty ? 0 : page.store.rate(page.time.at);
    if (!Number.isNaN(rate)) this.#lastRate = rate;
    setAttribute(byId("rate"), "class", Number.isNaN(rate) && page.time.isLive ? "faint" : "");
    return this.#lastRate;
  }

  #lastRate = NaN;
}
