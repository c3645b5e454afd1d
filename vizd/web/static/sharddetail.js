/**
 * A shard's leaders over the whole buffer, and what led to the last of them: votes, terms, who was lost.
 */
import { Latest } from "./api.js";
import { byId, element, pool, setPieces, setStyle, setText } from "./dom.js";
import { hatch, prepare } from "./draw.js";
import { EventList } from "./eventlist.js";
import { formatClock, formatDuration, formatEventClock, formatExactDuration } from "./numbers.js";
import { placed } from "./store.js";
import { theme } from "./theme.js";

const BAR = 18;
const MAX_LINES = 40;
const TOLD_BY_STORY = new Set(["LeaderElected", "StepDown"]);
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
    this.#drawLines(model, id);
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
    setText(this.caption, `leader, ${Math.round((to - from) / 60_000)} min`);
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

  #drawLines({ at, byNode }, id) {
    const short = (node) => byNode.get(node)?.short ?? String(node);
    const told = [...votes(this.#events, short), ...turns(this.page.store.story, id, short)].filter((each) => each.at <= at).sort((one, other) => one.at - other.at);
    const room = Math.min(MAX_LINES, Math.max(3, Math.floor((this.lines.clientHeight || 120) / 18)));
    const shown = told.slice(-room);
    const lines = pool(this.lines, shown.length, () => element("li", "", [element("time"), element("span", "text"), element("span", "value")]));
    shown.forEach((each, index) => {
      setText(lines[index].children[0], formatEventClock(each.at));
      setText(lines[index].children[1], each.text);
      setText(lines[index].children[2], each.value);
    });
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

/** Who asked, and who granted: what is granted to one candidate is one line. */
function votes(events, short) {
  const list = new EventList(short);
  for (const { event, at } of events) {
    const kind = event.event.data.kind?.kind ?? event.event.data.kind;
    if (!TOLD_BY_STORY.has(kind)) list.add(event, at);
  }
  return list.rows.map(({ at, text, value }) => ({ at, text, value }));
}

/** Who led, how that ended, and for how long nobody did. */
function turns(story, id, short) {
  const { times, values } = story.shards.get(id)?.leaders ?? { times: [], values: [] };
  return values.map(({ leader, why, before, term }, index) => {
    const value = `term ${term}`;
    const at = times[index];
    const who = short(before);
    if (leader !== null) {
      const isAfterNone = index > 0 && values[index - 1].leader === null;
      return { at, value, text: `${short(leader)} elected${isAfterNone ? `, ${formatExactDuration(at - times[index - 1])} without leader` : ""}` };
    }
    if (why === "dead") return { at, value, text: `${who} confirmed dead, so its leadership is taken as lost` };
    if (why === "left") return { at, value, text: `${who} left, so its leadership is taken as lost` };
    return { at, value, text: `${before === undefined ? "its leader" : who} steps down` };
  });
}
