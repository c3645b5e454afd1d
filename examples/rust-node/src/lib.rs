//! How a NoriKV node delivers its events to norikv-vizd. `docs/connecting-a-node.md` says what the
//! daemon expects and promises; the Python publisher, `vizd/client/`, does the same.
//!
//! ```no_run
//! # async fn node() -> Result<(), Box<dyn std::error::Error>> {
//! use rust_node::{Node, Publisher, wire::*};
//!
//! let node = Node { number: 1, name: "node-1".into(), version: "0.4.2".into() };
//! let mut publisher = Publisher::start("http://127.0.0.1:9091".parse()?, None, node, 100_000);
//! publisher.emit(VizEvent {
//!     ts_ms: rust_node::now_ms(),
//!     owner_shard: None,
//!     event: Some(viz_event::Event::Swim(SwimEvt { node: 1, kind: SwimKind::Alive.into() })),
//! });
//! let all_stored = publisher.close(std::time::Duration::from_secs(5)).await;
//! # Ok(()) }
//! ```

mod buffer;
mod publisher;

/// The messages of `norikv.viz.v1`.
#[allow(clippy::all)]
pub mod wire {
    tonic::include_proto!("norikv.viz.v1");
}

pub use publisher::{Node, Publisher, Stats, now_ms};
