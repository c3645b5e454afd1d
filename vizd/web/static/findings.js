/**
 * What the daemon's rules found, as the attention list shows it. Which rules there are is the daemon's business: one
 * that is not known here is told by its name.
 */

/** As many as the daemon itself keeps. */
const MAX_FINDINGS = 1_000;
const SEVERITIES = ["critical", "warning", "info"];

/** Glyph and title of the rules that have words of their own; `who` is a node's or a shard's short name. */
const RULES = {
  "two-leaders": ["noleader", (who) => `${who} has two leaders`],
  "term-back": ["noleader", (who) => `${who}: its term went back`],
  "shard-without-leader": ["noleader", (who) => `${who} has no leader`],
  "election-storm": ["suspect", (who) => `${who} elects again and again`],
  "cutover-without-snapshot": ["noleader", (who) => `${who} cut over, no snapshot`],
  "node-dead": ["dead", (who) => `${who} is dead`],
  "node-suspected": ["suspect", (who) => `${who} is suspect`],
  "swim-flapping": ["suspect", (who) => `${who} comes and goes`],
  "two-processes": ["suspect", (who) => `${who} runs twice`],
  "node-silent": ["nodata", (who) => `${who} sends no data`],
  "node-lossy": ["limit", (who) => `${who} lost events`],
  "clock-skew": ["limit", (who) => `${who}: its clock is off`],
  "stall-without-compaction": ["limit", (who) => `${who} stalls, none compacts`],
  "write-pressure": ["limit", (who) => `${who} write pressure`],
  "fsync-slow": ["limit", (who) => `${who} fsyncs slowly`],
  "compaction-unfinished": ["limit", (who) => `${who}: a compaction hangs`],
};

export class Findings {
  constructor() {
    this.clear();
    this.isKnown = undefined;
  }

  clear() {
    this.byId = new Map();
    this.noData = [];
    this.version = (this.version ?? 0) + 1;
  }

  /** Take an answer of `/api/insight`: all there is. */
  take(answer) {
    this.isKnown = true;
    this.byId = new Map(answer.findings.map((each) => [each.id, each]));
    this.noData = answer.no_data;
    this.version += 1;
  }

  /** Take one, or a newer version of one. */
  update(finding) {
    this.isKnown = true;
    this.byId.set(finding.id, finding);
    if (this.byId.size > MAX_FINDINGS) {
      const closed = [...this.byId.values()].find((each) => !each.open);
      this.byId.delete(closed?.id ?? this.byId.keys().next().value);
    }
    this.version += 1;
  }

  /** Those of `at`, open ones first, worst first, longest first; behind them what ended not long before. */
  at(at, isLive) {
    const all = [...this.byId.values()].filter((each) => each.first_ms <= at);
    const isOpen = (each) => (isLive ? each.open : each.open || each.last_ms > at);
    const open = all.filter(isOpen).sort(worstFirst);
    const ended = all.filter((each) => !isOpen(each)).sort((one, other) => other.last_ms - one.last_ms);
    return { open, ended };
  }
}

function worstFirst(one, other) {
  return SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity) || one.first_ms - other.first_ms;
}

/** `{glyph, title}` of a finding. @param {(node: number) => string} short */
export function titled({ rule, severity, subject }, short) {
  const ofNode = subject.node === undefined ? "" : short(subject.node);
  const ofShard = subject.shard === undefined ? "" : ofNode ? `s${subject.shard}` : `Shard ${subject.shard}`;
  const who = [ofNode, ofShard].filter(Boolean).join(" ") || "The cluster";
  const known = RULES[rule];
  if (known) return { glyph: known[0], title: known[1](who) };
  return { glyph: severity === "critical" ? "noleader" : "limit", title: `${who}: ${rule.replaceAll("-", " ")}` };
}
