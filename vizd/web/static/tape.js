/**
 * The whole buffer under the strips: rare events as ticks, where data is missing, events a second; and the window,
 * which is dragged.
 */
import { byId, element, pool, setAttribute, setHidden, setLabels, setStyle, setText } from "./dom.js";
import { hatch, prepare } from "./draw.js";
import { formatClock } from "./numbers.js";
import { theme } from "./theme.js";
import { ticks } from "./ticks.js";

const LANES = { Swim: 12, Raft: 26, Shard: 40 };
const DATA = 58;
const RATE = [68, 101];
const HEIGHT = 102;
const DECADES = 4;
const SWIM_COLOURS = { suspect: "amber", dead: "red" };

export class Tape {
  constructor(page) {
    this.page = page;
    this.node = byId("tape-plot");
    this.canvas = byId("tape-canvas");
    this.#labels();
    this.#listen();
  }

  draw(model, place) {
    const { page } = this;
    const { time, store, isPhone } = page;
    const width = (this.width = isPhone ? this.node.clientWidth : place.width);
    const height = isPhone ? 54 : HEIGHT;
    const [from, to] = page.bufferRange();
    this.shown = { from, to };
    const scale = (this.scale = (at) => ((at - from) / (to - from)) * width);
    const context = prepare(this.canvas, width, height);
    const isNothing = page.isEmpty;
    setHidden(byId("tape-note"), !isNothing && !page.before);
    setText(byId("tape-note"), page.before ? `Nothing is stored before ${formatClock(page.before)}.` : "nothing stored yet");
    if (isNothing) hatch(context, 0, 0, width, height - 1, theme.line, 6);
    else {
      const begin = scale(page.oldestAt ?? from);
      if (begin > 2) hatch(context, 0, 0, begin, height - 1, theme.line, 6);
      this.#paintRate(context, scale, isPhone ? [22, 53] : RATE);
      if (!isPhone) this.#paintData(context, scale, width);
      this.#paintTicks(context, scale, isPhone);
      this.#paintWindow(context, scale, width, height);
    }
    context.fillStyle = theme.line2;
    context.fillRect(0, height - 1, width, 1);
    this.#paintHover(context, scale, height);
    this.#drawText(scale, width, isNothing);
  }

