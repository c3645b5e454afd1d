import assert from "node:assert/strict";
import { test } from "node:test";

import { modelAt, trouble } from "../../../vizd/web/static/model.js";
import { Roster } from "../../../vizd/web/static/roster.js";
import { Store, placed } from "../../../vizd/web/static/store.js";
import { cache, compaction, elected, heat, lsm, pressure, stall, steppedDown, swim, timeline } from "./said.mjs";

const BASE = 1_765_000_000_000;

function store(nodes = [1, 2, 3]) {
  const made = new Store();
  made.coverage.take({ nodes: nodes.map((node) => ({ node, name: `node-${node}`, connected: true, lost: [], disconnected: [] })) }, BASE);
  return made;
}

const batch = (at, ...events) => ({ type: "batch", data: { window_start: at - 50, window_end: at, events: events.map((each) => ({ ...each, ts: at })) } });

function model(of, at) {
  const roster = new Roster();
  roster.update(of.nodeIds(), (id) => of.coverage.name(id));
  return modelAt(of, roster, of.strain, at);
}

test("a snapshot stands at its events' own times, a live event at its window's", () => {
  const of = store();
  of.batch({ snapshot: true, data: { window_start: BASE, window_end: BASE, events: [{ ...elected(7, 1, 1), ts: BASE - 90_000 }] } });
  assert.equal(of.story.leadership(7, BASE).at, BASE - 90_000);
  assert.equal(placed(BASE - 3_600_000, BASE, BASE + 50), BASE + 50);
  assert.equal(placed(BASE + 20, BASE, BASE + 50), BASE + 20);
});

test("a live change of leader is told, one in a snapshot is not", () => {
  const of = store();
  assert.deepEqual(of.batch({ snapshot: true, ...batch(BASE, elected(7, 1, 1)) }), []);
  assert.deepEqual(of.batch(batch(BASE + 100, elected(7, 2, 2))), [7]);
});

test("the story is told again from the buffer's begin, and what came since stays", () => {
  const of = store();
  of.batch(batch(BASE + 5_000, elected(7, 3, 3)));
  const history = [{ window_start: BASE + 1_000, window_end: BASE + 1_050, events: [{ ...elected(7, 2, 2), ts: BASE + 1_020 }] }];
  of.retell([{ ...elected(7, 1, 1), ts: BASE - 5_000 }], history);
  assert.deepEqual([0, 2_000, 6_000].map((by) => of.story.leadership(7, BASE + by).value.leader), [1, 2, 3]);
});

test("a node is alive by Swim, connected without, and without data when its stream is closed", () => {
  const of = store();
  of.coverage.nodes.get(2).connected = false;
  of.coverage.nodes.get(2).disconnected = [{ from_ms: BASE - 4_000, to_ms: BASE }];
  of.batch(batch(BASE, swim(1, "Alive")));
  const { byNode } = model(of, BASE + 1_000);
  assert.deepEqual([1, 2, 3].map((id) => byNode.get(id).status), ["alive", "nodata", "connected"]);
  assert.equal(byNode.get(2).since, BASE - 4_000);
});

test("a dead node's closed stream is no second trouble", () => {
  const of = store();
  of.coverage.nodes.get(2).disconnected = [{ from_ms: BASE - 4_000, to_ms: BASE + 10_000 }];
  of.batch(batch(BASE, swim(2, "Confirm")));
  assert.equal(model(of, BASE + 1_000).byNode.get(2).status, "dead");
});

test("each node has what it leads, and shards without a leader are counted", () => {
  const of = store();
  of.batch(batch(BASE, elected(1, 1, 1), elected(2, 1, 1), elected(10, 1, 2), steppedDown(10, 1, 2)));
  const { byNode, leaderless, shards } = model(of, BASE + 1);
  assert.equal(byNode.get(1).leads, 2);
  assert.deepEqual(leaderless.map((each) => each.id), [10]);
  assert.deepEqual(shards.map((each) => each.id), [1, 2, 10]);
});

test("pressure is over the node's own limit, and rises by what it was a minute before", () => {
  const of = store();
  of.batch(batch(BASE, pressure(3, 0.9, 0.7)));
  of.series.take(timeline(BASE - 61_000, 1_000, Array(62).fill(1), { 3: { pressure: Array.from({ length: 62 }, (_, index) => 0.4 + index / 122) } }));
  const node = model(of, BASE).byNode.get(3);
  assert.equal(node.limit, 0.7);
  assert.equal(node.moving, 1);
  assert.equal(trouble(node), 2);
});

test("fsyncs are slow since their p99 went over 100 ms", () => {
  const of = store();
  const p99 = [...Array(48).fill(5), ...Array(12).fill(300)];
  of.series.take(timeline(BASE - 60_000, 1_000, Array(60).fill(1), { 1: { p99 } }));
  const node = model(of, BASE - 500).byNode.get(1);
  assert.equal(node.p99, 300);
  assert.equal(node.slowSince, BASE - 12_000);
});

test("a stall lasts until none came for five seconds", () => {
  const of = store();
  for (let by = 0; by <= 3_000; by += 500) of.batch(batch(BASE + by, stall(2, 15)));
  assert.deepEqual(of.strain.stall(2, BASE + 4_000)?.from, BASE);
  assert.equal(of.strain.stall(2, BASE + 4_000).files, 15);
  assert.equal(of.strain.stall(2, BASE + 9_000), undefined);
});

test("the storage that is looked at is that of one node", () => {
  const of = store();
  const storage = of.look(2);
  of.batch(batch(BASE, heat(2, 1, 0, 0.2, 1), heat(2, 1, 0, 0.9, 2), heat(2, 1, 3, 0.1, 1), heat(1, 1, 0, 1, 1), cache(2, "block", 0.91), cache(1, "block", 0.5)));
  assert.deepEqual(storage.heatOf(1), [0.9, NaN, NaN, 0.1]);
  assert.equal(storage.shardCount, 2);
  assert.equal(storage.caches.get("block"), 0.91);
});

test("a compaction is queued, runs since it started, and is gone when it is done", () => {
  const of = store();
  const storage = of.look(2);
  const say = (by, kind) => of.batch(batch(BASE + by, compaction(2, 1, kind)));
  say(0, { kind: "Scheduled" });
  assert.equal(storage.compactionsOf(1, BASE)[0].phase, "queued");
  say(1_000, { kind: "Start" });
  say(4_000, { kind: "Progress", pct: 62 });
  assert.deepEqual(storage.compactionsOf(1, BASE + 5_000).map(({ pct, since }) => [pct, since]), [[62, BASE + 1_000]]);
  say(6_000, { kind: "Finish", in_bytes: 1, out_bytes: 1 });
  assert.deepEqual(storage.compactionsOf(1, BASE + 7_000), []);
});

test("a flush runs until it is complete", () => {
  const of = store();
  const storage = of.look(2);
  of.batch(batch(BASE, lsm(2, { kind: "FlushStart", seqno_min: 1, seqno_max: 2 })));
  assert.equal(storage.flush().since, BASE);
  of.batch(batch(BASE + 900, lsm(2, { kind: "FlushComplete", file_number: 1, bytes: 64e6, entries: 3 })));
  assert.deepEqual([storage.flush().since, storage.flush().bytes], [undefined, 64e6]);
});

test("the rate is that of the newest whole seconds", () => {
  const of = store();
  of.series.take(timeline(BASE, 1_000, [100, 200, 300, 400, 7]));
  assert.equal(of.rate(BASE + 4_500), 300);
  assert.ok(Number.isNaN(new Store().rate(BASE)));
});
