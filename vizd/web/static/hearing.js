/**
 * What the daemon says on the stream of the state, and what the page does about it.
 */
import { Connection } from "./connection.js";
import { askForToken } from "./prompt.js";
import { readTheme } from "./theme.js";

const MAX_KBPS = "150";

export class Hearing {
  constructor(page) {
    this.page = page;
    this.connection = undefined;
  }

  /** Connect; again after a token was given. */
  async start() {
    const { page } = this;
    const refused = () => this.#refused();
    // Names first: who led is told by who is a node.
    await page.fetches.coverageNow().catch((error) => error.status === 401 && refused());
    if (page.isRefused) return;
    const query = new URLSearchParams({ json: "true", max_kbps: MAX_KBPS, findings: "true" });
    this.connection?.close();
    this.connection = new Connection(query, { message: (message, heardMs) => this.#hear(message, heardMs), status: () => this.#status() });
    this.connection.open();
    page.fetches.start(refused);
    page.events.start();
  }

  #hear(message, heardMs) {
    const { page } = this;
    const { time, store } = page;
    switch (message.type) {
      case "connected":
        time.tell(message.server_time_ms, heardMs);
        page.oldestAt = message.oldest_timestamp_ms ?? undefined;
        if (!time.isLive) this.connection.send({ type: "pause" });
        if (!page.isTold) page.fetches.again();
        if (!time.isLive) page.settle();
        break;
      case "pong":
        time.tell(message.timestamp_ms + (this.connection.roundTripMs ?? 0) / 2, heardMs);
        break;
      case "batch":
        this.#batch(message);
        break;
      case "gap":
        if (message.reason === "restart") {
          store.forget();
          page.isTold = false;
        }
        page.fetches.again();
        break;
      case "finding":
        store.findings.update(message);
        break;
    }
    page.changed();
  }

  #batch(message) {
    const { page } = this;
    // The first events of an empty daemon: from here on there is a past to ask for.
    if (page.oldestAt === undefined && message.data.events.length) {
      page.oldestAt = message.data.window_start;
      page.fetches.again();
    }
    const changed = page.store.batch(message);
    if (!message.snapshot) page.scene.shards.flash(changed);
  }

  #status() {
    const { page } = this;
    const { isStale } = this.connection;
    if (isStale !== document.documentElement.hasAttribute("data-stale")) {
      document.documentElement.toggleAttribute("data-stale", isStale);
      readTheme();
      if (!isStale) page.fetches.soon();
    }
    page.invalidate();
  }

  #refused() {
    const { page } = this;
    page.isRefused = true;
    this.connection?.close();
    page.invalidate();
    askForToken(() => {
      page.isRefused = false;
      this.start();
    });
  }
}
