/**
 * Asks for the rare events of the whole buffer, so that the store can tell its story from the begin.
 */
import { ApiError, get } from "./api.js";

const RARE = "raft,swim,shard";
/** Events an answer, and answers: an hour of a cluster in trouble. */
const HISTORY_PAGE = 5_000;
const HISTORY_PAGES = 8;
const TELL_AGAIN_MS = 3_000;

export class Telling {
  #isTelling = false;
  #tellAgain = false;

  constructor(page) {
    this.page = page;
  }

  /** The whole story of the buffer, from its begin: leaders, members, moves. Asked again while it is told, it is told once more after that. */
  async retell() {
    const { page } = this;
    if (this.#isTelling || page.oldestAt === undefined) {
      this.#tellAgain = this.#isTelling;
      return;
    }
    this.#isTelling = true;
    this.#tellAgain = false;
    try {
      await this.#tell(page.oldestAt);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#tellAgain = true;
    } finally {
      this.#isTelling = false;
    }
    if (this.#tellAgain) setTimeout(() => this.retell(), TELL_AGAIN_MS);
  }

  async #tell(from) {
    const { page } = this;
    const batches = [];
    let next = Math.floor(from);
    for (let pages = 0; next !== null && pages < HISTORY_PAGES; pages++) {
      const answer = await get("api/history", { types: RARE, from: next, limit: HISTORY_PAGE });
      batches.push(...answer.batches);
      next = answer.next_from;
    }
    // As of the first of them: earlier, there may be no state any more.
    const state = batches.length ? await get("api/state", { at: batches[0].window_end, types: RARE }) : { events: [] };
    page.store.retell(state.events, batches);
    page.isTold = true;
    page.changed();
  }
}
