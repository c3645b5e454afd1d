/**
 * What the daemon's rules found, with how long it has been so. A click goes to where it began.
 */
import { byId, element, pool, setAttribute, setHidden, setPieces, setText } from "./dom.js";
import { titled } from "./findings.js";
import { formatClock, formatDuration } from "./numbers.js";

const MAX_SHOWN = 5;
const MAX_SHOWN_PHONE = 3;
/** The moment itself and a little of what led to it. */
const AFTER_MS = 1_000;
/** What ended longer ago is not in the list any more. */
const ENDED_SHOWN_MS = 15 * 60_000;

export class Attention {
  constructor(page) {
    this.page = page;
    this.list = byId("findings");
  }

  draw({ at, byNode }) {
    const { store, time, isPhone } = this.page;
    const { findings } = store;
    const short = (node) => byNode.get(node)?.short ?? String(node);
    const { open, ended } = findings.at(at, time.isLive);
    const most = isPhone ? MAX_SHOWN_PHONE : MAX_SHOWN;
    const recent = ended.filter((each) => at - each.last_ms < ENDED_SHOWN_MS);
    const shown = open.length > most ? open.slice(0, most - 1) : [...open, ...(isPhone ? [] : recent)].slice(0, most);
    const isCalm = open.length === 0 && (time.isLive || recent.length === 0);
    setAttribute(byId("attention"), "data-calm", isCalm);
    setText(byId("attention-note"), open.length ? String(open.length) : findings.isKnown ? "nothing open" : "");
    if (isCalm) this.#calm(findings, ended[0], short, at);
    else this.#fill(shown, open, short, at);
  }

  #calm(findings, last, short, at) {
    const lines = findings.isKnown === false
      ? ["This daemon has no attention rules.", "What you see is all that it knows."]
      : findings.isKnown === undefined ? [] : ["Nothing needs you."];
    if (last) lines.push(`Last: ${titled(last, short, true).title}, for ${formatDuration(last.last_ms - last.first_ms)}, ended ${formatClock(last.last_ms).slice(0, 5)}.`);
    if (findings.noData.length) lines.push(`${findings.noData.length} ${findings.noData.length === 1 ? "rule has" : "rules have"} no data to judge.`);
    const rows = pool(this.list, 1, () => element("li"));
    setAttribute(rows[0], "title", findings.noData.length ? `No data: ${findings.noData.join(", ")}` : undefined);
    rows[0].className = "calm";
    if (rows[0].calmKey !== lines.join("\n")) {
      rows[0].replaceChildren(...lines.map((each) => element("p", "", each)));
      rows[0].calmKey = lines.join("\n");
    }
  }

  #fill(shown, open, short, at) {
    const hidden = open.length - shown.length;
    if (this.list.firstElementChild?.className === "calm") this.list.replaceChildren();
    const rows = pool(this.list, shown.length + (hidden > 0 ? 1 : 0), () => this.#makeRow());
    shown.forEach((finding, index) => {
      const row = rows[index];
      row.className = "";
      const isOpen = open.includes(finding);
      const { glyph: picture, title } = titled(finding, short, !isOpen);
      const [button] = row.children;
      const [mark, text, age, detail] = button.children;
      button.finding = finding;
      setAttribute(button, "data-open", isOpen);
      setPieces(mark, [["glyph", isOpen ? picture : "ended"]]);
      setText(text, title);
      const lasting = formatDuration(Math.max(0, (isOpen ? at : finding.last_ms) - finding.first_ms));
      setText(age, isOpen ? lasting : "ended");
      const doubt = finding.conclusive === false ? "; data is missing" : "";
      setText(detail, isOpen ? finding.detail.replace(/\.$/, "") + doubt : `${lasting}, until ${formatClock(finding.last_ms)}`);
      setAttribute(detail, "title", finding.detail);
      setHidden(button, false);
    });
    if (hidden > 0) {
      const row = rows[shown.length];
      row.className = "more";
      setHidden(row.children[0], true);
      row.dataset.more = `and ${hidden} more`;
    }
  }

  #makeRow() {
    const button = element("button", "finding", [element("span", "mark"), element("span", "title"), element("span", "age"), element("span", "detail")], { type: "button" });
    button.addEventListener("click", () => {
      const { first_ms: first, subject } = button.finding;
      if (subject.node !== undefined) this.page.select({ node: subject.node });
      else if (subject.shard !== undefined) this.page.select({ shard: subject.shard });
      this.page.goTo(first + AFTER_MS);
    });
    return element("li", "", [button]);
  }
}
