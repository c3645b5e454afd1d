/**
 * The one detail panel: which of its two subjects is shown, a node's storage or a shard's leaders.
 */
import { byId, setAttribute } from "./dom.js";
import { ShardDetail } from "./sharddetail.js";
import { StorageDetail } from "./storagedetail.js";

export class Detail {
  constructor(page) {
    this.page = page;
    this.body = byId("detail-body");
    this.storage = new StorageDetail(page, this.body);
    this.shard = new ShardDetail(page, this.body);
  }

  draw(model) {
    const { shard } = this.page.selection;
    const isShard = shard !== undefined;
    this.storage.node.hidden = isShard;
    this.shard.node.hidden = !isShard;
    setAttribute(byId("detail"), "data-of", isShard ? "shard" : "node");
    if (isShard) this.shard.draw(model, shard);
    else this.storage.draw(model, this.page.selection.node);
  }
}
