import assert from "node:assert/strict";
import { test } from "node:test";

import { Announcer, Hold, STAYS_MS } from "../../../vizd/web/static/hold.js";

const clause = (kind, rank, first = kind) => ({ kind, rank, subject: "7", first });
const NO_LEADER = clause("noleader", 1);
const DEAD = clause("dead", 2);
const SUSPECT = clause("suspect", 3);
const kinds = (clauses) => clauses.map((each) => each.kind);

test("a clause comes at once", () => assert.deepEqual(new Hold().pass([DEAD], 0), [DEAD]));

test("a clause that goes at once stays two seconds, and not longer", () => {
  const hold = new Hold();
  hold.pass([DEAD], 0);
  assert.deepEqual(kinds(hold.pass([], 100)), ["dead"]);
  assert.deepEqual(kinds(hold.pass([], STAYS_MS - 1)), ["dead"]);
  assert.deepEqual(kinds(hold.pass([], STAYS_MS)), []);
});

test("a clause that has been there for two seconds goes at once", () => {
  const hold = new Hold();
  hold.pass([DEAD], 0);
  hold.pass([DEAD], STAYS_MS);
  assert.deepEqual(hold.pass([], STAYS_MS + 1), []);
});

test("a clause that comes again while it is kept has been there all the time", () => {
  const hold = new Hold();
  hold.pass([DEAD], 0);
  hold.pass([], 500);
  hold.pass([DEAD], 1_000);
  assert.deepEqual(hold.pass([], STAYS_MS), []);
});

test("a clause that is there says what is so now", () => {
  const hold = new Hold();
  hold.pass([clause("dead", 2, "node 5 is dead")], 0);
  assert.equal(hold.pass([clause("dead", 2, "2 nodes are dead")], 100)[0].first, "2 nodes are dead");
});

test("what is kept stands in its order among the others", () => {
  const hold = new Hold();
  hold.pass([NO_LEADER, SUSPECT], 0);
  assert.deepEqual(kinds(hold.pass([DEAD], 100)), ["noleader", "dead", "suspect"]);
});

test("after another instant nothing is kept", () => {
  const hold = new Hold();
  hold.pass([DEAD], 0);
  hold.clear();
  assert.deepEqual(hold.pass([], 100), []);
});

test("a clock that went back keeps nothing", () => {
  const hold = new Hold();
  hold.pass([DEAD], 10_000);
  assert.deepEqual(hold.pass([], 0), []);
});

test("the first sentence is read out, and then only one with another kind or subject", () => {
  const announcer = new Announcer();
  const said = [["fine", "cluster"], ["fine", "cluster"], ["dead", "5"], ["dead", "5"], ["dead", "6"], ["dead", "several"], ["suspect", "several"]];
  assert.deepEqual(said.map(([kind, subject]) => announcer.isNew({ kind, subject })), [true, false, true, false, true, true, true]);
});
