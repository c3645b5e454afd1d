/**
 * Before the first node: how to connect one, and what the daemon sees.
 */
import { byId, element, setText } from "./dom.js";
import { formatCount } from "./numbers.js";

export class Empty {
  constructor() {
    this.node = byId("empty");
    this.facts = {};
    this.side = byId("rail").appendChild(element("section", "sees"));
    this.side.hidden = true;
  }

  /** Show it, or not. @param {object | undefined} stats of `/api/stats` */
  draw(isEmpty, stats) {
    this.node.hidden = !isEmpty;
    this.side.hidden = !isEmpty;
    if (!isEmpty) return;
    if (!this.node.children.length) this.#make();
    const [address, isHere] = grpcAddress(stats?.grpc);
    setText(this.address, address);
    setText(this.simulate, `python -m vizd.sim --grpc ${address} --nodes 5 --shards 24`);
    if (stats) this.#sees(stats, isHere ? `${address}, here only` : address);
  }

  #make() {
    this.node.append(element("h2", "", "Connect a node"));
    this.address = this.#command("Give every NoriKV node this address to publish to:");
    this.simulate = this.#command("Nothing at hand? A simulated cluster of 5 nodes and 24 shards:");
    this.tail = this.#command("See what arrives, in a terminal:");
    setText(this.tail, `curl "${new URL("api/history?limit=20", document.baseURI)}"`);
    this.node.append(element("p", "faint", "The page fills by itself with the first event. No reload."));
  }

  #command(says) {
    const code = element("code");
    const copy = element("button", "plain", "Copy", { type: "button" });
    copy.addEventListener("click", async () => {
      await navigator.clipboard?.writeText(code.textContent).catch(() => {});
      copy.textContent = "Copied";
      setTimeout(() => (copy.textContent = "Copy"), 1_500);
    });
    this.node.append(element("p", "", says), element("div", "command", [code, copy]));
    return code;
  }

  #sees(stats, address) {
    const refused = Object.entries(stats.refusals ?? {}).reduce((sum, [reason, count]) => (reason === "not_found" ? sum : sum + count), 0);
    const rows = [
      ["gRPC port", address],
      ["Connections now", formatCount(stats.connected_publishers)],
      ["Refused so far", formatCount(refused)],
      ["Buffer", `${formatCount(stats.buffer_events)} events`],
    ];
    const key = JSON.stringify(rows);
    if (key === this.shown) return;
    this.shown = key;
    this.side.replaceChildren(element("h2", "", "What the daemon sees"), element("dl", "", rows.flatMap(([name, value]) => [element("dt", "", name), element("dd", "", value)])));
  }
}

/** Where nodes publish to, and whether only this machine's can: `[address, isHere]` from `/api/stats`. */
export function grpcAddress(grpc) {
  const port = grpc?.port ?? 9091;
  const interfaces = grpc?.interfaces ?? [];
  const isLoopback = (each) => each === "::1" || each.startsWith("127.");
  if (!interfaces.length || interfaces.every(isLoopback)) return [`127.0.0.1:${port}`, true];
  const own = interfaces.find((each) => !isLoopback(each));
  return [`${own === "0.0.0.0" || own === "::" ? location.hostname : own}:${port}`, false];
}
