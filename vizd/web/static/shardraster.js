/**
 * More shards than cells: 6 x 10 px each, 64 a row. Colour shows only trouble and recent change.
 */
import { element, pool, setAttribute, setStyle } from "./dom.js";
import { frame, prepare } from "./draw.js";
import { formatDuration } from "./numbers.js";
import { theme } from "./theme.js";

const WIDTH = 6;
const HEIGHT = 10;
const GAP_X = 1;
const GAP_Y = 1;
const LABELS = 34;
/** Beyond it a place is a group of shards, and the worst of them shows. */
const MAX_PLACES = 2_048;
const MINUTE_MS = 60_000;

export class ShardRaster {
  constructor(page, box) {
    this.page = page;
    this.box = box;
    this.node = box.appendChild(element("div", "shard-raster", undefined, { tabindex: "0", role: "slider", "aria-label": "Shard" }));
    this.labels = this.node.appendChild(element("div", "shard-labels", undefined, { "aria-hidden": "true" }));
    this.canvas = this.node.appendChild(element("canvas", "", undefined, { "aria-hidden": "true" }));
    this.perRow = 64;
    this.#listen();
  }

  draw(model) {
    const { shards } = model;
    this.model = model;
    const perRow = (this.perRow = this.box.clientWidth - LABELS >= 64 * (WIDTH + GAP_X) ? 64 : Math.max(16, Math.floor((this.box.clientWidth - LABELS) / (WIDTH + GAP_X))));
    this.group = Math.ceil(shards.length / MAX_PLACES);
    const places = Math.ceil(shards.length / this.group);
    const rows = Math.ceil(places / perRow);
    this.pitch = Math.max(4, Math.min(HEIGHT + GAP_Y, Math.floor((this.box.clientHeight || 200) / rows)));
    const context = prepare(this.canvas, perRow * (WIDTH + GAP_X) + 4, rows * this.pitch + 4);
    context.translate(2, 2);
    const later = [];
    for (let place = 0; place < places; place++) {
      const [x, y] = [(place % perRow) * (WIDTH + GAP_X), Math.floor(place / perRow) * this.pitch];
      const { colour, mark, isSelected } = this.#worst(shards, place, model.at);
      context.fillStyle = colour;
      context.fillRect(x, y, WIDTH, this.pitch - GAP_Y);
      if (mark) later.push([x, y, mark]);
      if (isSelected) later.push([x, y, "selected"]);
    }
    for (const [x, y, what] of later) this.#mark(context, x, y, what);
    this.#text(shards, rows);
  }

  /** What a place shows of its shards. */
  #worst(shards, place, at) {
    const { selection, pointedNode } = this.page;
    let [age, isLed, mark, isSelected] = [Infinity, false, undefined, false];
    for (let index = place * this.group; index < Math.min(shards.length, (place + 1) * this.group); index++) {
      const { id, leader, changedAt, phase } = shards[index];
      if (leader === null) mark = "none";
      else if (phase !== undefined) mark ??= "moving";
      if (leader !== null && leader !== undefined && (leader === selection.node || leader === pointedNode)) isLed = true;
      if (changedAt !== undefined) age = Math.min(age, at - changedAt);
      if (id === selection.shard) isSelected = true;
    }
    const colour = isLed ? theme.text : age < MINUTE_MS ? theme.heat[5] : age < 5 * MINUTE_MS ? theme.heat[4] : age < 15 * MINUTE_MS ? theme.heat[3] : theme.fill;
    return { colour, mark, isSelected };
  }

  #mark(context, x, y, what) {
    const height = this.pitch - GAP_Y;
    if (what === "none") {
      context.fillStyle = theme.bg;
      context.fillRect(x - 2, y - 2, WIDTH + 4, height + 4);
      frame(context, x - 2, y - 2, WIDTH + 4, height + 4, theme.red, 2);
    } else if (what === "moving") {
      context.fillStyle = theme.bg;
      context.fillRect(x, y, WIDTH, height);
      context.setLineDash([2, 1.5]);
      frame(context, x, y, WIDTH, height, theme.text);
      context.setLineDash([]);
    } else frame(context, x - 2, y - 2, WIDTH + 4, height + 4, theme.text, 2);
  }

  #text(shards, rows) {
    const every = Math.max(1, Math.ceil(rows / 4));
    const spans = pool(this.labels, Math.ceil(rows / every), () => element("span"));
    for (let index = 0; index < spans.length; index++) {
      spans[index].textContent = String(shards[index * every * this.perRow * this.group]?.id ?? "");
      setStyle(spans[index], "top", `${index * every * this.pitch}px`);
    }
    const selected = shards.find((each) => each.id === this.page.selection.shard);
    setAttribute(this.node, "aria-valuemin", "0");
    setAttribute(this.node, "aria-valuemax", String(shards.length - 1));
    setAttribute(this.node, "aria-valuenow", String(Math.max(0, shards.indexOf(selected))));
    setAttribute(this.node, "aria-valuetext", selected ? this.#said(selected) : "none selected");
  }

  #said({ id, leader, since }) {
    if (leader === null) return `Shard ${id}, no leader for ${formatDuration(this.model.at - since)}`;
    return `Shard ${id}, led by ${this.model.byNode.get(leader)?.short ?? leader ?? "unknown"}`;
  }

  #listen() {
    const shardAt = (event) => {
      const { left, top } = this.canvas.getBoundingClientRect();
      const column = Math.floor((event.clientX - left - 2) / (WIDTH + GAP_X));
      const row = Math.floor((event.clientY - top - 2) / this.pitch);
      if (column < 0 || column >= this.perRow) return undefined;
      return this.model?.shards[(row * this.perRow + column) * this.group];
    };
    this.canvas.addEventListener("click", (event) => {
      const shard = shardAt(event);
      if (shard) this.page.select({ shard: shard.id });
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const shard = shardAt(event);
      this.canvas.title = shard ? this.#said(shard) : "";
    });
    this.node.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.perRow, ArrowUp: -this.perRow }[event.key];
      if (!by || !this.model || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      const { shards } = this.model;
      const index = shards.findIndex((each) => each.id === this.page.selection.shard);
      this.page.select({ shard: shards[Math.max(0, Math.min(shards.length - 1, index + by))].id });
    });
  }
}
