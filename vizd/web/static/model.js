/**
 * The cluster at one instant, put together from what is held: what rows, cells and the verdict are drawn from. Pure.
 */

const FSYNC_LIMIT_MS = 100;
/** A change of pressure below this within a minute is none. */
const MOVED = 0.05;
const MINUTE_MS = 60_000;

/**
 * @param {object} store @param {object} roster of `roster.js` @param {object} strain the store's own or one of the past
 * @param {number} at ms @param {number} oldest before it nothing is stored, and nothing known @returns {object} `{at, nodes, shards, leaderless, byNode, hasSwim}`
 */
export function modelAt(store, roster, strain, at, oldest = -Infinity) {
  const shards = [...store.story.shards.keys()].sort((one, other) => one - other).map((id) => shardAt(store.story, id, at)).filter(Boolean);
  const leads = new Map();
  for (const { leader } of shards) if (leader !== undefined && leader !== null) leads.set(leader, (leads.get(leader) ?? 0) + 1);
  const nodes = roster.nodes.map((each) => nodeAt(store, strain, each, at, leads.get(each.id) ?? 0, oldest));
  const byNode = new Map(nodes.map((each) => [each.id, each]));
  for (const shard of shards) shard.isSuspect = byNode.get(shard.leader)?.status === "suspect";
  return { at, nodes, byNode, shards, leads, leaderless: shards.filter((each) => each.leader === null), hasSwim: [...store.story.nodes.values()].some((each) => each.times[0] <= at) };
}

function shardAt(story, id, at) {
  const now = story.leadership(id, at);
  const phase = story.moving(id, at);
  if (!now && phase === undefined) return undefined;
  if (!now) return { id, leader: undefined, phase };
  const { leader, term, why, before } = now.value;
  const first = story.shards.get(id).leaders.times[0];
  const candidates = leader === null ? story.candidates(id, now.at, at).size : 0;
  return { id, leader, term, why, before, since: now.at, changedAt: now.at > first ? now.at : undefined, candidates, phase };
}

function nodeAt(store, strain, { id, name, short, colour, notch }, at, leads, oldest) {
  const { series, coverage } = store;
  const swim = store.story.liveness(id, at);
  const hole = coverage.disconnectedAt(id, at);
  const p99 = series.lastValue(id, "p99", at);
  const pressure = series.lastValue(id, "pressure", at, 30_000);
  const before = series.lastValue(id, "pressure", at - MINUTE_MS, 30_000);
  const moved = pressure - before;
  const [status, since] = at < oldest ? ["nodata", undefined] : statusOf(swim, hole);
  const stall = strain.stall(id, at);
  const isSilent = status === "dead" || status === "left" || status === "nodata";
  return {
    id, name, short, colour, notch, status, since, leads,
    p99: isSilent ? NaN : p99,
    slowSince: p99 >= FSYNC_LIMIT_MS && !isSilent ? slowSince(series, id, at) : undefined,
    pressure: isSilent ? NaN : pressure,
    limit: strain.limit(id),
    moving: moved > MOVED ? 1 : moved < -MOVED ? -1 : 0,
    stall: isSilent ? undefined : stall,
    cutAt: strain.cut(id, at),
    losses: coverage.losses(id, 0, Infinity),
  };
}

/** Swim's word before the stream's: a dead node sends nothing, and that is no second trouble. */
function statusOf(swim, hole) {
  if (swim && swim.value !== "alive") return [swim.value, swim.at];
  if (hole) return ["nodata", hole.from];
  if (swim) return ["alive", swim.at];
  return hole === undefined ? ["nodata", undefined] : ["connected", undefined];
}

function slowSince(series, id, at) {
  let since = at;
  for (let step = series.newest(at); step >= series.first; step--) {
    const value = series.value(id, "p99", step);
    if (value < FSYNC_LIMIT_MS) break;
    if (!Number.isNaN(value)) since = step * series.stepMs;
    else if (since - step * series.stepMs > MINUTE_MS / 10) break;
  }
  return since;
}

/** Whether the node's pressure is over its own limit. */
export const isOverLimit = (node) => node.limit !== undefined && node.pressure > node.limit;

/** How bad a node's state is; 0: nothing is wrong. */
export function trouble(node) {
  if (node.status === "dead") return 5;
  if (node.status === "suspect") return 4;
  if (node.status === "nodata") return 3;
  if (isOverLimit(node) || node.stall) return 2;
  return node.slowSince !== undefined && node.p99 >= FSYNC_LIMIT_MS ? 1 : 0;
}
