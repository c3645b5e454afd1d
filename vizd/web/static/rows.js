/**
 * What stands in words beside the rows' plots: whose it is, how it is, and the values at the cursor. A row is a button.
 */
import { byId, element, pool, setAttribute, setPieces, setStyle, setText } from "./dom.js";
import { isOverLimit } from "./model.js";
import { cutMiddle } from "./names.js";
import { formatCount, formatDuration, formatMs, formatRatio } from "./numbers.js";

const WORDS = { nodata: "no data" };
/** Of a name in the gutter, so that `suspect` fits behind it. */
const NAME_WIDTH = 26;
const CUT_WIDTH = 46;

export class Rows {
  /** @param {object} page @param {(event: MouseEvent) => boolean} goAtPointer goes to the instant under it, if there is one */
  constructor(page, goAtPointer) {
    this.page = page;
    this.goAtPointer = goAtPointer;
  }

  /** @param {{rows: object[], height: number}} layout @param {number} at the model's instant */
  draw(layout, at) {
    const rows = pool(byId("rows"), layout.rows.length, () => this.#make());
    layout.rows.forEach((node, index) => this.#fill(rows[index], node, layout, at));
  }

  /** What a row calls its node: by name where all names fit, else by the short ones, cut where even these don't. */
  #label(node) {
    const { nodes } = this.page.roster;
    if (nodes !== this.#named.nodes) {
      const context = document.createElement("canvas").getContext("2d");
      context.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
      const measure = (text) => context.measureText(text).width;
      const areWhole = nodes.every((each) => measure(each.name) <= NAME_WIDTH);
      this.#named = { nodes, labels: new Map(nodes.map((each) => [each.id, areWhole ? each.name : cutMiddle(each.short, CUT_WIDTH, measure)])) };
    }
    return this.page.isPhone ? node.name : this.#named.labels.get(node.id);
  }

  #named = { nodes: undefined, labels: new Map() };

  #make() {
    const row = element("button", "row", [element("span", "chip"), element("span", "head", [element("b", "name"), element("span", "status")]), element("span", "sub"), element("span", "fsync"), element("span", "pressure")], { type: "button" });
    row.addEventListener("click", (event) => {
      // By the keyboard there is no place that was meant.
      if (event.detail && this.goAtPointer(event)) return;
      this.page.select({ node: row.nodeId });
    });
    row.addEventListener("pointerenter", () => this.page.point(row.nodeId));
    row.addEventListener("pointerleave", () => this.page.point(undefined));
    return row;
  }

  #fill(row, node, layout, at) {
    const { height } = layout;
    const { page } = this;
    const [chip, head, sub, fsync, pressure] = row.children;
    const [name, status] = head.children;
    const read = page.readouts?.byNode.get(node.id) ?? node;
    row.nodeId = node.id;
    setStyle(row, "height", `${height}px`);
    setAttribute(row, "data-height", height);
    setAttribute(row, "aria-pressed", page.selection.node === node.id);
    setAttribute(row, "data-node", node.id);
    setAttribute(chip, "data-colour", node.colour === undefined ? "none" : node.colour + 1);
    setAttribute(chip, "data-notch", node.notch);
    if (name.title !== node.name) name.title = node.name;
    setText(name, this.#label(node));
    const word = WORDS[node.status] ?? node.status;
    const isWell = node.status === "alive" || node.status === "connected";
    const isBare = node.status === "connected" && !page.isPhone;
    setPieces(status, isBare ? [["glyph", "connected"]] : [["glyph", node.status], [isWell ? "" : "text", word]]);
    const age = node.since === undefined || isWell ? "" : formatDuration(Math.max(0, at - node.since));
    const led = node.leads || (isWell && page.store.story.seen.Raft) ? `leads ${formatCount(node.leads)}` : "";
    const lasting = age && (node.status === "suspect" && led ? age : `for ${age}`);
    const said = [lasting, node.status === "dead" || node.status === "nodata" ? "" : led].filter(Boolean).join(", ");
    setText(sub, !isBare ? said : height > 60 ? `connected\n${led}` : "connected");
    setPieces(fsync, [["label", "fsync "], [read.p99 >= 100 ? "amber" : "", formatMs(read.p99)]]);
    const arrow = read.moving > 0 ? " ↑" : read.moving < 0 ? " ↓" : "";
    setPieces(pressure, [["label", "pressure "], [isOverLimit(read) ? "amber" : "", formatRatio(read.pressure) + (Number.isNaN(read.pressure) ? "" : arrow)]]);
    setAttribute(row, "aria-label", `${node.name}, ${word}${age && ` for ${age}`}, leads ${node.leads}, fsync p99 ${formatMs(node.p99)}, write pressure ${formatRatio(node.pressure)}`);
  }
}
