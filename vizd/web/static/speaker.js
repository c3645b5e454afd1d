/**
 * Gives the verdict what it judges, and keeps it calm.
 */
import { clausesOf } from "./clauses.js";
import { grpcAddress } from "./empty.js";
import { Announcer, Hold } from "./hold.js";
import { lastNotAfter } from "./changes.js";
import { formatClock } from "./numbers.js";
import { verdict } from "./verdict.js";

export class Speaker {
  #hold = new Hold();
  #announcer = new Announcer();
  #wasAt = "live";

  /** `{said, announce}` of `model`, as `modelAt` made it. */
  say(model, page) {
    const judged = judge(model, page);
    const where = page.isStale ? "stale" : page.time.isLive ? "live" : "past";
    if (where !== this.#wasAt) this.#hold.clear();
    this.#wasAt = where;
    if (page.before !== undefined) return { said: beforeAll(page.before), announce: false };
    const now = clausesOf(judged);
    const said = verdict(judged, where === "live" ? this.#hold.pass(now, performance.now()) : now);
    return { said, announce: this.#announcer.isNew(said) };
  }
}

function beforeAll(oldest) {
  const first = `Nothing is stored before ${formatClock(oldest)}.`;
  return { glyph: "nodata", first, rest: "", title: `${first.slice(0, -1)} - NoriKV`, second: [] };
}

function judge(model, page) {
  const { time, store, connection, stats } = page;
  const { changes } = store.story;
  const [address] = grpcAddress(stats?.grpc);
  return {
    ...model,
    now: time.now,
    isLive: time.isLive,
    staleSince: page.isStale && time.isLive ? page.heardAt : undefined,
    link: page.isRefused ? "token" : time.isKnown || page.isStale ? "open" : "connecting",
    findings: store.findings.at(model.at, time.isLive).open,
    lastChange: changes[lastNotAfter(changes.map((each) => each.at), model.at)],
    oldest: page.oldestAt,
    holes: holesOf(store.coverage, page.oldestAt ?? 0),
    daemon: {
      reasons: page.degraded,
      upMs: stats?.uptime_ms,
      grpc: address,
      events: stats?.total_events_received,
      address: location.host,
      tries: connection?.tries,
      nextTryMs: connection?.retryAt ? Math.max(0, connection.retryAt - performance.now()) : undefined,
    },
  };
}

function holesOf({ nodes }, oldest) {
  const holes = [];
  for (const { node, connected, disconnected } of nodes.values()) {
    disconnected.forEach(({ from_ms: from, to_ms: to }, index) => {
      if (to > oldest) holes.push({ node, from, to: !connected && index === disconnected.length - 1 ? Infinity : to });
    });
  }
  return holes;
}
