/**
 * Rows of events, newest first: repeats of one key are one row with a count.
 */
import { describe } from "./describe.js";

/** What one can scroll back to; more is asked of the daemon by going to the past. */
const MAX_ROWS = 300;
/** A repeat that comes later than this after the last one is a row of its own. */
const REPEAT_WITHIN_MS = 10_000;

export class EventList {
  /** @param {(node: number) => string} short */
  constructor(short) {
    this.short = short;
    this.clear();
  }

  clear() {
    this.rows = [];
    this.byKey = new Map();
    this.version = (this.version ?? 0) + 1;
    this.newestAt = -Infinity;
  }

  /** Take an event that came at `at`; what is not newer than what `through` says was there before. */
  add(event, at) {
    this.version += 1;
    this.newestAt = Math.max(this.newestAt, at);
    const said = describe(event, this.short);
    const before = this.byKey.get(said.key);
    if (before && at - before.at <= REPEAT_WITHIN_MS) {
      this.rows.splice(this.rows.indexOf(before), 1);
      this.#insert(Object.assign(before, said, { at: Math.max(at, before.at), count: before.count + 1 }, grants(event, before, this.short)));
      return;
    }
    const row = { ...said, at, count: 1, ...grants(event, undefined, this.short) };
    this.byKey.set(said.key, row);
    this.#insert(row);
    if (this.rows.length > MAX_ROWS) {
      const gone = this.rows.pop();
      if (this.byKey.get(gone.key) === gone) this.byKey.delete(gone.key);
    }
  }

  /** The rows not after `until`, at most `count`. */
  shown(until, count) {
    const first = this.rows.findIndex((row) => row.at <= until);
    return first < 0 ? [] : this.rows.slice(first, first + count);
  }

  #insert(row) {
    let index = 0;
    while (index < this.rows.length && this.rows[index].at > row.at) index++;
    this.rows.splice(index, 0, row);
  }
}

/** Votes granted to one candidate are one row that names who gave them. */
function grants(event, before, short) {
  const { data } = event.event;
  if (data.kind?.kind !== "VoteGranted") return {};
  const from = before?.from?.includes(data.kind.from) ? before.from : [...(before?.from ?? []), data.kind.from];
  const names = from.length > 3 ? `${from.length} nodes` : from.map(short).join(", ");
  return { from, text: `${names} ${from.length > 1 ? "grant" : "grants"} ${short(event.node)}`, count: 1 };
}
