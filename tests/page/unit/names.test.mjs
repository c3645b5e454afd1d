import assert from "node:assert/strict";
import { test } from "node:test";

import { MOST_COLOURED, compareNatural, cutMiddle, nodeColour, shortNames, spokenName, visible } from "../../../vizd/web/static/names.js";

const width = (text) => [...text].length;

test("names are in natural order", () => {
  const names = ["node-10", "node-2", "Node-3", "node-1", "node-02", "2", "10"];
  assert.deepEqual(names.sort(compareNatural), ["2", "10", "node-1", "node-02", "node-2", "Node-3", "node-10"]);
});

test("numbers of any length are compared as numbers", () => {
  assert.ok(compareNatural("n-99999999999999999999", "n-100000000000000000000") < 0);
});

test("names that only look alike have one order, whichever comes first", () => {
  assert.equal(compareNatural("node-1", "node-01"), -compareNatural("node-01", "node-1"));
  assert.notEqual(compareNatural("node-1", "node-01"), 0);
  assert.equal(compareNatural("node-1", "node-1"), 0);
});

const SHORT = [
  ["numbered nodes", ["node-1", "node-2", "node-12"], ["N1", "N2", "N12"]],
  ["numbers without a separator", ["node1", "node2"], ["N1", "N2"]],
  ["a node alone", ["node-1"], ["N1"]],
  ["a word alone", ["frankfurt"], ["frankfurt"]],
  ["numbers with a letter", ["eu-west-1a", "eu-west-1b"], ["1a", "1b"]],
  ["the same number in two places", ["eu-1", "us-1", "us-2"], ["eu-1", "us-1", "N2"]],
  ["words", ["kv-alpha", "kv-beta"], ["alpha", "beta"]],
  ["a name that is the end of another", ["a", "b-a"], ["a", "b-a"]],
  ["a shared domain", ["norikv-0.norikv.default.svc", "norikv-1.norikv.default.svc"], ["N0", "N1"]],
  ["a shared port", ["10.0.0.1:9091", "10.0.0.2:9091"], ["N1", "N2"]],
  ["addresses that end alike", ["10.0.0.1", "10.1.0.1"], ["0.0.1", "1.0.1"]],
  ["markup", ["<b>one</b>", "<b>two</b>"], ["<b>one</b>", "<b>two</b>"]],
];
for (const [what, names, labels] of SHORT) test(`short for ${what}: ${labels.join(", ")}`, () => assert.deepEqual(shortNames(names), labels));

test("nodes without a name, or with each other's, go by their numbers", () => {
  assert.deepEqual(shortNames([undefined, "", "node-1"], [7, 8, 9]), ["N7", "N8", "N1"]);
  assert.deepEqual(shortNames(["kv", "kv"], [4294967295, 8]), ["N4294967295", "N8"]);
});

test("a number that is another node's tail belongs to the node without a name", () => {
  assert.deepEqual(shortNames([null, "node-1"], [1, 2]), ["N1", "node-1"]);
});

test("a name that is another node's number gets the number too", () => assert.deepEqual(shortNames([null, "1"], [1, 2]), ["N1#1", "N1#2"]));

test("short names are all different, whatever the names are", () => {
  const parts = ["", "a", "1", "01", "N1", "-", ".", ":9", "#", "\u202E", "é", "<i>"];
  const names = parts.flatMap((one) => parts.flatMap((other) => parts.map((third) => one + other + third)));
  for (let begin = 0; begin < names.length; begin += 7) {
    const some = names.slice(begin, begin + 200);
    const labels = shortNames(some, some.map((_, index) => index + 1));
    assert.equal(new Set(labels).size, some.length, `names ${begin} to ${begin + 200}`);
    assert.ok(labels.every(Boolean));
  }
});

test("a hundred and one names of one cluster stay short", () => {
  const labels = shortNames(Array.from({ length: 101 }, (_, index) => `norikv-node-${index}.eu.example.org:9091`));
  assert.equal(labels[72], "N72");
});

test("a sentence says the number, or the name", () => {
  assert.equal(spokenName("N3"), "node 3");
  assert.equal(spokenName("frankfurt-b"), "node frankfurt-b");
});

test("control characters and what turns a text around are not part of a name", () => {
  assert.equal(visible(" a\u202Eb\nc\u0000\u2066 "), "abc");
  assert.deepEqual(shortNames(["x\u202E", "x"], [1, 2]), ["N1", "N2"]);
});

test("a name that fits is not cut", () => assert.equal(cutMiddle("node-1", 6, width), "node-1"));

test("a name is cut in the middle, and keeps its end", () => {
  assert.equal(cutMiddle("norikv-frankfurt-3", 9, width), "nori…rt-3");
  assert.equal(cutMiddle("norikv-frankfurt-3", 8, width), "nor…rt-3");
});

test("a cut name is as wide as it can be, and never wider", () => {
  for (let wide = 1; wide < 18; wide++) assert.equal(width(cutMiddle("norikv-frankfurt-3", wide, width)), wide);
});

test("where nothing fits there is an ellipsis", () => {
  assert.equal(cutMiddle("node-1", 0, width), "…");
  assert.equal(cutMiddle("", 0, width), "");
});

test("no character is cut in two", () => assert.equal(cutMiddle("😀😁😂😃😄", 3, width), "😀…😄"));

test("six colours, and six with a notch, by the nodes' order", () => {
  assert.deepEqual([0, 5, 6, 11].map((index) => nodeColour(index, MOST_COLOURED)), [
    { index: 0, notch: false },
    { index: 5, notch: false },
    { index: 0, notch: true },
    { index: 5, notch: true },
  ]);
});

test("beyond twelve nodes none has a colour", () => assert.equal(nodeColour(0, 13), null));
