//! What is still to be delivered: the send buffer of one incarnation. No clock, lock or gRPC.
//!
//! An event waits without a sequence number until [`Buffer::take`] gives it one; from then on it is
//! kept until it is stored, and given out again on the next stream.

use std::collections::VecDeque;

use prost::Message;

use crate::wire::{Events, VizEvent, comp_evt, lsm_evt, raft_evt, viz_event::Event, wal_evt};

/// Longer than any event that the daemon takes: its strings have 256 bytes at most.
const MAX_EVENT_BYTES: usize = 1_000;
/// More than a message ever adds to its events, and an event to its own length.
const MESSAGE_BYTES: usize = 64;
const FRAME_BYTES: usize = 4;

/// What is given up when there is no room, the first one first (`docs/events.md`, "Classes").
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Class {
    Gauge,
    Log,
    Phase,
    Transition,
}

/// The classes of the table in `docs/events.md`; a kind that is new in the proto does not compile until it is here.
/// An event without a kind is delivered as a log event: it is the daemon that judges it.
pub(crate) fn class_of(event: &VizEvent) -> Class {
    use {comp_evt::Kind as Comp, lsm_evt::Kind as Lsm, raft_evt::Kind as Raft, wal_evt::Kind as Wal};
    match &event.event {
        Some(Event::Wal(wal)) => match wal.kind {
            Some(Wal::Fsync(_)) => Class::Gauge,
            Some(Wal::CorruptionTruncated(_)) => Class::Transition,
            Some(Wal::SegmentRoll(_) | Wal::SegmentGc(_)) | None => Class::Log,
        },
        Some(Event::Compaction(compaction)) => match compaction.kind {
            Some(Comp::BanditSelection(_) | Comp::BanditReward(_)) => Class::Gauge,
            Some(Comp::GuardRebalance(_)) | None => Class::Log,
            Some(Comp::Scheduled(_) | Comp::Start(_) | Comp::Progress(_) | Comp::Finish(_)) => Class::Phase,
        },
        Some(Event::Lsm(lsm)) => match lsm.kind {
            Some(Lsm::WritePressureUpdate(_)) => Class::Gauge,
            Some(Lsm::FlushStart(_) | Lsm::FlushComplete(_)) => Class::Phase,
            Some(Lsm::L0Stall(_) | Lsm::GuardAdjustment(_)) => Class::Phase,
            Some(Lsm::FlushTriggered(_) | Lsm::L0AdmissionStart(_)) => Class::Log,
            Some(Lsm::L0AdmissionComplete(_)) | None => Class::Log,
        },
        Some(Event::Raft(raft)) => match raft.kind {
            Some(Raft::LeaderElected(_) | Raft::StepDown(_)) => Class::Transition,
            Some(Raft::VoteReq(_) | Raft::VoteGranted(_)) | None => Class::Log,
        },
        Some(Event::Swim(_) | Event::Shard(_)) => Class::Transition,
        Some(Event::Cache(_) | Event::SlotHeat(_)) => Class::Gauge,
        None => Class::Log,
    }
}

/// Every event is acked, unacked, waiting or dropped: the four add up to `emitted`.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub emitted: u64,
    pub dropped: u64,
    pub acked_through: u64,
    max_events: usize,
    /// By class, each with its place among all that were emitted.
    waiting: [VecDeque<(u64, VizEvent)>; 4],
    /// Those with a sequence number; the first has `acked_through + 1`.
    unacked: VecDeque<VizEvent>,
    /// On this stream.
    sent_through: u64,
    received_through: u64,
    max_in_flight: u64,
}

impl Buffer {
    pub fn new(max_events: usize) -> Self {
        Self {
            emitted: 0,
            dropped: 0,
            acked_through: 0,
            max_events: max_events.max(2),
            waiting: Default::default(),
            unacked: VecDeque::new(),
            sent_through: 0,
            received_through: 0,
            max_in_flight: 0,
        }
    }

