/**
 * What one thing was, and since when: values in order of time, each lasting until the next.
 */

/** Of one subject; a shard in an election storm for an hour stays below it. */
const MAX_CHANGES = 600;

export class Changes {
  constructor() {
    this.times = [];
    this.values = [];
  }

  get last() {
    return this.values[this.values.length - 1];
  }

  /** From `at` (ms) on it is `value`; a time before the newest one counts as the newest. */
  push(at, value) {
    const newest = this.times[this.times.length - 1] ?? -Infinity;
    this.times.push(Math.max(at, newest));
    this.values.push(value);
    if (this.times.length > MAX_CHANGES) {
      this.times.splice(0, MAX_CHANGES / 4);
      this.values.splice(0, MAX_CHANGES / 4);
    }
    return this.times[this.times.length - 1];
  }

  /** The place of what it was at `at`; -1 before anything was known. */
  indexAt(at) {
    return lastNotAfter(this.times, at);
  }

  /** `{at, value}` of what it was at `at`, or undefined. */
  at(at) {
    const index = this.indexAt(at);
    return index < 0 ? undefined : { at: this.times[index], value: this.values[index] };
  }

  /** Calls `each(from, to, value)` for every span that has a part in [from, to); what still lasts ends at `to`. */
  between(from, to, each) {
    for (let index = Math.max(0, this.indexAt(from)); index < this.times.length && this.times[index] < to; index++) {
      each(Math.max(from, this.times[index]), Math.min(to, this.times[index + 1] ?? to), this.values[index], this.times[index]);
    }
  }
}

/** The last place in rising `times` that is not after `at`; -1: all are. */
export function lastNotAfter(times, at) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
