/**
 * What presses on the nodes, from storage events: the limit of write pressure, L0 stalls, cut WALs.
 */

/** A stall is over when no L0Stall came for this long: it has no event of its own for its end. */
const STALL_OVER_MS = 5_000;
/** Stalls further apart than this are drawn apart. */
const RUN_MS = 2_000;
/** Runs that are kept for drawing; an hour of stalls of a few nodes. */
const MAX_RUNS = 2_000;

export class Strain {
  /** `since` is the instant from which on all stalls are known. */
  constructor() {
    this.limits = new Map();
    this.cuts = new Map();
    this.runs = [];
    this.open = new Map();
    this.since = undefined;
  }

  /** As `fold`, of an event that says only what was newest: it tells nothing of the time since. */
  known(event, at) {
    const { since } = this;
    this.fold(event, at);
    this.since = since;
  }

  /** Take a Wal or Lsm event; `at` in ms. Others are not looked at. */
  fold({ event: { type, data } }, at) {
    this.since ??= at;
    if (type === "Lsm") {
      if (data.kind.kind === "WritePressureUpdate") this.limits.set(data.node, data.kind.threshold);
      else if (data.kind.kind === "L0Stall") this.#stall(data.node, data.kind, at);
    } else if (type === "Wal" && data.kind.kind === "CorruptionTruncated") {
      this.cuts.set(data.node, Math.max(at, this.cuts.get(data.node) ?? 0));
    }
  }

  /** 0 to 1, the node's own; undefined: it never said. */
  limit(node) {
    return this.limits.get(node);
  }

  /** `{from, to, files, threshold}` of the stall that goes on at `at`, or undefined. */
  stall(node, at) {
    let found;
    for (let index = this.runs.length - 1; index >= 0; index--) {
      const run = this.runs[index];
      if (run.node !== node || run.from > at) continue;
      if (!found && run.to + STALL_OVER_MS < at) return undefined;
      if (found && run.to + STALL_OVER_MS < found.from) break;
      found = found ? { ...found, from: run.from } : { ...run };
    }
    return found;
  }

  /** When the node's WAL was cut last, not after `at`. */
  cut(node, at) {
    const when = this.cuts.get(node);
    return when <= at ? when : undefined;
  }

  #stall(node, { file_count: files, threshold }, at) {
    let run = this.open.get(node);
    if (run && at >= run.from && at <= run.to + RUN_MS) {
      run.to = Math.max(run.to, at);
      run.files = files;
      run.threshold = threshold;
      run.count += 1;
      return;
    }
    if (run && at < run.from) {
      if (at >= run.from - RUN_MS) run.from = at;
      return;
    }
    run = { node, from: at, to: at, files, threshold, count: 1 };
    this.open.set(node, run);
    this.runs.push(run);
    if (this.runs.length > MAX_RUNS) this.runs.splice(0, MAX_RUNS / 10);
  }
}