    /// Let `event` wait, and give up one that is worth least if there is no room.
    pub fn add(&mut self, event: VizEvent) {
        self.emitted += 1;
        if event.encoded_len() > MAX_EVENT_BYTES {
            self.dropped += 1; // The daemon would refuse it, or the whole message with it.
            return;
        }
        self.waiting[class_of(&event) as usize].push_back((self.emitted, event));
        if self.waiting() + self.unacked.len() > self.max_events {
            let least = self.waiting.iter_mut().find_map(VecDeque::pop_front);
            self.dropped += u64::from(least.is_some());
        }
    }

    /// Count an event that comes when nothing is sent any more.
    pub fn refuse(&mut self) {
        self.emitted += 1;
        self.dropped += 1;
    }

    pub fn waiting(&self) -> usize {
        self.waiting.iter().map(VecDeque::len).sum()
    }

    /// Whether there is nothing left to deliver.
    pub fn is_empty(&self) -> bool {
        self.unacked.is_empty() && self.waiting() == 0
    }

    /// A Welcome: what it does not cover is given out again. No `max_in_flight` is no bound.
    pub fn begin_stream(&mut self, stored_through: u64, max_in_flight: u32) -> Result<(), String> {
        self.acknowledge(stored_through, stored_through)?;
        self.sent_through = self.acked_through;
        self.received_through = self.acked_through;
        self.max_in_flight = match max_in_flight {
            0 => u64::MAX,
            bound => bound.into(),
        };
        Ok(())
    }

    /// An Ack: forget what is stored, and let more be on its way. What is lower than before says nothing new.
    pub fn acknowledge(&mut self, stored_through: u64, received_through: u64) -> Result<(), String> {
        let last_seq = self.last_seq();
        if stored_through > last_seq {
            return Err(format!("stored_through {stored_through}: no event beyond {last_seq} was ever sent"));
        }
        let stored = stored_through.saturating_sub(self.acked_through);
        self.unacked.drain(..stored as usize);
        self.acked_through += stored;
        self.sent_through = self.sent_through.max(self.acked_through);
        let received_through = received_through.max(stored_through).min(self.sent_through);
        self.received_through = self.received_through.max(received_through);
        Ok(())
    }

    /// The next events in the order in which they were emitted, as far as the daemon has room; maybe none.
    pub fn take(&mut self, max_events: usize, max_bytes: usize) -> Events {
        let mut message = Events { first_seq: self.sent_through + 1, dropped: self.dropped, ..Events::default() };
        let mut bytes = MESSAGE_BYTES;
        while message.events.len() < max_events && self.sent_through - self.received_through < self.max_in_flight {
            let next = (self.sent_through - self.acked_through) as usize;
            if next == self.unacked.len() && !self.give_seq() {
                break;
            }
            let event = &self.unacked[next];
            bytes += event.encoded_len() + FRAME_BYTES;
            if bytes > max_bytes && !message.events.is_empty() {
                break;
            }
            message.events.push(event.clone());
            self.sent_through += 1;
        }
        message
    }

    /// Give the oldest waiting event the next sequence number. From then on it is no longer dropped, so
    /// half of the room is kept for those that wait: a transition then finds a gauge to take the place of.
    fn give_seq(&mut self) -> bool {
        if self.unacked.len() >= self.max_events / 2 {
            return false;
        }
        let emitted = |queue: &VecDeque<(u64, VizEvent)>| queue.front().map_or(u64::MAX, |entry| entry.0);
        let oldest = self.waiting.iter_mut().min_by_key(|queue| emitted(queue));
        let Some((_, event)) = oldest.and_then(VecDeque::pop_front) else { return false };
        self.unacked.push_back(event);
        true
    }

