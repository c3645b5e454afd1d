/**
 * What keeps the verdict calm: a clause that came stays readable, and a screen reader hears only what is new. Pure; the
 * time comes from outside.
 */

/** A clause that came stays for this long, even if what it says was over before: long enough to read it. */
export const STAYS_MS = 2_000;

/** Clauses of one kind after the other, by kind: as many as there are kinds. */
export class Hold {
  #kinds = new Map();

  /**
   * The clauses to say at `now`: all of `clauses`, at once, and those that went before they had stayed. One that is kept
   * says what it said last.
   *
   * @param {object[]} clauses of `clauses.js`, worst first @param {number} now ms of any clock that goes forward
   */
  pass(clauses, now) {
    const before = [...this.#kinds.values()];
    const kinds = new Map(clauses.map((clause) => [clause.kind, { clause, came: this.#kinds.get(clause.kind)?.came ?? now }]));
    const kept = before.filter(({ clause, came }) => !kinds.has(clause.kind) && now - came < STAYS_MS && now >= came);
    for (const each of kept) kinds.set(each.clause.kind, each);
    this.#kinds = kinds;
    return [...kinds.values()].map(({ clause }) => clause).sort((one, other) => one.rank - other.rank);
  }

  /** Forget what was: the page went to another instant, or lost its stream. */
  clear() {
    this.#kinds.clear();
  }
}

/** Says when a live region is to be read out: only when the kind or the subject of the first clause is another. */
export class Announcer {
  #last;

  /** @param {{kind: string, subject: string}} said a verdict @returns {boolean} */
  isNew({ kind, subject }) {
    const last = this.#last;
    this.#last = { kind, subject };
    return last === undefined || last.kind !== kind || last.subject !== subject;
  }
}
