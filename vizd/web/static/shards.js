/**
 * Every shard in its place, by id: who leads it, what changed just now, what is wrong. Up to 96 as cells with text,
 * beyond as a raster.
 */
import { byId, element, pool, setAttribute, setHidden, setPieces, setStyle, setText } from "./dom.js";
import { formatCount, formatDuration } from "./numbers.js";
import { ShardRaster } from "./shardraster.js";

export const MAX_CELLS = 96;
/** How long a change of leader stands in the cell. */
const RECENT_MS = 60_000;
const GAP = 4;
const MAX_SIZE = 58;
const TWO_LINES = 32;
/** As few as leave the cells room for two lines. */
const COLUMNS = [8, 12, 16];
/** Shards without a leader that the legend has room to name. */
const MAX_NAMED = 3;
/** A legend of many leaders takes two lines, and breaks between them, not within. */
const [JOIN, KEEP] = ["\u2060", "\u00a0"];

export class Shards {
  constructor(page) {
    this.page = page;
    this.box = byId("shard-cells");
    this.cells = this.box.appendChild(element("div", "cells"));
    this.raster = new ShardRaster(page, this.box);
    this.flashing = new Set();
  }

  /** A leader changed just now: its cell fades once. */
  flash(shards) {
    for (const each of shards) this.flashing.add(each);
  }

  draw(model) {
    const { shards } = model;
    const isRaster = shards.length > MAX_CELLS;
    setHidden(this.cells, isRaster);
    setHidden(this.raster.node, !isRaster);
    const known = this.page.isPhone ? `${formatCount(shards.length - model.leaderless.length)} of ${formatCount(shards.length)} led` : this.#note(model, isRaster);
    setText(byId("shards-note"), shards.length ? known : this.page.store.story.seen.Raft ? "" : "no election was ever seen");
    if (isRaster) this.raster.draw(model);
    else this.#drawCells(model);
    this.#drawLegend(model, isRaster);
    this.flashing.clear();
  }

  #note({ shards, nodes }, isRaster) {
    if (isRaster) return `${formatCount(shards.length)} by id, ${this.raster.perRow} a row`;
    return `${shards.length} by id${nodes.length <= 12 ? "; left bar: leader" : ""}`;
  }

  #drawCells(model) {
    const { shards } = model;
    const { clientHeight: height } = this.box;
    const sizeOf = (columns) => Math.min(MAX_SIZE, Math.floor((height + GAP) / Math.max(1, Math.ceil(shards.length / columns))) - GAP);
    const columns = this.page.isPhone ? COLUMNS[0] : (COLUMNS.find((each) => sizeOf(each) >= TWO_LINES) ?? COLUMNS[COLUMNS.length - 1]);
    const size = this.page.isPhone ? 40 : Math.max(14, sizeOf(columns));
    setStyle(this.cells, "gridTemplateColumns", `repeat(${columns}, minmax(0, 1fr))`);
    setStyle(this.cells, "gridAutoRows", `${size}px`);
    setAttribute(this.cells, "data-lines", size >= 50 ? 3 : size >= TWO_LINES ? 2 : 1);
    const cells = pool(this.cells, shards.length, () => this.#makeCell());
    shards.forEach((shard, index) => this.#fill(cells[index], shard, model));
  }

  #makeCell() {
    const cell = element("button", "cell", [element("b"), element("span", "leader"), element("span", "third"), element("span", "corner")], { type: "button" });
    cell.addEventListener("click", () => this.page.select({ shard: cell.shardId }));
    return cell;
  }

  #fill(cell, shard, { at, byNode, nodes }) {
    const [id, leader, third, corner] = cell.children;
    const node = byNode.get(shard.leader);
    const short = node?.short ?? (shard.leader === undefined ? "" : String(shard.leader ?? ""));
    const isNone = shard.leader === null;
    const age = shard.since === undefined ? 0 : Math.max(0, at - shard.since);
    const isRecent = !isNone && shard.changedAt !== undefined && at - shard.changedAt < RECENT_MS;
    const word = shard.candidates ? "voting" : "none";
    const moving = shard.phase === undefined ? "" : `${shard.phase} of 4`;
    cell.shardId = shard.id;
    setAttribute(cell, "data-shard", shard.id);
    setText(id, String(shard.id));
    setText(leader, isNone ? word : short);
    setText(third, isNone ? formatDuration(age) : moving || (isRecent ? formatDuration(age) : ""));
    setPieces(corner, shard.isSuspect ? [["glyph", "suspect"]] : []);
    const { selection, pointedNode } = this.page;
    const isLed = nodes.length > 12 && node !== undefined && (node.id === selection.node || node.id === pointedNode);
    setAttribute(cell, "data-colour", node?.colour === undefined ? "none" : node.colour + 1);
    setAttribute(cell, "data-notch", node?.notch);
    setAttribute(cell, "data-state", isNone ? "none" : moving ? "moving" : isRecent ? "recent" : "calm");
    setAttribute(cell, "data-led", isLed);
    setAttribute(cell, "aria-pressed", selection.shard === shard.id);
    setAttribute(cell, "aria-label", `Shard ${shard.id}, ${isNone ? `no leader for ${formatDuration(age)}` : short ? `led by ${short}` : "leader not known"}${moving && `, moving, ${moving}`}`);
    if (this.flashing.has(shard.id)) this.#flash(cell);
  }

  #flash(cell) {
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const mark = getComputedStyle(document.documentElement).getPropertyValue("--mark");
    if (isStill) cell.animate([{ outline: `2px solid ${mark}` }, { outline: `2px solid ${mark}` }], { duration: 2_000 });
    else cell.animate([{ backgroundColor: mark }, {}], { duration: 600, easing: "ease-out" });
  }

  #drawLegend(model, isRaster) {
    const legend = byId("shards-legend");
    const none = model.leaderless;
    if (isRaster) {
      const selected = model.byNode.get(this.page.selection.node);
      const ids = none.length > MAX_NAMED ? formatCount(none.length) : none.map((each) => each.id).join(", ");
      setPieces(legend, [
        ...(none.length ? [["key none", ""], ["text", ids], ["", " no leader"]] : []),
        ...(selected ? [["key led", ""], ["", `led by ${selected.short}`]] : []),
        ["key heat5", ""], ["", "<1"], ["key heat4", ""], ["", "<5"], ["key heat3", ""], ["", "<15 min since change"],
        ["key moving", ""], ["", "moving"],
      ]);
      return;
    }
    const led = model.nodes.length <= 12 ? model.nodes.filter((node) => model.shards.length && node.status !== "left") : [];
    setPieces(legend, [
      ...led.flatMap((node) => [[`key node${node.colour + 1}${node.notch ? " notch" : ""}`, ""], ["", `${JOIN}${node.short}${KEEP}`], ["faint", formatCount(node.leads)]]),
      ...(none.length ? [["key none", ""], ["", `${JOIN}none${KEEP}`], ["faint", formatCount(none.length)]] : []),
    ]);
  }
}
