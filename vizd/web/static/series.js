/**
 * What the strips draw curves from: fsyncs, pressure and counts a step, as `/api/timeline` tells them.
 *
 * A ring: a step of time has one place, so the newest seconds can be written again and again and nothing moves.
 */

/** More than the 360 steps of the longest window, with room for what came next. */
const STEPS = 512;
const FIELDS = { p50: "fsync_p50", p99: "fsync_p99", max: "fsync_max", pressure: "pressure" };
export const TYPES = ["wal", "compaction", "lsm", "raft", "swim", "shard", "cache", "heat"];

export class Series {
  constructor() {
    this.clear(1000);
  }

  clear(stepMs) {
    this.version = (this.version ?? 0) + 1;
    this.stepMs = stepMs;
    this.first = 0;
    this.behind = 0;
    this.nodes = new Map();
    this.counts = Object.fromEntries(TYPES.map((type) => [type, nothing()]));
  }

  /** [from, to) in ms of what is held. */
  get range() {
    return [this.first * this.stepMs, this.behind * this.stepMs];
  }

  /** Take an answer. One of other steps, or that does not touch what is held, replaces everything. */
  take(answer) {
    const count = answer.counts.wal.length;
    if (answer.from === null || count === 0) return;
    const from = answer.from / answer.step_ms;
    if (answer.step_ms !== this.stepMs || from > this.behind || from + count < this.first || this.behind === 0) {
      this.clear(answer.step_ms);
      this.first = this.behind = from;
    }
    const first = Math.min(this.first, from);
    const behind = Math.max(this.behind, from + count);
    this.#forget(this.behind, behind);
    this.#forget(first, this.first);
    this.behind = behind;
    this.first = Math.max(first, behind - STEPS);
    this.version += 1;
    for (const type of TYPES) write(this.counts[type], from, answer.counts[type]);
    for (const node of answer.nodes) {
      if (!this.nodes.has(node.node)) this.nodes.set(node.node, Object.fromEntries(Object.keys(FIELDS).map((field) => [field, nothing()])));
      const columns = this.nodes.get(node.node);
      for (const [field, name] of Object.entries(FIELDS)) write(columns[field], from, node[name]);
    }
  }

  /** The newest step that is held and not after `at`. */
  newest(at) {
    return Math.min(this.behind - 1, Math.floor(at / this.stepMs));
  }

  /** The value of a step; NaN: none. */
  value(node, field, step) {
    if (step < this.first || step >= this.behind) return NaN;
    return this.nodes.get(node)?.[field][step % STEPS] ?? NaN;
  }

  /** The newest value at `at`, or up to `backMs` before it; NaN: none. */
  lastValue(node, field, at, backMs = 15_000) {
    const until = Math.floor((at - backMs) / this.stepMs);
    for (let step = this.newest(at); step >= Math.max(until, this.first); step--) {
      const value = this.value(node, field, step);
      if (!Number.isNaN(value)) return value;
    }
    return NaN;
  }

  /** All values of [from, to) that there are, oldest first. */
  values(node, field, from, to) {
    const found = [];
    for (let step = Math.max(this.first, Math.ceil(from / this.stepMs)); step <= this.newest(to); step++) {
      const value = this.value(node, field, step);
      if (!Number.isNaN(value)) found.push(value);
    }
    return found;
  }

  /** Events of a step, of all types or of some; NaN where there is no data. */
  count(step, types = TYPES) {
    if (step < this.first || step >= this.behind) return NaN;
    return types.reduce((sum, type) => sum + this.counts[type][step % STEPS], 0);
  }

  #forget(from, to) {
    for (let step = Math.max(from, to - STEPS); step < to; step++) {
      for (const type of TYPES) this.counts[type][step % STEPS] = NaN;
      for (const columns of this.nodes.values()) for (const field in columns) columns[field][step % STEPS] = NaN;
    }
  }
}

function nothing() {
  return new Float32Array(STEPS).fill(NaN);
}

function write(column, from, values) {
  for (let index = Math.max(0, values.length - STEPS); index < values.length; index++) {
    column[(from + index) % STEPS] = values[index] ?? NaN;
  }
}
