/**
 * Shards without a leader and a row per node, over the window: what happened at the same moment stands in one line.
 */
import { byId, setHidden, setLabels, setPieces, setStyle, setText } from "./dom.js";
import { faintly, hatch, prepare } from "./draw.js";
import { formatClock, formatCount } from "./numbers.js";
import { drawLegend } from "./legend.js";
import { Raster } from "./raster.js";
import { paintRow } from "./rowplot.js";
import { Rows } from "./rows.js";
import { theme } from "./theme.js";
import { ticks } from "./ticks.js";

const LANE = 30;
const LANE_PLOT = 24;
const OUTSET = 12;
const TROUBLED_ROW = 34;
/** Of `what came next`; where it has no room the fainter plot says it alone. */
const NOTE_WIDTH = 110;
const LABEL_WIDTH = 64;

export class Strips {
  /** @param {{time: object, store: object, select: Function}} page */
  constructor(page) {
    this.page = page;
    this.canvas = byId("strips-canvas");
    this.rows = byId("rows");
    this.texts = new Rows(page, (event) => this.goAtPointer(event));
    this.raster = new Raster(page);
    this.plot = byId("plot");
    this.#listen();
  }

  /** Sizes for a room of `height` px and the section's own width. Returns the geometry that others share. */
  measure(height, isPhone) {
    // As wide as the tape, which stands there even when the strips do not.
    const width = byId("tape").clientWidth - (isPhone ? 32 : 48);
    const gutter = isPhone ? 0 : 112;
    const plot = Math.max(60, width - gutter - (isPhone ? 0 : 112));
    this.place = { x: gutter, width: plot, total: width, room: height, isPhone };
    return this.place;
  }

