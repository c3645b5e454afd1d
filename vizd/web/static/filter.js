/**
 * What the event list is filtered by: types that are on, and words that name nodes or shards. Pure.
 */

/** In the order of the buttons: [as the protocol says it, label, on by default]. */
export const EVENT_TYPES = [
  ["raft", "Raft", true], ["swim", "Swim", true], ["shard", "Shard", true], ["lsm", "Lsm", true], ["compaction", "Comp", true],
  ["wal", "Wal", false], ["cache", "Cache", false], ["heat", "Heat", false],
];
export const DEFAULT_TYPES = EVENT_TYPES.filter(([, , isOn]) => isOn).map(([name]) => name);

/**
 * What a filter's words ask for.
 * @param {string} text such as `N3 s7`; a number alone is a shard's or a node's, as it is written: `s7`, `3`.
 * @param {{id: number, name: string, short: string}[]} nodes that are known.
 * @returns {{nodes: number[], shards: number[], unknown: string[]}}
 */
export function parseFilter(text, nodes) {
  const found = { nodes: [], shards: [], unknown: [] };
  for (const word of text.trim().split(/[\s,]+/).filter(Boolean)) {
    const lower = word.toLowerCase();
    const node = nodes.find((each) => each.name.toLowerCase() === lower || each.short.toLowerCase() === lower) ?? nodes.find((each) => String(each.id) === lower);
    const shard = /^s(?:hard)?-?(\d+)$/.exec(lower);
    if (node) found.nodes.push(node.id);
    else if (shard) found.shards.push(Number(shard[1]));
    else found.unknown.push(word);
  }
  return found;
}

/** The parameters of a query, or the fields of a `filter` message, that ask for it. */
export function filterFields(types, { nodes, shards }) {
  return { types: [...types], nodes, shards };
}
