//! Streams, one after the other: connect, say Hello, send what the buffer gives out, take in the Acks.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};

use crate::buffer::Buffer;
use crate::wire::viz_ingest_service_client::VizIngestServiceClient;
use crate::wire::{Ack, Events, Hello, VizEvent, Welcome};
use crate::wire::{PublishRequest, PublishResponse, publish_request, publish_response};

const FULL_BATCH_EVENTS: usize = 1_000;
/// Between two batches, unless a full one waits.
const LINGER: Duration = Duration::from_millis(20);
/// The daemon wants a message a second.
const HEARTBEAT: Duration = Duration::from_millis(500);
const DEFAULT_MAX_MESSAGE_BYTES: usize = 1 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Messages between the buffer and HTTP/2. Few: what is here has left the buffer's bound.
const QUEUED_MESSAGES: usize = 2;

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// A stream that lived so long was a good one: after it, trying again starts with short delays.
const STEADY_STREAM: Duration = Duration::from_secs(1);

/// Who publishes. The number is the one that the node's own engine events carry.
#[derive(Clone, Debug)]
pub struct Node {
    pub number: u32,
    pub name: String,
    pub version: String,
}

/// What became of the events: `emitted = acked + kept + dropped`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    pub emitted: u64,
    /// Stored by the daemon, as it says.
    pub acked: u64,
    /// Waiting or on their way.
    pub kept: u64,
    pub dropped: u64,
    /// Acked, and refused as invalid; `last_rejection` names one.
    pub rejected: u64,
    pub last_rejection: Option<String>,
    /// Streams that were welcomed.
    pub streams: u64,
    pub connected: bool,
    /// Another process has this node's identity: nothing is sent any more.
    pub fenced: bool,
    pub last_error: Option<String>,
}

/// One incarnation of one node: start one per process.
pub struct Publisher {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    endpoint: Endpoint,
    authorization: Option<MetadataValue<Ascii>>,
    node: Node,
    incarnation: u64,
    state: Mutex<State>,
    full: Notify,
}

struct State {
    buffer: Buffer,
    closed: bool,
    /// Without the counts, which are the buffer's.
    stats: Stats,
}

impl Publisher {
    /// Begin to deliver. The daemon need not be there yet.
    ///
    /// At most `max_events` are kept that are not stored; beyond that gauges are dropped first, then log
    /// events, phases, and transitions last. `authorization` is said when a stream begins: `Bearer TOKEN`,
    /// for a daemon that asks for one. Must be called within a Tokio runtime.
    pub fn start(
        endpoint: Endpoint,
        authorization: Option<MetadataValue<Ascii>>,
        node: Node,
        max_events: usize,
    ) -> Self {
        let endpoint = endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(Duration::from_secs(10)) // A daemon that vanished without a word.
            .keep_alive_timeout(Duration::from_secs(5));
        let state = State { buffer: Buffer::new(max_events), closed: false, stats: Stats::default() };
        let incarnation = fastrand::u64(..);
        let shared = Arc::new(Shared {
            endpoint,
            authorization,
            node,
            incarnation,
            state: Mutex::new(state),
            full: Notify::new(),
        });
        let task = tokio::spawn(run(shared.clone()));
        Self { shared, task }
    }

    /// Deliver `event` some time; from any thread. Never waits for the network or the daemon: it takes a
    /// lock that others hold for as long as it takes to copy a batch, or to forget what an Ack covers.
    pub fn emit(&self, event: VizEvent) {
        let mut state = self.shared.state();
        if state.closed {
            return state.buffer.refuse();
        }
        state.buffer.add(event);
        if state.buffer.waiting() == FULL_BATCH_EVENTS {
            self.shared.full.notify_one();
        }
    }

    pub fn stats(&self) -> Stats {
        let state = self.shared.state();
        let Buffer { emitted, dropped, acked_through: acked, .. } = state.buffer;
        Stats { emitted, dropped, acked, kept: emitted - dropped - acked, ..state.stats.clone() }
    }

