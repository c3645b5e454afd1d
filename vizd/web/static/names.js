/**
 * Names of nodes: their order, what is short for them, and which colour goes with whom. Pure.
 *
 * A name is any string that a node says, with markup, control characters or nothing in it, and two nodes may say the
 * same. What comes out of here is text, to be set as text.
 */

/** As many nodes as can be told apart by colour: six colours, plain and with a notch. */
export const MOST_COLOURED = 12;
const COLOURS = 6;

const collator = new Intl.Collator("en", { numeric: true });

/** Natural order, `node-2` before `node-10`; names that only look alike keep an order of their own. For `sort`. */
export function compareNatural(one, other) {
  return collator.compare(one, other) || (one < other ? -1 : Number(one > other));
}

/** A name without what would not show or would turn the text around it: control characters and bidi controls. */
export const visible = (name) => name.replace(/[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, "").trim();

/**
 * What is short for each node of a set, in cells and events: the shortest tail of its name that no other name has,
 * beginning where a word or a number begins. A number alone is `N3`, so that nobody takes it for a shard. A domain and
 * port that all names share are left out. A node whose name is missing or not its own goes by its number.
 *
 * @param {?string[]} names @param {number[]} ids of the same nodes @returns {string[]} one for each, all different
 */
export function shortNames(names, ids = []) {
  const shown = names.map((name) => visible(name ?? ""));
  const said = countOf(shown);
  const own = shown.map((name, index) => (said.get(name) === 1 && name ? name : String(ids[index] ?? name)));
  const shared = sharedEnd(own);
  const tails = own.map((name) => new Set(tailsOf(name.slice(0, name.length - shared)).map(labelled)));
  const taken = countOf(tails.flatMap((each) => [...each]));
  const labels = tails.map((each, index) => [...each].find((tail) => taken.get(tail) === 1) ?? labelled(own[index]));
  const given = countOf(labels);
  return labels.map((label, index) => (given.get(label) === 1 && label ? label : `${label}#${ids[index] ?? index + 1}`));
}

const labelled = (tail) => (/^\d+$/.test(tail) ? `N${tail}` : tail);

/** A node as a sentence calls it: `node 3`, `node frankfurt-b`. @param {string} label of `shortNames` */
export const spokenName = (label) => `node ${/^N\d+$/.test(label) ? label.slice(1) : label}`;

/** From the shortest: tails that begin behind a separator, or where letters end and a number begins. */
function tailsOf(name) {
  const starts = [...name.matchAll(/(?<=[\s._:/@#-])[^\s._:/@#-]|(?<=\p{L})\d/gu)].map((each) => each.index);
  return [...starts.reverse().map((start) => name.slice(start)), name].filter(Boolean);
}

/** Characters at the end that all names share and that are a domain or a port: `.norikv.svc`, `:9091`. */
function sharedEnd(names) {
  if (names.length < 2) return 0;
  const [first, ...others] = names;
  const ends = [...first.matchAll(/\.(?=\p{L})|:(?=\d+$)/gu)].map((each) => first.slice(each.index));
  return ends.find((end) => end.length < first.length && others.every((each) => each.length > end.length && each.endsWith(end)))?.length ?? 0;
}

function countOf(texts) {
  const counts = new Map();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

/**
 * A text cut in its middle, `norikv…-3`, so that it is at most `width` wide; the end keeps the larger half, for names differ there.
 *
 * @param {string} text @param {number} width in what `measure` answers @param {(text: string) => number} measure
 */
export function cutMiddle(text, width, measure) {
  if (measure(text) <= width) return text;
  const characters = [...text];
  const cut = (kept) => `${characters.slice(0, Math.floor(kept / 2)).join("")}…${characters.slice(characters.length - Math.ceil(kept / 2)).join("")}`;
  let fits = 0;
  for (let tooMany = characters.length; tooMany - fits > 1; ) {
    const kept = Math.floor((fits + tooMany) / 2);
    if (measure(cut(kept)) <= width) fits = kept;
    else tooMany = kept;
  }
  return fits ? cut(fits) : "…";
}

/**
 * The colour of the node at `index` of the order, if the nodes can be told apart by colour at all.
 *
 * @param {number} index from 0 @param {number} count of all nodes
 * @returns {?{index: number, notch: boolean}} 0 to 5, with a notch the second time; null: no identity colour for anyone
 */
export function nodeColour(index, count) {
  return count > MOST_COLOURED ? null : { index: index % COLOURS, notch: index >= COLOURS };
}