  /** Which rows are drawn, and how high. */
  #layout(model) {
    const { room, isPhone } = this.place;
    const count = model.nodes.length;
    if (isPhone && count <= 24) return { rows: model.nodes, height: 62, plotTop: 20, plotHeight: 40 };
    for (const height of [66, 44]) if (!isPhone && count * height <= Math.max(room, 132)) return { rows: model.nodes, height, plotTop: 0, plotHeight: height };
    const rows = this.raster.troubled(model);
    const rowHeight = isPhone ? 62 : TROUBLED_ROW;
    return { rows, height: rowHeight, plotTop: isPhone ? 20 : 0, plotHeight: isPhone ? 40 : TROUBLED_ROW, raster: true };
  }

  /** Draw for `model`; `changes` are the story's. */
  draw(model) {
    const { page, place } = this;
    const { time, store } = page;
    const layout = (this.layout = this.#layout(model));
    const rowsHeight = layout.rows.length * layout.height;
    const rasterTop = LANE + rowsHeight + (layout.raster && rowsHeight ? 7 : 0);
    const rasterHeight = layout.raster ? this.raster.height(model.nodes.length, place.room - rowsHeight - 8) : 0;
    const bottom = rasterTop + rasterHeight;
    setStyle(this.rows, "height", `${rowsHeight}px`);
    setStyle(this.rows, "marginBottom", `${bottom - LANE - rowsHeight}px`);
    setHidden(this.raster.node, !layout.raster);
    const context = prepare(this.canvas, place.total + OUTSET, bottom + 1);
    context.translate(OUTSET, 0);
    const [from, to] = time.range(place.width);
    const end = page.knownUntil();
    const until = Math.min(to, end);
    this.shown = { from, to };
    const scale = (at) => place.x + ((at - from) / (to - from)) * place.width;
    const changes = store.story.changes.filter((each) => each.at >= from && each.at < until);
    faintly(context, page.isStale ? 0.7 : 1, () => {
      this.#paintLane(context, from, until, to);
      layout.rows.forEach((node, index) => {
        const y = LANE + index * layout.height;
        this.#paintGround(context, node, y, layout);
        const row = { x: place.x, y: y + layout.plotTop, width: place.width, height: layout.plotHeight, from, to, until };
        paintRow(context, row, node, { store, strain: page.strain, changes });
      });
      if (layout.raster) this.raster.paint(context, { ...place, y: rasterTop, height: rasterHeight, from, to, until }, model);
    });
    this.#paintBefore(context, scale, layout, rasterTop, rasterHeight);
    context.fillStyle = theme.line2;
    context.fillRect(place.x, bottom, place.width, 1);
    if (page.isStale && end < to) {
      const x = Math.max(place.x, Math.floor(scale(end)));
      context.fillStyle = theme.bg;
      context.fillRect(x, 1, place.x + place.width - x, bottom - 1);
      hatch(context, x, 1, place.x + place.width - x, bottom - 1, theme.hatch, 6);
    }
    this.#paintCursor(context, scale, bottom);
    this.#drawText(model, layout);
    this.#drawAxis(scale, from, to);
  }

  #paintLane(context, from, until, to) {
    const { place, page } = this;
    const columnPx = 3;
    const columns = Math.max(1, Math.floor(place.width / columnPx));
    const counts = page.store.story.leaderlessColumns(from, to, columns);
    const most = Math.max(...counts);
    const unit = most <= 4 ? 6 : LANE_PLOT / most;
    context.fillStyle = theme.red;
    counts.forEach((count, column) => {
      const at = from + ((to - from) * column) / columns;
      if (!count || at >= until) return;
      const height = Math.max(2, Math.round(count * unit));
      context.fillRect(place.x + (column * place.width) / columns, LANE - height, place.width / columns - 0.5, height);
    });
    context.fillStyle = theme.line2;
    context.fillRect(place.x, LANE, place.width, 1);
    if (!place.isPhone) {
      context.fillStyle = theme.line;
      context.fillRect(-OUTSET, LANE, place.total + OUTSET, 1);
    }
  }

  /** What was before the buffer is not known, and looks so. */
  #paintBefore(context, scale, layout, rasterTop, rasterHeight) {
    const { place, page } = this;
    const width = Math.min(scale(page.oldestAt ?? this.shown.from), place.x + place.width) - place.x;
    if (width <= 1) return;
    const parts = layout.rows.map((_, index) => [LANE + index * layout.height + layout.plotTop + 1, layout.plotHeight - 1]);
    if (layout.raster) parts.push([rasterTop, rasterHeight]);
    for (const [y, height] of parts) {
      context.fillStyle = theme.bg;
      context.fillRect(place.x, y, width, height);
      hatch(context, place.x, y, width, height, theme.line, 6);
    }
  }

  #paintGround(context, node, y, { height }) {
    const { place, page } = this;
    const isSelected = page.selection.node === node.id;
    if (isSelected || page.pointedNode === node.id) {
      context.fillStyle = theme.raise;
      context.fillRect(-OUTSET, y + 1, place.total + OUTSET, height - 1);
    }
    if (isSelected) {
      context.fillStyle = theme.text;
      context.fillRect(-OUTSET, y + 1, 2, height - 1);
    }
    context.fillStyle = theme.line;
    context.fillRect(place.isPhone ? 0 : -OUTSET, y + height, place.total + (place.isPhone ? 0 : OUTSET), 1);
  }

  #paintCursor(context, scale, bottom) {
    const { time } = this.page;
    const { x: left, width } = this.place;
    if (!time.isLive) {
      const x = Math.round(scale(time.instant));
      faintly(context, 0.62, () => {
        context.fillStyle = theme.bg;
        context.fillRect(x, 1, left + width - x, bottom);
      });
      context.fillStyle = theme.inv;
      context.fillRect(x - 1, 0, 2, bottom + 6);
    }
    if (time.hover !== undefined) {
      context.fillStyle = theme.text;
      context.fillRect(Math.round(scale(time.hover)), 0, 1, bottom + 6);
    }
  }

  #drawText(model, layout) {
    const { page, place } = this;
    drawLegend(byId("legend"), layout.raster, layout.rows.length, model.nodes.length);
    const { time } = page;
    const at = time.hover === undefined ? "" : `at ${formatClock(time.hover)}`;
    setText(byId("cursor-at"), at);
    const count = formatCount(model.shards.length);
    setPieces(byId("leaderless"), model.shards.length ? [[model.leaderless.length ? "red" : "", formatCount(model.leaderless.length)], ["", ` of ${count}${place.isPhone ? " shards without leader" : ""}`]] : [["faint", page.store.story.seen.Raft ? "" : "never seen"]]);
    this.texts.draw(layout, model.at);
    const note = byId("next-note");
    const share = time.isLive ? 1 : (time.instant - this.shown.from) / time.widthMs;
    setHidden(note, (1 - share) * place.width < NOTE_WIDTH);
    setStyle(note, "left", `${place.x + share * place.width + 11}px`);
  }

  #drawAxis(scale, from, to) {
    const { page, place } = this;
    const { time } = page;
    const labels = ticks(from, to, place.isPhone ? 4 : 8).map((tick) => ({ x: scale(tick.at), text: tick.text }));
    const edges = [];
    if (time.isLive) edges.push({ x: place.x + place.width, text: "now", className: "end" });
    else edges.push({ x: scale(time.instant), text: formatClock(time.instant), className: "at inv" });
    if (time.hover !== undefined) {
      // What is pointed at lies over what stands: two labels in one place can't be read.
      if (Math.abs(scale(time.hover) - edges[0].x) < LABEL_WIDTH) edges.pop();
      edges.push({ x: scale(time.hover), text: formatClock(time.hover), className: "at" });
    }
    const isFree = ({ x }) => x > place.x + 14 && x < place.x + place.width + 2 && edges.every((edge) => Math.abs(edge.x - x) > LABEL_WIDTH);
    setLabels(byId("strips-axis"), [...labels.filter(isFree), ...edges]);
  }

  /** The instant under a pointer, or undefined beside the plot. */
  instantAt(event) {
    if (!this.shown) return undefined;
    const { left } = this.plot.getBoundingClientRect();
    const x = event.clientX - left - this.place.x;
    if (x < 0 || x > this.place.width) return undefined;
    return this.shown.from + (x / this.place.width) * (this.shown.to - this.shown.from);
  }

  /** Go to the instant under a pointer. Returns whether there was one. */
  goAtPointer(event) {
    const at = this.instantAt(event);
    if (at !== undefined) this.page.goTo(at);
    return at !== undefined;
  }

  #listen() {
    this.plot.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") this.page.hover(this.instantAt(event));
    });
    this.plot.addEventListener("pointerleave", () => this.page.hover(undefined));
    byId("lane").addEventListener("click", (event) => this.goAtPointer(event));
  }
}
