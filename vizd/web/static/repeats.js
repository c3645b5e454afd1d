/** What was shown while it was not stored yet (`provisional`) comes again when it is: then it is left out. */
export class Repeats {
  #shownTo = 0;

  /** Whether everything in this message was shown before. */
  has({ type, provisional, snapshot, data }) {
    if (type !== "batch" || snapshot) return false;
    if (provisional) this.#shownTo = Math.max(this.#shownTo, data.window_end);
    return !provisional && data.window_end <= this.#shownTo;
  }
}