    /// Take no more events, and end the stream when all are stored; whether they were within `patience`.
    /// What was not is gone when the publisher is dropped.
    pub async fn close(&mut self, patience: Duration) -> bool {
        let in_vain = {
            let mut state = self.shared.state();
            state.closed = true;
            !state.stats.connected && state.buffer.is_empty()
        };
        if !in_vain && !self.task.is_finished() {
            let _ = timeout(patience, &mut self.task).await;
        }
        self.shared.state().buffer.is_empty()
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hello(&self) -> Hello {
        let acked_through = self.state().buffer.acked_through;
        Hello {
            node: self.node.number,
            node_name: self.node.name.clone(),
            incarnation: self.incarnation,
            next_seq: acked_through + 1,
            acked_through,
            node_version: self.node.version.clone(),
        }
    }

    fn welcomed(&self, welcome: &Welcome) -> Result<(), Status> {
        let mut state = self.state();
        state.buffer.begin_stream(welcome.stored_through, welcome.max_in_flight).map_err(Status::internal)?;
        state.stats.connected = true;
        state.stats.streams += 1;
        Ok(())
    }

    fn acked(&self, ack: Ack) -> Result<(), Status> {
        let mut state = self.state();
        state.stats.rejected += u64::from(ack.rejected_count);
        if let Some(each) = ack.rejected.last() {
            state.stats.last_rejection = Some(format!("seq {}, {}: {}", each.seq, each.field, each.reason));
        }
        state.buffer.acknowledge(ack.stored_through, ack.received_through).map_err(Status::internal)
    }

    /// What to send now; nothing, if nothing is due.
    fn next_message(&self, max_bytes: usize, is_quiet: bool) -> Option<Events> {
        let events = self.state().buffer.take(FULL_BATCH_EVENTS, max_bytes);
        // Without events: a heartbeat.
        (is_quiet || !events.events.is_empty()).then(|| Events { sent_ms: now_ms(), ..events })
    }

    /// A stream has ended; whether it was welcomed.
    fn ended(&self, why: &Status) -> bool {
        let mut state = self.state();
        state.stats.last_error = Some(format!("{:?}: {}", why.code(), why.message()));
        state.stats.fenced = why.code() == Code::FailedPrecondition;
        state.closed |= state.stats.fenced;
        std::mem::take(&mut state.stats.connected)
    }

    fn request(&self, queue: mpsc::Receiver<PublishRequest>) -> Request<ReceiverStream<PublishRequest>> {
        let mut request = Request::new(ReceiverStream::new(queue));
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        request
    }

    /// Whether there is nothing left to deliver, and nothing will come.
    fn is_done(&self) -> bool {
        let state = self.state();
        state.closed && state.buffer.is_empty()
    }
}

async fn run(shared: Arc<Shared>) {
    let mut backoff = FIRST_BACKOFF;
    while !shared.is_done() {
        let began = Instant::now();
        let Err(why) = stream(&shared).await else {
            shared.state().stats.connected = false;
            return;
        };
        let was_connected = shared.ended(&why);
        match why.code() {
            // Another process has taken this identity. Trying again would take it back, and so on for ever.
            Code::FailedPrecondition => return,
            code if !may_pass(code) => backoff = LONGEST_BACKOFF,
            _ if was_connected && began.elapsed() >= STEADY_STREAM => backoff = FIRST_BACKOFF,
            _ => {}
        }
        sleep(backoff.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        backoff = LONGEST_BACKOFF.min(backoff * 2);
    }
}

/// Whether trying again may help: the daemon is not there yet or going away, the network, or a newer stream
/// of this process. All other codes say that something has to be put right first.
fn may_pass(code: Code) -> bool {
    use Code::{Aborted, Cancelled, DeadlineExceeded, Internal, Unavailable, Unknown};
    matches!(code, Unavailable | Aborted | Cancelled | DeadlineExceeded | Internal | Unknown)
}

/// One stream, from Hello to its end. `Ok` only if it is we who ended it.
async fn stream(shared: &Shared) -> Result<(), Status> {
    let channel = shared.endpoint.connect().await.map_err(|why| Status::unavailable(root_cause(&why)))?;
    let (requests, queue) = mpsc::channel(QUEUED_MESSAGES);
    let hello = PublishRequest { message: Some(publish_request::Message::Hello(shared.hello())) };
    requests.try_send(hello).map_err(|why| Status::internal(why.to_string()))?;
    let (welcome, responses) = timeout(CONNECT_TIMEOUT, say_hello(channel, shared.request(queue)))
        .await
        .map_err(|_| Status::deadline_exceeded("no Welcome came"))??;
    shared.welcomed(&welcome)?;
    let max_bytes = match welcome.max_message_bytes as usize {
        0 => DEFAULT_MAX_MESSAGE_BYTES,
        bound => bound,
    };
    tokio::select! {
        ended = read(shared, responses) => ended,
        // When nothing more is written, the daemon answers the end of our side with that of its own.
        () = async { write(shared, requests, max_bytes).await; std::future::pending().await } => unreachable!(),
    }
}

/// "Connection refused", where tonic says "transport error".
fn root_cause(why: &dyn Error) -> String {
    why.source().map_or_else(|| why.to_string(), root_cause)
}

async fn say_hello(
    channel: Channel,
    request: Request<ReceiverStream<PublishRequest>>,
) -> Result<(Welcome, Streaming<PublishResponse>), Status> {
    let mut client = VizIngestServiceClient::new(channel);
    let mut responses = client.publish(request).await?.into_inner();
    match responses.message().await?.and_then(|response| response.message) {
        Some(publish_response::Message::Welcome(welcome)) => Ok((welcome, responses)),
        other => Err(Status::internal(format!("{other:?} where a Welcome is due"))),
    }
}

async fn read(shared: &Shared, mut responses: Streaming<PublishResponse>) -> Result<(), Status> {
    while let Some(response) = responses.message().await? {
        if let Some(publish_response::Message::Ack(ack)) = response.message {
            shared.acked(ack)?;
        }
    }
    if shared.is_done() { Ok(()) } else { Err(Status::unavailable("the daemon ended the stream")) }
}

/// Returns when there is nothing more to send, or nobody to send to: then `read` knows why.
async fn write(shared: &Shared, requests: mpsc::Sender<PublishRequest>, max_bytes: usize) {
    let mut linger = interval(LINGER);
    linger.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut written = Instant::now();
    loop {
        tokio::select! { _ = linger.tick() => {}, () = shared.full.notified() => {} }
        if shared.is_done() {
            return;
        }
        while let Some(events) = shared.next_message(max_bytes, written.elapsed() >= HEARTBEAT) {
            let is_full = events.events.len() == FULL_BATCH_EVENTS;
            let request = PublishRequest { message: Some(publish_request::Message::Events(events)) };
            // Waits while the daemon does not read; the buffer is what fills then.
            if requests.send(request).await.is_err() {
                return;
            }
            written = Instant::now();
            if !is_full {
                break;
            }
        }
    }
}

/// Milliseconds since the Unix epoch: what `VizEvent.ts_ms` wants.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
