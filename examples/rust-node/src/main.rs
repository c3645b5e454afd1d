//! A node that does nothing but say so: `cargo run -- http://127.0.0.1:9091 NUMBER NAME EVENTS_PER_S SECONDS [KEEP]`
//!
//! `VIZD_TOKEN` in the environment is the token that a daemon asks for, `VIZD_TLS_CA` the PEM file of who signed the
//! certificate of one at an `https://` address.

use std::time::Duration;

use rust_node::wire::{CacheEvt, RaftEvt, SlotHeatEvt, VizEvent, WalEvt, raft_evt, viz_event::Event, wal_evt};
use rust_node::{Node, Publisher, Stats, now_ms};
use tokio::time::{Instant, interval};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

/// The `index`th event of a node: readings for the most part, and now and then something that matters.
fn event(node: u32, index: u64) -> VizEvent {
    let wal = |kind| Event::Wal(WalEvt { node, seg: index, kind: Some(kind) });
    let (owner_shard, event) = match index % 1_000 {
        0 => {
            let kind = Some(raft_evt::Kind::LeaderElected(raft_evt::LeaderElected { node }));
            (None, Event::Raft(RaftEvt { shard: node, term: 1 + index / 1_000, kind }))
        }
        1 => (Some(node), wal(wal_evt::Kind::SegmentRoll(wal_evt::SegmentRoll { bytes: 64 << 20 }))),
        2..10 => (None, Event::Cache(CacheEvt { name: "block".into(), hit_ratio: 0.93 })),
        10..100 => {
            let slot = (index % 90) as u32;
            (Some(node), Event::SlotHeat(SlotHeatEvt { node, level: 1, slot, heat: slot as f32 / 90.0, k: 4 }))
        }
        _ => (Some(node), wal(wal_evt::Kind::Fsync(wal_evt::Fsync { ms: (index % 7) as u32 }))),
    };
    VizEvent { ts_ms: now_ms(), owner_shard, event: Some(event) }
}

fn endpoint(url: &str) -> Result<Endpoint, Box<dyn std::error::Error>> {
    let endpoint: Endpoint = url.parse()?;
    Ok(match std::env::var_os("VIZD_TLS_CA") {
        None => endpoint,
        Some(file) => {
            let authority = Certificate::from_pem(std::fs::read(file)?);
            endpoint.tls_config(ClientTlsConfig::new().ca_certificate(authority))?
        }
    })
}

fn print_changes(known: &mut Stats, now: Stats) {
    if (known.connected, known.streams, &known.last_error) != (now.connected, now.streams, &now.last_error) {
        let state = if now.connected { "connected" } else { "not connected" };
        println!("{state}: stream {}, {} acked, last error {:?}", now.streams, now.acked, now.last_error);
    }
    *known = now;
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, number, name, events_per_s, seconds, keep @ ..] = &arguments[..] else {
        return Err("usage: rust-node URL NUMBER NAME EVENTS_PER_S SECONDS [KEEP]".into());
    };
    let (number, events_per_s): (u32, u64) = (number.parse()?, events_per_s.parse()?);
    let until = Duration::from_secs(seconds.parse()?);
    let keep = keep.first().map_or(Ok(100_000), |keep| keep.parse())?;
    let node = Node { number, name: name.clone(), version: env!("CARGO_PKG_VERSION").into() };

    let token = std::env::var("VIZD_TOKEN").ok();
    let authorization = token.map(|token| format!("Bearer {token}").parse()).transpose()?;
    let mut publisher = Publisher::start(endpoint(url)?, authorization, node, keep);
    let (began, mut tick, mut known) = (Instant::now(), interval(Duration::from_millis(10)), Stats::default());
    let mut longest_emit = Duration::ZERO;
    while began.elapsed() < until && !known.fenced {
        tick.tick().await;
        let due = (began.elapsed().min(until).as_secs_f64() * events_per_s as f64) as u64;
        for index in known.emitted..due {
            let (event, before) = (event(number, index), Instant::now());
            publisher.emit(event);
            longest_emit = longest_emit.max(before.elapsed());
        }
        print_changes(&mut known, publisher.stats());
    }
    let all_stored = publisher.close(Duration::from_secs(10)).await;
    println!("{:#?}\nlongest emit: {longest_emit:?}", publisher.stats());
    if all_stored { Ok(()) } else { Err("not all was stored".into()) }
}
