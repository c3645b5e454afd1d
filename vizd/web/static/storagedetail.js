/**
 * A node's storage: a row per level with the heat of its slots, files in L0, what is compacted; fsync, flush and cache
 * beside.
 */
import { byId, element, pool, setPieces, setStyle, setText } from "./dom.js";
import { prepare } from "./draw.js";
import { formatAge, formatDuration, formatMs, formatPercent, formatRatio } from "./numbers.js";
import { heatColour, theme } from "./theme.js";

const WINDOW_MS = 5 * 60_000;
const L0_CELLS = 16;
const MAX_LEVELS = 7;
/** Of the panel's width, for names, words and values; of its height, for the legend. */
const BESIDE = 300;
const LEGEND = 22;

export class StorageDetail {
  constructor(page, body) {
    this.page = page;
    this.node = body.appendChild(element("div", "storage"));
    this.levels = this.node.appendChild(element("ol", "levels"));
    this.values = this.node.appendChild(element("dl", "values"));
    this.legend = this.node.appendChild(element("p", "heat-legend"));
  }

  draw(model, id) {
    const node = model.byNode.get(id);
    const { storage } = this.page;
    setText(byId("detail-title"), node ? `Storage of ${node.short}` : "Storage");
    const shards = storage?.shardCount ?? 0;
    setText(byId("detail-note"), !node || !storage ? "" : shards > 1 ? `hottest of ${shards} shards per slot` : shards ? "heat per slot" : "no slot heat was told");
    setText(byId("detail-end"), node && this.node.clientWidth > 360 ? "last 5 min" : "");
    if (!node || !storage) {
      this.levels.replaceChildren();
      this.values.replaceChildren();
      this.legend.replaceChildren();
      return;
    }
    this.#drawLevels(node, storage, model.at);
    this.#drawValues(node, storage, model.at);
    this.#drawLegend(node, model.at);
  }

  #drawLevels(node, storage, at) {
    const count = Math.min(MAX_LEVELS, Math.max(4, storage.deepest + 1));
    const rows = pool(this.levels, count, () => element("li", "", [element("b"), element("canvas", "", undefined, { "aria-hidden": "true" }), element("span", "unseen"), element("span", "said")]));
    const width = Math.max(48, Math.min(231, this.node.clientWidth - BESIDE));
    const row = Math.max(22, Math.min(31, Math.floor((this.node.clientHeight - LEGEND) / Math.max(count, 6))));
    this.node.style.setProperty("--row", `${row}px`);
    const high = row - 7;
    for (let level = 0; level < count; level++) {
      const [name, canvas, unseen, said] = rows[level].children;
      setText(name, `L${level}`);
      const doing = storage.compactionsOf(level, at);
      const compaction = level === 0 && node.stall ? [] : describeCompactions(level, doing, at);
      if (level === 0) {
        const stall = node.stall;
        canvas.hidden = !stall;
        if (stall) this.#paintFiles(canvas, [width, high], stall);
        const pieces = stall ? [["amber", `${stall.files} of ${stall.threshold} files`]] : [["", noStall(this.page)], ...(compaction.length ? [["", ` · ${compaction[0][1]}`]] : [])];
        setPieces(said, pieces);
        setText(unseen, "");
        continue;
      }
      const heats = storage.heatOf(level);
      canvas.hidden = heats.length === 0;
      this.#paintHeat(canvas, [width, high], heats);
      const known = heats.filter((each) => !Number.isNaN(each));
      setText(unseen, known.length ? `hottest slot ${formatRatio(Math.max(...known))}` : "");
      const fromL0 = level === 1 && node.stall ? describeCompactions(0, storage.compactionsOf(0, at), at) : [];
      setPieces(said, compaction.length ? compaction : fromL0);
    }
  }

  #paintFiles(canvas, [width, high], { files, threshold }) {
    const cells = Math.max(L0_CELLS, files, threshold + 1);
    const pitch = width / cells;
    const context = prepare(canvas, width, high);
    for (let index = 0; index < cells; index++) {
      context.fillStyle = index < files ? (index < threshold ? theme.base : theme.amber) : theme.heat[0];
      context.fillRect(index * pitch, 0, pitch - 1.5, high);
    }
    context.fillStyle = theme.text;
    context.fillRect(threshold * pitch - 1.5, 0, 2, high);
  }

  #paintHeat(canvas, [width, high], heats) {
    const pitch = Math.min(29, width / Math.max(1, heats.length));
    const context = prepare(canvas, width, high);
    heats.forEach((heat, slot) => {
      context.fillStyle = Number.isNaN(heat) ? theme.heat[0] : heatColour(heat);
      context.fillRect(slot * pitch, 0, Math.max(1, pitch - (pitch > 6 ? 1.5 : 0.5)), high);
    });
  }

  #drawValues(node, storage, at) {
    const { series } = this.page.store;
    const of = (field) => series.values(node.id, field, at - WINDOW_MS, at);
    const middle = median(of("p50"));
    const [cacheName, cache] = storage.caches.has("block") ? ["block", storage.caches.get("block")] : [...storage.caches][0] ?? ["block", NaN];
    const flush = storage.flush();
    const running = storage.running(at);
    const rows = [
      ["fsync p50", formatMs(middle)],
      ["fsync p99", formatMs(median(of("p99")))],
      ["fsync max", formatMs(most(of("max")))],
      ["flush", !flush ? "–" : flush.since !== undefined ? `running ${formatDuration(Math.max(0, at - flush.since))}` : `done ${formatAge(Math.max(0, at - flush.at))} ago`],
      ["compaction", storage.compactions.size ? (running ? `${running} running` : "none running") : "–"],
      [`${cacheName} cache`, Number.isNaN(cache) ? "–" : `${formatRatio(cache)} hit`],
    ];
    const groups = pool(this.values, rows.length, () => element("div", "", [element("dt"), element("dd")]));
    rows.forEach(([name, value], index) => {
      setText(groups[index].children[0], name);
      setText(groups[index].children[1], value);
    });
  }

  #drawLegend({ stall }, at) {
    setPieces(this.legend, [["", "slot heat 0 "], ["ramp", ""], ["", " 1"], ...(stall ? [["amber", `L0 stall for ${formatDuration(Math.max(0, at - stall.from))}`]] : [])]);
    const ramp = this.legend.querySelector(".ramp");
    if (ramp && !ramp.children.length) ramp.append(...[0, 1, 2, 3, 4, 5].map((heat) => element("i", `heat${heat}`)));
    setStyle(this.legend, "visibility", "visible");
  }
}

/** What may be said where no stall is known: for how long all would be. */
function noStall({ strain, time, oldestAt = 0 }) {
  const known = time.at - Math.max(strain.since ?? Infinity, oldestAt);
  return known > 0 ? `no stall in ${formatAge(known)}` : "–";
}

function describeCompactions(level, doing, at) {
  if (!doing.length) return [];
  const { phase, pct, since } = doing[0];
  const progress = phase === "queued" ? "queued" : `${pct === undefined ? "started" : formatPercent(pct)}, ${formatDuration(Math.max(0, at - since))}`;
  return [["", `L${level}→L${level + 1} ${progress}${doing.length > 1 ? ` +${doing.length - 1}` : ""}`]];
}

function median(values) {
  if (!values.length) return NaN;
  return [...values].sort((one, other) => one - other)[values.length >> 1];
}

function most(values) {
  return values.length ? Math.max(...values) : NaN;
}
