/**
 * What the daemon has of each node: its name, whether its stream is open, and where data is missing.
 */

export class Coverage {
  constructor() {
    this.nodes = new Map();
    this.version = 0;
  }

  /** Take an answer of `/api/coverage` as of `toMs`. */
  take(answer, toMs) {
    this.nodes = new Map(answer.nodes.map((each) => [each.node, each]));
    this.toMs = toMs;
    this.version += 1;
  }

  has(node) {
    return this.nodes.has(node);
  }

  name(node) {
    return this.nodes.get(node)?.name ?? undefined;
  }

  /** Whether the node's stream was open at `at`, and since when it was not; undefined: the node is not known. */
  disconnectedAt(node, at) {
    const known = this.nodes.get(node);
    if (!known) return undefined;
    return spanAt(known.disconnected, at, this.#isOpen(known));
  }

  /** The spans of [from, to) in which a node's stream was closed; one that is still closed goes on to `to`. */
  holes(node, from, to) {
    const known = this.nodes.get(node);
    if (!known) return [];
    const isOpen = this.#isOpen(known);
    return known.disconnected
      .map((each, index) => [each.from_ms, !isOpen && index === known.disconnected.length - 1 ? Infinity : each.to_ms])
      .filter(([begin, end]) => end > from && begin < to)
      .map(([begin, end]) => [Math.max(begin, from), Math.min(end, to)]);
  }

  /** `{from_ms, to_ms, events}` lost of a node within [from, to). */
  losses(node, from, to) {
    return (this.nodes.get(node)?.lost ?? []).filter((each) => each.to_ms > from && each.from_ms < to);
  }

  #isOpen(known) {
    return known.connected;
  }
}

function spanAt(spans, at, isOpenNow) {
  for (let index = 0; index < spans.length; index++) {
    const { from_ms, to_ms } = spans[index];
    const end = !isOpenNow && index === spans.length - 1 ? Infinity : to_ms;
    if (from_ms <= at && at < end) return { from: from_ms, to: end };
  }
  return null;
}
