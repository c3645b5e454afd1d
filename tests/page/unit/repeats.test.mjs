import assert from "node:assert/strict";
import { test } from "node:test";

import { Repeats } from "../../../vizd/web/static/repeats.js";

const batch = (end, more) => ({ type: "batch", data: { window_start: end - 50, window_end: end, events: [] }, ...more });

test("what was shown provisionally is not shown again, and what comes behind it is", () => {
  const repeats = new Repeats();
  assert.equal(repeats.has(batch(100)), false);
  assert.equal(repeats.has(batch(150, { provisional: true })), false);
  assert.equal(repeats.has(batch(200, { provisional: true })), false);
  assert.equal(repeats.has(batch(150)), true);
  assert.equal(repeats.has(batch(200)), true);
  assert.equal(repeats.has(batch(250)), false);
});

test("a state is shown whatever was shown before, and so is what is no batch", () => {
  const repeats = new Repeats();
  repeats.has(batch(200, { provisional: true }));
  assert.equal(repeats.has(batch(150, { snapshot: true })), false);
  assert.equal(repeats.has({ type: "pong", timestamp_ms: 1 }), false);
});
