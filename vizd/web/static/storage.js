/**
 * One node's storage: heat of its slots, files in L0, compactions, flushes, caches. Of the selected node alone, so what
 * a large cluster tells of all its slots never has to be held.
 */

/** Slots of one node with their shards; what is beyond is left out, and the hottest of the rest is shown. */
const MAX_HEATS = 40_000;
const COMPACTION_PHASES = { Scheduled: "queued", Start: "running", Progress: "running", Finish: "done" };
/** A compaction that told nothing for so long is not shown: its end may have been missed. */
const FORGOTTEN_AFTER_MS = 120_000;

export class Storage {
  /** @param {number} node whose storage it is. */
  constructor(node) {
    this.node = node;
    this.levels = new Map();
    this.compactions = new Map();
    this.flushes = new Map();
    this.caches = new Map();
    this.heats = 0;
    this.version = 0;
  }

  /** Take an event; those of other nodes and types are not looked at. */
  fold({ event: { type, data }, node, shard = -1 }, at) {
    if (type === "Cache") {
      if (node === this.node) this.caches.set(data.name, data.hit_ratio);
    } else if (data.node !== this.node) return;
    else if (type === "SlotHeat") this.#heat(data, shard);
    else if (type === "Compaction") this.#compaction(data, shard, at);
    else if (type === "Lsm") this.#flush(data.kind, shard, at);
    else return;
    this.version += 1;
  }

  /** Shards of which any heat is known. */
  get shardCount() {
    const shards = new Set();
    for (const slots of this.levels.values()) for (const heats of slots.values()) for (const shard of heats.keys()) shards.add(shard);
    return shards.size;
  }

  /** The highest level that was ever spoken of. */
  get deepest() {
    return Math.max(0, ...this.levels.keys(), ...[...this.compactions.values()].map((each) => each.level));
  }

  /** The hottest of all shards for each slot of a level; NaN: that slot was not told. */
  heatOf(level) {
    const slots = this.levels.get(level);
    if (!slots) return [];
    const count = Math.min(256, Math.max(...slots.keys()) + 1);
    return Array.from({ length: count }, (_, slot) => (slots.has(slot) ? Math.max(...slots.get(slot).values()) : NaN));
  }

  /** What goes on at a level, the furthest first: `{phase, pct, since}`. */
  compactionsOf(level, at) {
    return [...this.compactions.values()]
      .filter((each) => each.level === level && each.phase !== "done" && at - each.at < FORGOTTEN_AFTER_MS)
      .sort((one, other) => (other.pct ?? -1) - (one.pct ?? -1));
  }

  running(at) {
    return [...this.compactions.values()].filter((each) => each.phase === "running" && at - each.at < FORGOTTEN_AFTER_MS).length;
  }

  /** `{since}` of the flush that runs longest, or `{at, bytes}` of the last one, or undefined. */
  flush() {
    const all = [...this.flushes.values()];
    const running = all.filter((each) => each.since !== undefined).sort((one, other) => one.since - other.since);
    return running[0] ?? all.sort((one, other) => other.at - one.at)[0];
  }

  #heat({ level, slot, heat }, shard) {
    if (!this.levels.has(level)) this.levels.set(level, new Map());
    const slots = this.levels.get(level);
    if (!slots.has(slot)) slots.set(slot, new Map());
    const heats = slots.get(slot);
    if (!heats.has(shard)) {
      if (this.heats >= MAX_HEATS) return;
      this.heats += 1;
    }
    heats.set(shard, heat);
  }

  #compaction({ level, kind }, shard, at) {
    const phase = COMPACTION_PHASES[kind.kind];
    if (!phase) return;
    const key = `${shard}/${level}`;
    const before = this.compactions.get(key);
    if (before && before.at > at) return;
    const goesOn = before && phase === "running" && before.phase === "running";
    this.compactions.delete(key);
    this.compactions.set(key, { level, shard, phase, pct: kind.pct, since: goesOn ? before.since : at, at });
    if (this.compactions.size > 4_096) this.compactions.delete(this.compactions.keys().next().value);
  }

  #flush(kind, shard, at) {
    if (this.flushes.get(shard)?.at > at) return;
    if (kind.kind === "FlushStart") this.flushes.set(shard, { since: at, at });
    else if (kind.kind === "FlushComplete") this.flushes.set(shard, { at, bytes: kind.bytes });
    if (this.flushes.size > 4_096) this.flushes.delete(this.flushes.keys().next().value);
  }
}
