/**
 * Everything that the page knows of the cluster, folded from the daemon's messages. Pure: no socket, document or clock.
 */
import { Coverage } from "./coverage.js";
import { Findings } from "./findings.js";
import { Series } from "./series.js";
import { Storage } from "./storage.js";
import { Story } from "./story.js";
import { Strain } from "./strain.js";

/** Rare events since the page opened, to tell the story again when the buffer's own history arrives. */
const MAX_RECENT = 5_000;
/** An event whose own time is further from its window was stamped by another clock: the window's time counts. */
const TRUSTED_MS = 10_000;
const RARE = new Set(["Raft", "Swim", "Shard"]);

export class Store {
  constructor() {
    this.coverage = new Coverage();
    this.series = new Series();
    this.tape = new Series();
    this.findings = new Findings();
    this.story = this.#newStory();
    this.strain = new Strain();
    this.storage = undefined;
    this.recent = [];
    this.version = 0;
    this.lastEventAt = undefined;
    this.isEmpty = true;
  }

  /** Take a batch of the live stream, or one of its snapshot. Returns the shards whose leader changed. */
  batch({ data, snapshot }) {
    const changed = [];
    for (const event of data.events) {
      const at = snapshot ? Math.min(event.ts, data.window_end) : placed(event.ts, data.window_start, data.window_end);
      const change = this.#fold(event, at, snapshot);
      if (change?.type === "Raft" && !snapshot) changed.push(change.shard);
    }
    if (data.events.length) {
      this.isEmpty = false;
      if (!snapshot) this.lastEventAt = data.window_end;
    }
    this.version += 1;
    return changed;
  }

  /** Tell the story again: `state` as of the buffer's begin, then `batches` of its history, then what came since. */
  retell(state, batches) {
    const story = this.#newStory();
    for (const event of [...state].sort((one, other) => one.ts - other.ts)) story.fold(event, event.ts);
    for (const each of batches) {
      for (const event of each.events) story.fold(event, placed(event.ts, each.window_start, each.window_end));
    }
    for (const { event, at } of this.recent) story.fold(event, at);
    this.story = story;
    this.version += 1;
  }

  /** What stalled from `from` on, told by storage events of a while ago. */
  strained(batches, from) {
    const strain = new Strain();
    strain.since = from;
    for (const each of batches) {
      for (const event of each.events) strain.fold(event, placed(event.ts, each.window_start, each.window_end));
    }
    for (const [node, limit] of this.strain.limits) strain.limits.set(node, limit);
    for (const [node, at] of this.strain.cuts) strain.cuts.set(node, Math.max(at, strain.cuts.get(node) ?? 0));
    return strain;
  }

  /** The daemon began anew: nothing that was known of its log holds. */
  forget() {
    this.recent = [];
    this.story = this.#newStory();
    this.strain = new Strain();
    this.series.clear(1_000);
    this.tape.clear(10_000);
    this.findings.clear();
    this.version += 1;
  }

  /** Hold the storage of this node from now on. */
  look(node) {
    this.storage = new Storage(node);
    return this.storage;
  }

  /** Ids of all nodes that are spoken of. */
  nodeIds() {
    return new Set([...this.coverage.nodes.keys(), ...this.story.nodes.keys()]);
  }

  /** Events a second over the newest whole steps of `series` before `at`; NaN: not known. */
  rate(at, steps = 3) {
    const { series } = this;
    const newest = Math.min(series.behind - 1, Math.floor(at / series.stepMs));
    const counts = Array.from({ length: steps }, (_, index) => series.count(newest - 1 - index)).filter((each) => !Number.isNaN(each));
    return counts.length ? (counts.reduce((sum, each) => sum + each, 0) / counts.length / series.stepMs) * 1_000 : NaN;
  }

  #newStory() {
    return new Story((node) => this.coverage.has(node));
  }

  #fold(event, at, isSnapshot) {
    if (!isSnapshot) this.strain.fold(event, at);
    else this.strain.known(event, at);
    this.storage?.fold(event, at);
    if (!RARE.has(event.event.type)) return undefined;
    this.recent.push({ event, at });
    if (this.recent.length > MAX_RECENT) this.recent.splice(0, MAX_RECENT / 5);
    return this.story.fold(event, at, isSnapshot);
  }
}

/** When an event counts: by its own clock, unless that is too far from the window that brought it. */
export function placed(ts, start, end) {
  return ts >= start - TRUSTED_MS && ts <= end + 1_000 ? Math.min(ts, end) : end;
}
