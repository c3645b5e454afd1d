/** Events as the daemon says them, for the tests. */

export const raft = (shard, term, kind, node = 1) => ({ ts: 0, node, event: { type: "Raft", data: { shard, term, kind } } });
export const elected = (shard, term, leader, publisher = leader) => raft(shard, term, { kind: "LeaderElected", node: leader }, publisher);
export const steppedDown = (shard, term, publisher) => raft(shard, term, { kind: "StepDown" }, publisher);
export const asked = (shard, term, from) => raft(shard, term, { kind: "VoteReq", from }, from);
export const granted = (shard, term, from, publisher) => raft(shard, term, { kind: "VoteGranted", from }, publisher);
export const swim = (node, kind) => ({ ts: 0, node: 1, event: { type: "Swim", data: { node, kind } } });
export const moved = (shard, kind) => ({ ts: 0, node: 1, event: { type: "Shard", data: { shard, kind } } });
export const lsm = (node, kind, shard = 0) => ({ ts: 0, node, event: { type: "Lsm", data: { node, kind } }, shard });
export const stall = (node, files = 13) => lsm(node, { kind: "L0Stall", file_count: files, threshold: 12 });
export const pressure = (node, ratio, threshold = 0.8) => lsm(node, { kind: "WritePressureUpdate", ratio, high: ratio > threshold, threshold });
export const compaction = (node, level, kind, shard = 0) => ({ ts: 0, node, event: { type: "Compaction", data: { node, level, kind } }, shard });
export const heat = (node, level, slot, value, shard = 0) => ({ ts: 0, node, event: { type: "SlotHeat", data: { node, level, slot, heat: value, k: 4 } }, shard });
export const cache = (node, name, ratio) => ({ ts: 0, node, event: { type: "Cache", data: { name, hit_ratio: ratio } } });

/** An answer of `/api/timeline`: `nodes` as `{id: {p99: [..], pressure: [..]}}`. */
export function timeline(from, stepMs, counts, nodes = {}) {
  const none = counts.map(() => null);
  const types = ["wal", "compaction", "lsm", "raft", "swim", "shard", "cache", "heat"];
  return {
    from,
    step_ms: stepMs,
    counts: Object.fromEntries(types.map((type) => [type, type === "wal" ? counts : counts.map((each) => (each === null ? null : 0))])),
    nodes: Object.entries(nodes).map(([id, { p99 = none, pressure: ratios = none }]) => ({
      node: Number(id), name: `node-${id}`, fsync_p50: none, fsync_p99: p99, fsync_max: none, pressure: ratios, liveness: none, coverage: none,
    })),
  };
}
