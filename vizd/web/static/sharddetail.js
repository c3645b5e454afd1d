/**
 * A shard's leaders over the whole buffer, and what led to the last of them: votes, terms, who was lost.
 */
import { Latest } from "./api.js";
import { byId, element, pool, setHidden, setPieces, setStyle, setText } from "./dom.js";
import { hatch, prepare } from "./draw.js";
import { describe } from "./describe.js";
import { formatClock, formatDuration, formatEventClock } from "./numbers.js";
import { placed } from "./store.js";
import { theme } from "./theme.js";

const BAR = 18;
const MAX_LINES = 40;
/** Histories are asked again at most so often while the shard is looked at. */
const ASK_EVERY_MS = 3_000;

export class ShardDetail {
  #latest = new Latest();
  #asked = { key: "", at: -Infinity };
  #events = [];

  constructor(page, body) {
    this.page = page;
    this.node = body.appendChild(element("div", "shard-detail", undefined));
    this.caption = this.node.appendChild(element("p", "caption"));
    this.bar = this.node.appendChild(element("div", "bar", [element("canvas", "", undefined, { "aria-hidden": "true" }), element("p", "bar-names")]));
    this.ends = this.node.appendChild(element("p", "ends", [element("span"), element("span")]));
    this.lines = this.node.appendChild(element("ol", "lines"));
  }

  draw(model, id) {
    const shard = model.shards.find((each) => each.id === id);
    setText(byId("detail-title"), `Shard ${id}`);
    setPieces(byId("detail-note"), [["", shard ? this.#said(shard, model) : "nothing is known of it"]]);
    setText(byId("detail-end"), "Esc closes");
    this.#ask(id);
    this.#drawBar(model, id);
    this.#drawLines(model);
  }

  #said({ leader, term, since, candidates }, { at, byNode }) {
    const age = formatDuration(Math.max(0, at - since));
    if (leader === null) return `term ${term}, no leader for ${age}${candidates ? `, ${candidates} candidate${candidates > 1 ? "s" : ""}` : ""}`;
    return leader === undefined ? "its leader is not known" : `term ${term}, led by ${byNode.get(leader)?.short ?? leader} for ${age}`;
  }

  #drawBar(model, id) {
    const { page } = this;
    const [canvas, names] = this.bar.children;
    const width = Math.max(50, this.bar.clientWidth);
    const [from, to] = page.bufferRange();
    const scale = (at) => ((at - from) / (to - from)) * width;
    const context = prepare(canvas, width, BAR + 8);
    setText(this.caption, `leader, ${formatDuration(Math.round((to - from) / 60_000) * 60_000)}`);
    context.fillStyle = theme.raise;
    context.fillRect(0, 4, width, BAR);
    hatch(context, 0, 4, width, BAR, theme.line2);
    const labels = [];
    page.store.story.shards.get(id)?.leaders.between(from, to, (begin, end, { leader }) => {
      const [x, right] = [scale(begin), Math.max(scale(end), scale(begin) + 3)];
      const node = leader === null ? undefined : model.byNode.get(leader);
      context.fillStyle = leader === null ? theme.red : node?.colour === undefined ? theme.base : theme.node[node.colour];
      context.globalAlpha = begin > model.at ? 0.5 : 1;
      context.fillRect(x, 4, right - x, BAR);
      context.globalAlpha = 1;
      context.fillStyle = theme.bg;
      context.fillRect(right - 1, 4, 1, BAR);
      if (node && right - x > 40) labels.push([x, node.short]);
    });
    if (!page.time.isLive) {
      context.fillStyle = theme.text;
      context.fillRect(Math.round(scale(model.at)) - 1, 0, 2, BAR + 8);
    }
    const spans = pool(names, labels.length, () => element("span"));
    labels.forEach(([x, text], index) => {
      setText(spans[index], text);
      setStyle(spans[index], "left", `${x + 6}px`);
    });
    setText(this.ends.children[0], formatClock(from).slice(0, 5));
    setText(this.ends.children[1], formatClock(to).slice(0, 5));
  }

  #drawLines({ at, byNode }) {
    const short = (node) => byNode.get(node)?.short ?? String(node);
    const known = this.#events.filter((each) => each.at <= at).slice(-MAX_LINES).reverse();
    const room = Math.max(3, Math.floor((this.lines.clientHeight || 120) / 18));
    const lines = pool(this.lines, Math.min(room, known.length), () => element("li", "", [element("time"), element("span", "text"), element("span", "value")]));
    known.slice(0, room).forEach(({ event, at: when }, index) => {
      const said = describe(event, short);
      setText(lines[index].children[0], formatEventClock(when));
      setText(lines[index].children[1], said.text);
      setText(lines[index].children[2], said.value);
    });
    setHidden(this.lines, known.length === 0);
  }

  async #ask(id) {
    const { page } = this;
    const [from, to] = page.bufferRange();
    const key = `${id}`;
    const now = performance.now();
    if (key === this.#asked.key && now - this.#asked.at < ASK_EVERY_MS) return;
    if (key !== this.#asked.key) this.#events = [];
    this.#asked = { key, at: now };
    const answer = await this.#latest.ask("api/history", { types: "raft,shard", shards: id, from: Math.floor(from), to: Math.ceil(to), limit: 2_000 });
    if (!answer || key !== this.#asked.key) return;
    this.#events = answer.batches.flatMap((each) => each.events.map((event) => ({ event, at: placed(event.ts, each.window_start, each.window_end) })));
    page.changed();
  }
}
