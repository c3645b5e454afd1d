/**
 * The nodes in their order, with short names and colours: fixed while the set of them is.
 */
import { compareNatural, nodeColour, shortNames, visible } from "./names.js";

export class Roster {
  #key = "";

  constructor() {
    this.nodes = [];
    this.byId = new Map();
  }

  /** Look whether there are other nodes, or other names. @param {number[]} ids @param {(id: number) => string} nameOf */
  update(ids, nameOf) {
    const named = [...ids].map((id) => ({ id, name: nameOf(id) })).sort((one, other) => one.id - other.id);
    const key = JSON.stringify(named);
    if (key === this.#key) return false;
    this.#key = key;
    named.sort((one, other) => compareNatural(one.name ?? String(one.id), other.name ?? String(other.id)) || one.id - other.id);
    const shorts = shortNames(named.map((each) => each.name), named.map((each) => each.id));
    this.nodes = named.map((each, index) => {
      const { index: colour, notch } = nodeColour(index, named.length) ?? {};
      return { id: each.id, name: visible(each.name ?? "") || String(each.id), short: shorts[index], colour, notch };
    });
    this.byId = new Map(this.nodes.map((each) => [each.id, each]));
    return true;
  }

  short(id) {
    return this.byId.get(id)?.short ?? String(id);
  }
}
