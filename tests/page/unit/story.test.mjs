import assert from "node:assert/strict";
import { test } from "node:test";

import { Story } from "../../../vizd/web/static/story.js";
import { asked, elected, moved, steppedDown, swim } from "./said.mjs";

const isNode = (node) => node <= 5;

function told(...events) {
  const story = new Story(isNode);
  events.forEach(([at, event]) => story.fold(event, at));
  return story;
}

test("a leader leads from its election on, at any instant that is asked", () => {
  const story = told([100, elected(7, 1, 1)], [200, steppedDown(7, 1, 1)], [250, elected(7, 2, 3)]);
  assert.equal(story.leadership(7, 50), undefined);
  assert.equal(story.leadership(7, 100).value.leader, 1);
  assert.equal(story.leadership(7, 249).value.leader, null);
  assert.deepEqual([story.leadership(7, 999).at, story.leadership(7, 999).value.leader], [250, 3]);
});

test("a lower term never replaces a higher one", () => {
  const story = told([100, elected(7, 5, 1)], [200, elected(7, 4, 2)], [300, steppedDown(7, 4, 2)]);
  assert.equal(story.leadership(7, 400).value.leader, 1);
});

test("at an equal term only the elected node, or who published the election, steps down", () => {
  const story = told([100, elected(7, 5, 1, 2)], [200, steppedDown(7, 5, 3)]);
  assert.equal(story.leadership(7, 250).value.leader, 1);
  story.fold(steppedDown(7, 5, 2), 300);
  assert.equal(story.leadership(7, 350).value.leader, null);
});

test("where the elected node is not known, who published it leads: today's nodes say a hash there", () => {
  const story = told([100, elected(7, 1, 4_123_456_789, 2)]);
  assert.equal(story.leadership(7, 100).value.leader, 2);
});

test("a dead node's leadership is lost, and its return alone does not bring it back", () => {
  const story = told([100, elected(7, 1, 2)], [150, swim(2, "Alive")], [200, swim(2, "Suspect")], [300, swim(2, "Confirm")], [400, swim(2, "Alive")]);
  assert.equal(story.leadership(7, 250).value.leader, 2);
  assert.equal(story.leadership(7, 300).value.leader, null);
  assert.equal(story.leadership(7, 500).value.leader, null);
  assert.deepEqual([100, 150, 250, 350, 450].map((at) => story.liveness(2, at)?.value), [undefined, "alive", "suspect", "dead", "alive"]);
});

test("what was said before and is said again is no change", () => {
  const story = told([100, elected(7, 1, 2)], [110, swim(1, "Alive")], [200, elected(7, 1, 2)], [210, swim(1, "Alive")]);
  assert.deepEqual(story.changes, []);
});

test("changes are told with who had it before", () => {
  const story = told([100, elected(7, 1, 2)], [200, elected(7, 2, 3)]);
  assert.deepEqual(story.changes.map(({ at, leader, before, lost }) => ({ at, leader, before, lost })), [{ at: 200, leader: 3, before: 2, lost: 2 }]);
});

test("one goes from change to change, both ways", () => {
  const story = told([100, elected(7, 1, 2)], [200, elected(7, 2, 3)], [300, elected(7, 3, 2)]);
  assert.equal(story.next(200, 1).at, 300);
  assert.equal(story.next(200, -1), undefined);
  assert.equal(story.next(301, -1).at, 300);
  assert.equal(story.next(300, 1), undefined);
});

test("each part of the window has the most shards that were without a leader in it", () => {
  const story = told([0, elected(1, 1, 1)], [0, elected(2, 1, 1)], [10, steppedDown(1, 1, 1)], [12, steppedDown(2, 1, 1)], [15, elected(1, 2, 2)], [38, elected(2, 2, 2)]);
  assert.deepEqual(story.leaderlessColumns(0, 40, 4), [0, 2, 1, 1]);
  assert.deepEqual(story.leaderlessColumns(40, 80, 2), [0, 0]);
});

test("a move goes through four phases, and is over with the last", () => {
  const story = told([1, moved(7, "Plan")], [2, moved(7, "SnapshotStart")], [3, moved(7, "SnapshotDone")], [4, moved(7, "Cutover")]);
  assert.deepEqual([0, 1, 2, 3, 4].map((at) => story.moving(7, at)), [undefined, 1, 2, 3, undefined]);
});

test("candidates are who asked while there was no leader", () => {
  const story = told([1, asked(7, 2, 1)], [20, asked(7, 3, 2)], [21, asked(7, 4, 3)], [22, asked(7, 5, 2)]);
  assert.deepEqual([...story.candidates(7, 10, 30)], [2, 3]);
});

test("an election storm without an end does not grow without bound", () => {
  const story = new Story(isNode);
  for (let term = 1; term < 30_000; term++) story.fold(elected(7, term, 1 + (term % 2)), term);
  assert.ok(story.changes.length <= 10_000);
  assert.ok(story.shards.get(7).leaders.times.length <= 600);
  assert.equal(story.leadership(7, 30_000).value.term, 29_999);
});
