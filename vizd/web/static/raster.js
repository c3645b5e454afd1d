/**
 * Many nodes: the few in trouble as rows, and all of them in order as a picture of two pixels a node.
 */
import { byId, element, pool, setAttribute, setPieces, setStyle } from "./dom.js";
import { dotted } from "./draw.js";
import { isOverLimit, trouble } from "./model.js";
import { theme } from "./theme.js";

const MAX_ROWS = 4;
/** A row stays so long after its trouble is over, so that rows do not jump. */
const STAYS_MS = 60_000;
const MAX_HEIGHT = 200;
const LABEL_EVERY = 14;
/** Up to so many, as many names as fit; beyond, every twentieth. */
const FEW_NODES = 40;
const WORDS = { nodata: "no data" };
const FSYNC_LIMIT_MS = 100;

export class Raster {
  constructor(page) {
    this.page = page;
    this.node = byId("raster");
    this.troubledAt = new Map();
    this.heat = document.createElement("canvas");
    this.labels = this.node.appendChild(element("div", "raster-labels", undefined, { "aria-hidden": "true" }));
    this.callouts = this.node.appendChild(element("div", "raster-callouts"));
    this.#listen();
  }

  /** Up to four nodes: worst first, those whose trouble was over less than a minute ago too, and the selected one. */
  troubled(model) {
    const now = performance.now();
    for (const node of model.nodes) if (trouble(node)) this.troubledAt.set(node.id, now);
    for (const [id, at] of this.troubledAt) if (now - at > STAYS_MS || !model.byNode.has(id)) this.troubledAt.delete(id);
    const { node: selected } = this.page.selection;
    const all = model.nodes.filter((node) => this.troubledAt.has(node.id)).sort((one, other) => trouble(other) - trouble(one));
    const some = all.slice(0, MAX_ROWS);
    if (model.byNode.has(selected) && !some.some((node) => node.id === selected)) {
      if (some.length === MAX_ROWS) some.pop();
      some.push(model.byNode.get(selected));
    }
    return some;
  }

  /** Nodes a band, and its height: two pixels a node, more where there is room, bands where there is none. */
  height(count, room) {
    const most = Math.max(48, Math.min(MAX_HEIGHT, room));
    this.perBand = Math.ceil(count / Math.floor(most / 2));
    const bands = Math.ceil(count / this.perBand);
    this.bandPx = Math.max(2, Math.min(8, Math.floor(most / bands)));
    return bands * this.bandPx;
  }

  paint(context, place, model) {
    const { x, y, width, height, from, to, until } = place;
    const { store } = this.page;
    const { series } = store;
    this.place = place;
    this.model = model;
    context.fillStyle = theme.heat[0];
    context.fillRect(x, y, width, height);
    const scale = (at) => x + ((at - from) / (to - from)) * width;
    const bands = this.#bands(model.nodes);
    this.#drawHeat(bands, series, model);
    context.save();
    context.beginPath();
    context.rect(x, y, Math.min(width, scale(until) - x), height);
    context.clip();
    context.imageSmoothingEnabled = false;
    const [begin, end] = series.range;
    if (end > begin) context.drawImage(this.heat, scale(begin), y, scale(end) - scale(begin), height);
    context.restore();
    bands.forEach((nodes, index) => {
      for (const node of nodes) this.#paintStatus(context, node, y + index * this.bandPx, scale, place, store);
    });
    this.#text(bands, place);
  }