    fn last_seq(&self) -> u64 {
        self.acked_through + self.unacked.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{CacheEvt, SwimEvt, WalEvt};

    const MIB: usize = 1 << 20;

    fn gauge(number: u64) -> VizEvent {
        let event = Event::Cache(CacheEvt { name: "block".into(), hit_ratio: 0.5 });
        VizEvent { ts_ms: number, owner_shard: None, event: Some(event) }
    }

    fn log(number: u64) -> VizEvent {
        let kind = Some(wal_evt::Kind::SegmentGc(wal_evt::SegmentGc {}));
        let event = Event::Wal(WalEvt { node: 1, seg: number, kind });
        VizEvent { ts_ms: number, owner_shard: None, event: Some(event) }
    }

    fn transition(number: u64) -> VizEvent {
        let event = Event::Swim(SwimEvt { node: 1, kind: 1 });
        VizEvent { ts_ms: number, owner_shard: None, event: Some(event) }
    }

    fn streaming(max_events: usize, max_in_flight: u32) -> Buffer {
        let mut buffer = Buffer::new(max_events);
        buffer.begin_stream(0, max_in_flight).unwrap();
        buffer
    }

    /// First seq and what was emitted when.
    fn taken(buffer: &mut Buffer, max_events: usize) -> (u64, Vec<u64>) {
        let message = buffer.take(max_events, MIB);
        (message.first_seq, message.events.iter().map(|event| event.ts_ms).collect())
    }

    #[test]
    fn events_are_given_out_in_the_order_in_which_they_were_emitted() {
        let mut buffer = streaming(100, 0);
        for event in [transition(1), gauge(2), log(3), gauge(4)] {
            buffer.add(event);
        }
        assert_eq!(taken(&mut buffer, 3), (1, vec![1, 2, 3]));
        assert_eq!(taken(&mut buffer, 3), (4, vec![4]));
        assert_eq!(taken(&mut buffer, 3), (5, vec![]));
    }

    #[test]
    fn gauges_are_given_up_first_and_transitions_last_and_what_is_left_has_consecutive_seqs() {
        let mut buffer = streaming(4, 0);
        for event in [transition(1), log(2), gauge(3), transition(4), transition(5), transition(6)] {
            buffer.add(event);
        }
        assert_eq!((buffer.emitted, buffer.dropped), (6, 2));
        assert_eq!(taken(&mut buffer, 9), (1, vec![1, 4]));
        buffer.acknowledge(2, 2).unwrap();
        assert_eq!(taken(&mut buffer, 9), (3, vec![5, 6]));
    }

    #[test]
    fn a_new_stream_gives_out_again_what_its_welcome_does_not_cover() {
        let mut buffer = streaming(100, 0);
        (1..=5).for_each(|number| buffer.add(log(number)));
        taken(&mut buffer, 4);
        buffer.acknowledge(1, 3).unwrap();
        buffer.begin_stream(2, 0).unwrap();
        assert_eq!(taken(&mut buffer, 9), (3, vec![3, 4, 5]));
        buffer.begin_stream(0, 0).unwrap(); // A daemon that has forgotten all.
        assert_eq!(taken(&mut buffer, 9), (3, vec![3, 4, 5]));
        buffer.acknowledge(5, 5).unwrap();
        assert!(buffer.is_empty());
    }

    #[test]
    fn no_more_is_on_its_way_than_the_daemon_allows_beyond_what_it_has_received() {
        let mut buffer = streaming(100, 2);
        (1..=5).for_each(|number| buffer.add(log(number)));
        assert_eq!(taken(&mut buffer, 9), (1, vec![1, 2]));
        assert_eq!(taken(&mut buffer, 9), (3, vec![]));
        buffer.acknowledge(0, 1).unwrap();
        assert_eq!(taken(&mut buffer, 9), (3, vec![3]));
    }

    #[test]
    fn a_message_stays_within_the_bytes_that_the_daemon_takes() {
        let mut buffer = streaming(100, 0);
        (1..=50).for_each(|number| buffer.add(gauge(number)));
        let message = buffer.take(1_000, 200);
        assert!(!message.events.is_empty() && message.encoded_len() <= 200);
        assert_eq!(buffer.take(1, 0).events.len(), 1);
    }

    #[test]
    fn an_ack_of_what_was_never_sent_is_refused() {
        let mut buffer = streaming(100, 0);
        buffer.add(log(1));
        assert!(buffer.acknowledge(1, 1).is_err());
    }

    #[test]
    fn an_event_that_no_message_could_carry_is_dropped_and_counted() {
        let mut buffer = streaming(100, 0);
        let event = Event::Cache(CacheEvt { name: "x".repeat(MIB), hit_ratio: 0.5 });
        buffer.add(VizEvent { ts_ms: 1, owner_shard: None, event: Some(event) });
        assert_eq!((buffer.dropped, buffer.waiting()), (1, 0));
    }
}
