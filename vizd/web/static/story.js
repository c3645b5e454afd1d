/**
 * The rare events told as a story: who was alive, who led which shard, what moved; at any instant of the buffer.
 *
 * A fold over Raft, Swim and Shard events in the order of the log. It asks no clock; `at` is the daemon's time in ms.
 * A leader is `data.node` if that node is known, else who published the election: today's nodes say a hash there.
 */
import { Changes } from "./changes.js";

/** Changes of the whole cluster that are kept for the tape and for going from one to the next. */
const MAX_CHANGES = 10_000;
/** Votes of one shard, for "n candidates". */
const MAX_VOTES = 60;
const STATUS = { Alive: "alive", Suspect: "suspect", Confirm: "dead", Leave: "left" };
const PHASES = ["Plan", "SnapshotStart", "SnapshotDone", "Cutover"];

export class Story {
  /** @param {(node: number) => boolean} isNode whether a node with this id ever said Hello. */
  constructor(isNode = () => false) {
    this.isNode = isNode;
    this.nodes = new Map();
    this.shards = new Map();
    this.changes = [];
    this.gaps = [];
    this.seen = { Raft: false, Swim: false, Shard: false };
  }

  /**
   * Take an event as the daemon tells it. Returns the change that it made, if it made one.
   * @param {boolean} isSnapshot it says what was at `at`; what is known since then stays.
   */
  fold(event, at, isSnapshot = false) {
    const { type, data } = event.event;
    if (isSnapshot && this.#isKnownSince(type, data, at)) return undefined;
    if (type === "Swim") return this.#swim(data, at);
    if (type === "Raft") return this.#raft(data, event.node, at);
    if (type === "Shard") return this.#move(data, at);
    return undefined;
  }

  /** `{at, value}`: alive, suspect, dead or left, and since when; undefined where Swim said nothing. */
  liveness(node, at) {
    return this.nodes.get(node)?.at(at);
  }

  /** `{at, value: {leader, term, why, before}}`; leader null: it has none. undefined: nothing known. */
  leadership(shard, at) {
    return this.shards.get(shard)?.leaders.at(at);
  }

  /** 1 to 4: how far a move of the shard is; undefined when none goes on. */
  moving(shard, at) {
    const phase = this.shards.get(shard)?.moves.at(at);
    return phase && phase.value < PHASES.length ? phase.value : undefined;
  }

  /** Who asked for votes in [from, to]: node ids. */
  candidates(shard, from, to) {
    const votes = this.shards.get(shard)?.votes ?? [];
    return new Set(votes.filter((each) => each.at >= from && each.at <= to).map((each) => each.from));
  }

  /** The most shards without a leader in each of `columns` equal parts of [from, to). */
  leaderlessColumns(from, to, columns) {
    const steps = new Float64Array(columns + 1);
    const width = (to - from) / columns;
    for (const gap of this.gaps) {
      const end = gap.to ?? Infinity;
      if (end <= from || gap.from >= to) continue;
      const first = Math.max(0, Math.floor((gap.from - from) / width));
      const last = Math.min(columns - 1, Math.floor((Math.min(end, to) - from) / width));
      steps[first] += 1;
      steps[last + 1] -= 1;
    }
    let sum = 0;
    return Array.from({ length: columns }, (_, index) => (sum += steps[index]));
  }

  /** The change next to `at`, in the direction of `sign`; undefined if there is none. */
  next(at, sign) {
    const some = sign > 0 ? this.changes.filter((each) => each.at > at) : this.changes.filter((each) => each.at < at);
    return some.reduce((best, each) => (!best || (each.at - best.at) * sign < 0 ? each : best), undefined);
  }

  #isKnownSince(type, data, at) {
    const shard = this.shards.get(data.shard);
    const known = { Swim: this.nodes.get(data.node), Raft: shard?.leaders, Shard: shard?.moves }[type];
    return known !== undefined && known.times[known.times.length - 1] > at;
  }

  #note(change) {
    this.changes.push(change);
    if (this.changes.length > MAX_CHANGES) this.changes.splice(0, MAX_CHANGES / 10);
    return change;
  }

  #swim({ node, kind }, at) {
    this.seen.Swim = true;
    const status = STATUS[kind];
    if (!status) return undefined;
    if (!this.nodes.has(node)) this.nodes.set(node, new Changes());
    const liveness = this.nodes.get(node);
    const before = liveness.last;
    if (before === status) return undefined;
    at = liveness.push(at, status);
    if (status === "dead" || status === "left") {
      for (const [shard, each] of this.shards) if (each.leaders.last?.leader === node) this.#lose(shard, each, at, status);
    }
    return before === undefined && status === "alive" ? undefined : this.#note({ at, type: "Swim", node, status, before });
  }

  #raft(data, publisher, at) {
    this.seen.Raft = true;
    const shard = this.#shard(data.shard);
    const newest = shard.leaders.last;
    const term = data.term;
    if (data.kind.kind === "VoteReq") {
      shard.votes.push({ at, from: data.kind.from, term });
      if (shard.votes.length > MAX_VOTES) shard.votes.shift();
      return undefined;
    }
    if (newest && term < newest.term) return undefined;
    if (data.kind.kind === "LeaderElected") return this.#elect(data.shard, shard, data, publisher, at);
    if (data.kind.kind !== "StepDown" || newest?.leader === null) return undefined;
    if (newest && term === newest.term && publisher !== newest.leader && publisher !== newest.by) return undefined;
    return this.#lose(data.shard, shard, at, "stepped down", term);
  }

  #elect(id, shard, { term, kind }, publisher, at) {
    const newest = shard.leaders.last;
    const leader = this.isNode(kind.node) || this.nodes.has(kind.node) ? kind.node : publisher;
    if (newest?.leader === leader) {
      newest.term = term;
      return undefined;
    }
    at = shard.leaders.push(at, { leader, term, by: publisher, before: newest?.leader ?? newest?.before });
    if (shard.gap) shard.gap.to = at;
    shard.gap = undefined;
    if (newest === undefined) return undefined;
    return this.#note({ at, type: "Raft", shard: id, leader, before: newest.leader ?? newest.before, lost: newest.leader });
  }

  #lose(id, shard, at, why, term = shard.leaders.last?.term ?? 0) {
    const before = shard.leaders.last?.leader;
    at = shard.leaders.push(at, { leader: null, term, why, before });
    shard.gap = { shard: id, from: at, to: undefined };
    this.gaps.push(shard.gap);
    if (this.gaps.length > MAX_CHANGES) this.gaps.splice(0, MAX_CHANGES / 10);
    return this.#note({ at, type: "Raft", shard: id, leader: null, before, why });
  }

  #move({ shard: id, kind }, at) {
    this.seen.Shard = true;
    const shard = this.#shard(id);
    const phase = PHASES.indexOf(kind) + 1;
    if (!phase || shard.moves.last === phase) return undefined;
    const isNew = shard.moves.last === undefined && kind === "Cutover";
    at = shard.moves.push(at, phase);
    return isNew ? undefined : this.#note({ at, type: "Shard", shard: id, kind });
  }

  #shard(id) {
    if (!this.shards.has(id)) this.shards.set(id, { leaders: new Changes(), moves: new Changes(), votes: [], gap: undefined });
    return this.shards.get(id);
  }
}