  #bands(nodes) {
    return Array.from({ length: Math.ceil(nodes.length / this.perBand) }, (_, index) => nodes.slice(index * this.perBand, (index + 1) * this.perBand));
  }

  /** One pixel a step and band, drawn anew when there are new steps: what moves is only where it is put. */
  #drawHeat(bands, series, model) {
    const [begin, end] = [series.first, series.behind];
    const key = `${series.version}/${theme.version}/${model.nodes.length}/${this.perBand}`;
    if (key === this.heatKey || end <= begin) return;
    this.heatKey = key;
    const count = end - begin;
    this.heat.width = count;
    this.heat.height = bands.length;
    const context = this.heat.getContext("2d");
    bands.forEach((nodes, row) => {
      const slowest = new Float32Array(count);
      const isOver = new Uint8Array(count);
      for (const node of nodes) {
        for (let index = 0; index < count; index++) {
          const p99 = series.value(node.id, "p99", begin + index);
          if (p99 > slowest[index]) slowest[index] = p99;
          if (p99 >= FSYNC_LIMIT_MS || (node.limit !== undefined && series.value(node.id, "pressure", begin + index) > node.limit)) isOver[index] = 1;
        }
      }
      let from = 0;
      let before;
      for (let index = 0; index <= count; index++) {
        const colour = index === count ? null : isOver[index] ? theme.amber : heatOf(slowest[index]);
        if (index && colour === before) continue;
        if (before) {
          context.fillStyle = before;
          context.fillRect(from, row, index - from, 1);
        }
        from = index;
        before = colour;
      }
    });
  }

  #bar(context, colour, from, to, top, { x, width }) {
    const begin = Math.max(x, from);
    context.fillStyle = colour;
    context.fillRect(begin, top, Math.min(Math.max(to - begin, 2), x + width - begin), this.bandPx);
  }

  #paintStatus(context, node, top, scale, place, store) {
    const { from, until } = place;
    store.story.nodes.get(node.id)?.between(from, until, (begin, end, status) => {
      const colour = { dead: theme.red, suspect: theme.amber }[status];
      if (colour) this.#bar(context, colour, scale(begin), Math.max(scale(end), scale(begin) + 3), top, place);
    });
    for (const [begin, end] of store.coverage.holes(node.id, from, until)) {
      const status = store.story.liveness(node.id, (begin + end) / 2)?.value;
      if (status === "dead" || status === "left") continue;
      context.fillStyle = theme.bg;
      context.fillRect(scale(begin), top, scale(end) - scale(begin), this.bandPx);
      dotted(context, scale(begin), scale(end), top, theme.mark, 3);
    }
  }

  #text(bands, { x, y, width, height, total, isPhone }) {
    setStyle(this.node, "top", `${y}px`);
    setStyle(this.node, "height", `${height}px`);
    const fits = Math.ceil(LABEL_EVERY / this.bandPx);
    const every = this.model.nodes.length > FEW_NODES ? Math.max(Math.ceil(20 / this.perBand), fits) : fits;
    const labels = isPhone ? [] : bands.map((nodes, index) => ({ index, text: nodes[0].short })).filter(({ index }) => index === 0 || (index >= fits && (index + 1) % every === 0) || (index === bands.length - 1 && bands.length % every >= fits));
    const spans = pool(this.labels, labels.length, () => element("span"));
    labels.forEach(({ index, text }, at) => {
      spans[at].textContent = text;
      setStyle(spans[at], "top", `${index * this.bandPx - 6}px`);
      setStyle(spans[at], "width", `${x - 10}px`);
    });
    this.#callOut(bands, { x, width, height, total, isPhone });
    setAttribute(this.node, "aria-valuemax", String(this.model.nodes.length - 1));
    const selected = this.model.byNode.get(this.page.selection.node);
    setAttribute(this.node, "aria-valuetext", selected ? `${selected.name}, ${WORDS[selected.status] ?? selected.status}` : "none selected");
    setAttribute(this.node, "aria-valuenow", String(Math.max(0, this.model.nodes.indexOf(selected))));
  }

  /** The troubled ones by name at the right, 14 px apart. */
  #callOut(bands, { x, width, height, isPhone }) {
    const named = [];
    bands.forEach((nodes, index) => {
      const worst = nodes.reduce((one, other) => (trouble(other) > trouble(one) ? other : one));
      if (trouble(worst)) named.push({ node: worst, y: index * this.bandPx });
    });
    const most = isPhone ? 0 : Math.floor(height / LABEL_EVERY);
    const shown = named.sort((one, other) => trouble(other.node) - trouble(one.node)).slice(0, most).sort((one, other) => one.y - other.y);
    let free = -6;
    shown.forEach((each) => {
      each.top = Math.max(free, each.y - 6);
      free = each.top + LABEL_EVERY;
    });
    let end = height + 6;
    for (const each of [...shown].reverse()) {
      each.top = Math.min(each.top, end - LABEL_EVERY);
      end = each.top;
    }
    const callouts = pool(this.callouts, shown.length, () => {
      const made = element("button", "callout", undefined, { type: "button", tabindex: "-1" });
      made.addEventListener("click", () => this.page.select({ node: made.nodeId }));
      return made;
    });
    shown.forEach(({ node, top }, index) => {
      callouts[index].nodeId = node.id;
      setPieces(callouts[index], [["", "— "], ["text", node.short], ["", ` ${this.#word(node)}`]]);
      setStyle(callouts[index], "top", `${top}px`);
      setStyle(callouts[index], "left", `${x + width + 4}px`);
    });
  }

  #word(node) {
    if (trouble(node) > 2) return WORDS[node.status] ?? node.status;
    return isOverLimit(node) ? "pressure" : node.stall ? "L0 stall" : "fsync";
  }

  #listen() {
    const nodeAt = (event) => {
      const { top } = this.node.getBoundingClientRect();
      return this.model?.nodes[Math.floor((event.clientY - top) / this.bandPx) * this.perBand];
    };
    this.node.addEventListener("click", (event) => {
      if (event.target.closest("button")) return;
      const node = nodeAt(event);
      if (node) this.page.select({ node: node.id });
    });
    this.node.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!by || !this.model) return;
      event.preventDefault();
      const { nodes, byNode } = this.model;
      const index = nodes.indexOf(byNode.get(this.page.selection.node));
      this.page.select({ node: nodes[Math.max(0, Math.min(nodes.length - 1, index + by))].id });
    });
  }
}

/** 1 to 100 ms on a log scale, in steps; undefined: the ground. */
function heatOf(ms) {
  const level = Math.min(5, Math.floor((Math.log10(Math.max(1, ms)) / 2) * 6));
  return level ? theme.heat[level] : undefined;
}
