/**
 * What the daemon's rules found, as the attention list shows it. Which rules there are is the daemon's business: one
 * that is not known here is told by its name.
 */

/** As many as the daemon itself keeps. */
const MAX_FINDINGS = 1_000;
const SEVERITIES = ["critical", "warning", "info"];

/** Glyph and words of the rules that have their own, behind the node's or shard's short name: while it is so, and when it is over. */
const RULES = {
  "two-leaders": ["noleader", "has two leaders", "had two leaders"],
  "term-back": ["noleader", "went back in its terms", "went back in its terms"],
  "shard-without-leader": ["noleader", "has no leader", "had no leader"],
  "election-storm": ["suspect", "elects again and again", "elected again and again"],
  "cutover-without-snapshot": ["noleader", "cut over, no snapshot", "cut over, no snapshot"],
  "node-dead": ["dead", "is dead", "was dead"],
  "node-suspected": ["suspect", "is suspect", "was suspect"],
  "swim-flapping": ["suspect", "comes and goes", "came and went"],
  "two-processes": ["suspect", "runs twice", "ran twice"],
  "node-silent": ["nodata", "sends no data", "sent no data"],
  "node-lossy": ["limit", "lost events", "lost events"],
  "clock-skew": ["limit", "has its clock off", "had its clock off"],
  "stall-without-compaction": ["limit", "stalls, none compacts", "stalled, none compacted"],
  "write-pressure": ["limit", "has high write pressure", "had high write pressure"],
  "fsync-slow": ["limit", "fsyncs slowly", "fsynced slowly"],
  "compaction-unfinished": ["limit", "has a compaction that hangs", "had a compaction that hung"],
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

/** `{glyph, title}` of a finding. @param {(node: number) => string} short @param {boolean} isOver */
export function titled({ rule, severity, subject }, short, isOver = false) {
  const ofNode = subject.node === undefined ? "" : short(subject.node);
  const ofShard = subject.shard === undefined ? "" : ofNode ? `s${subject.shard}` : `Shard ${subject.shard}`;
  const who = [ofNode, ofShard].filter(Boolean).join(" ") || "The cluster";
  const known = RULES[rule];
  if (known) return { glyph: known[0], title: `${who} ${known[isOver ? 2 : 1]}` };
  return { glyph: severity === "critical" ? "noleader" : "limit", title: `${who}: ${rule.replaceAll("-", " ")}` };
}