  #paintTicks(context, scale, isPhone) {
    const { story } = this.page.store;
    const width = this.width;
    if (!isPhone) {
      context.fillStyle = theme.line;
      const begin = Math.max(0, scale(this.page.oldestAt ?? this.shown.from));
      for (const y of Object.values(LANES)) context.fillRect(begin, y + 10, width - begin, 1);
    }
    const order = { undefined: 0, amber: 1, red: 2 };
    for (const type of Object.keys(LANES)) {
      const columns = new Map();
      for (const each of story.changes) {
        if (each.type !== type) continue;
        const x = Math.round(scale(each.at));
        const colour = type === "Swim" ? SWIM_COLOURS[each.status] : undefined;
        if (!columns.has(x) || order[colour] > order[columns.get(x)]) columns.set(x, colour);
      }
      if (isPhone && type === "Shard") continue;
      for (const [x, colour] of columns) {
        if (x < 0 || x > width) continue;
        context.fillStyle = theme[colour ?? "mark"];
        context.fillRect(Math.min(x, width - 2), isPhone ? (type === "Swim" ? 6 : 16) : LANES[type], 2, isPhone ? 8 : 10);
      }
    }
  }

  #paintData(context, scale, width) {
    const { store } = this.page;
    const [from, to] = [this.shown.from, this.page.knownUntil()];
    const begin = Math.max(from, this.page.oldestAt ?? from);
    context.fillStyle = theme.base;
    context.fillRect(scale(begin), DATA - 1, scale(to) - scale(begin), 2);
    const holes = new Map();
    for (const node of store.coverage.nodes.keys()) {
      const spans = [...store.coverage.holes(node, begin, to), ...store.coverage.losses(node, begin, to).map((each) => [each.from_ms, each.to_ms])];
      const seen = new Set();
      for (const [first, last] of spans) for (let x = Math.floor(scale(first) / 3); x * 3 < Math.min(scale(last), width); x++) seen.add(x);
      for (const x of seen) holes.set(x, (holes.get(x) ?? 0) + 1);
    }
    const count = store.coverage.nodes.size;
    for (const [x, missing] of holes) {
      const height = 3 + Math.round((7 * missing) / count);
      context.fillStyle = theme.bg;
      context.fillRect(x * 3, DATA - 5, 3, 10);
      hatch(context, x * 3, DATA - Math.ceil(height / 2), 3, height, theme.mark, 4, 1.5);
    }
    if (this.page.isStale) hatch(context, scale(to), 2, width - scale(to), HEIGHT - 3, theme.hatch);
  }

  #paintRate(context, scale, [top, bottom]) {
    const { tape } = this.page.store;
    const perSecond = (step) => (tape.count(step) / tape.stepMs) * 1_000;
    let most = 1;
    for (let step = tape.first; step < tape.behind; step++) most = Math.max(most, perSecond(step) || 0);
    this.decade = Math.max(DECADES, Math.floor(Math.log10(most)) + 1);
    const toY = (rate) => bottom - (Math.max(0, Math.log10(Math.max(1, rate)) - (this.decade - DECADES)) / DECADES) * (bottom - top);
    const until = Math.min(this.page.knownUntil(), this.shown.to);
    const stepPx = scale(tape.stepMs) - scale(0);
    let points = [];
    const paint = () => {
      if (!points.length) return;
      context.beginPath();
      context.moveTo(points[0][0], bottom);
      for (const [x, y] of points) context.lineTo(x, y);
      context.lineTo(points[points.length - 1][0], bottom);
      context.fillStyle = theme.fill;
      context.fill();
      context.beginPath();
      for (const [x, y] of points) context.lineTo(x, y);
      context.strokeStyle = theme.base;
      context.lineWidth = 1;
      context.stroke();
      points = [];
    };
    // The newest step is not over: its rate would seem to fall.
    for (let step = tape.first; step < tape.behind && step * tape.stepMs < until; step++) {
      const isPart = (step + 1) * tape.stepMs > until - 2_000;
      const rate = isPart ? perSecond(step - 1) : perSecond(step);
      if (Number.isNaN(rate)) paint();
      else {
        const x = Math.max(0, scale(step * tape.stepMs));
        points.push([x, toY(rate)], [Math.min(scale(step * tape.stepMs) + stepPx, scale(until)), toY(rate)]);
      }
    }
    paint();
    this.toY = toY;
  }

  #paintWindow(context, scale, width, height) {
    const { time } = this.page;
    const [from, to] = time.range(this.page.place.width);
    const [x, end] = [Math.max(0, Math.round(scale(from))), Math.min(width, Math.round(scale(to)))];
    context.globalAlpha = 0.12;
    context.fillStyle = theme.mark;
    context.fillRect(x, 4, end - x, height - 4);
    context.globalAlpha = 1;
    context.strokeStyle = theme.text;
    context.lineWidth = 1.5;
    context.strokeRect(x + 0.75, 4.75, Math.max(3, end - x - 1.5), height - 6);
    const at = Math.round(scale(time.at));
    context.fillStyle = time.isLive ? theme.text : theme.inv;
    if (!time.isLive) context.fillRect(at - 1, 2, 2, height);
    context.fillRect(Math.min(at - 5, width - 10), 1, 10, 6);
  }

  #paintHover(context, scale, height) {
    const { hover } = this.page.time;
    if (hover === undefined) return;
    context.fillStyle = theme.text;
    context.fillRect(Math.round(scale(hover)), 0, 1, height);
  }

  #drawText(scale, width, isNothing) {
    const { page } = this;
    const { from, to } = this.shown;
    const { time, store } = page;
    const left = page.isPhone ? 0 : page.place.x;
    const labels = ticks(from, to, page.isPhone ? 3 : 7).filter(({ at }) => scale(at) > 14 && scale(at) < width - 52);
    setLabels(byId("tape-axis"), [...labels.map(({ at, text }) => ({ x: left + scale(at), text })), { x: left + width, text: "now", className: "end" }]);
    const marks = isNothing || page.isPhone ? [] : [this.decade, this.decade - 2].filter((each) => each > 0);
    const spans = pool(byId("tape-scale"), marks.length, () => element("span"));
    marks.forEach((decade, index) => {
      setText(spans[index], ["1", "10", "100", "1 k", "10 k", "100 k", "1 M", "10 M"][decade] ?? `10^${decade}`);
      setStyle(spans[index], "top", `${Math.round(this.toY(10 ** decade)) - 1}px`);
    });
    setStyle(byId("tape-scale"), "left", `${page.place.x + width + 33}px`);
    for (const label of byId("tape-labels").children) {
      const { lane } = label.dataset;
      const isUnseen = lane in store.story.seen && !store.story.seen[lane] && !isNothing && page.isTold;
      setText(label, isUnseen ? `${lane}: never seen` : lane);
    }
    setAttribute(this.node, "aria-valuemax", String(Math.round((to - from) / 1_000)));
    setAttribute(this.node, "aria-valuenow", String(Math.max(0, Math.round((time.at - from) / 1_000))));
    setAttribute(this.node, "aria-valuetext", time.isLive ? `live, ${formatClock(time.at)}` : formatClock(time.at));
  }

  #labels() {
    const places = { Swim: 17, Raft: 31, Shard: 45, data: 59, "events/s": 79 };
    for (const [lane, y] of Object.entries(places)) {
      const label = byId("tape-labels").appendChild(element("span", "", lane, { "data-lane": lane }));
      label.style.top = `${y - 5}px`;
    }
  }

  #listen() {
    const { page, node } = this;
    const at = (event) => {
      const x = event.clientX - node.getBoundingClientRect().left;
      return this.shown.from + (Math.max(0, Math.min(this.width, x)) / this.width) * (this.shown.to - this.shown.from);
    };
    const go = (event) => {
      const instant = at(event);
      if (instant >= page.time.now - ((this.shown.to - this.shown.from) / this.width) * 2) page.goLive();
      else page.goTo(instant);
    };
    node.addEventListener("pointerdown", (event) => {
      if (!this.shown || page.isEmpty || event.button) return;
      node.setPointerCapture(event.pointerId);
      this.isDragging = true;
      go(event);
    });
    node.addEventListener("pointermove", (event) => {
      if (this.isDragging) go(event);
      else if (event.pointerType === "mouse" && this.shown) page.hover(at(event));
    });
    for (const name of ["pointerup", "pointercancel"]) node.addEventListener(name, () => (this.isDragging = false));
    node.addEventListener("pointerleave", () => page.hover(undefined));
  }
}
