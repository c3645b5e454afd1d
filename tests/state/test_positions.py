"""Tests of ``vizd.state.positions``: a registry that recalls them is like the one whose marks they are of."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.state.windows import Windows
from vizd.ingest import registry as ingest
from vizd.ingest.registry import Fault, Known, Registry
from vizd.log.window import Mark, Publisher
from vizd.state.positions import Positions

PUBLISHERS = [Publisher(node, name, process) for node in (1, 2) for name in ("a", "b") for process in (7, 8)]
SEQS = st.integers(1, 9)
CALLS = st.lists(
    st.one_of(
        st.tuples(st.just("connect"), st.sampled_from(PUBLISHERS), SEQS, st.integers(0, 3)),
        st.tuples(st.just("send"), st.sampled_from((1, 2)), st.integers(0, 3), st.integers(0, 3), st.integers(0, 2)),
        st.tuples(st.just("disconnect"), st.sampled_from((1, 2))),
        st.tuples(st.just("silence"), st.sampled_from((1, 2))),
    ),
    max_size=30,
)
"""What publishers do: ``send`` jumps so many seqs, has so many events, and gave so many up before."""


def known(registry: Registry) -> dict[Publisher, tuple[Any, ...]]:
    """What a Hello is answered by."""
    return {
        publisher: (each.stored_through, each.accounted_through, each.given_up, each.fenced)
        for publisher, each in registry._known.items()
    }


class Daemon:
    """A registry whose marks are all stored at once."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.positions = Positions()
        self._windows = Windows()
        self._gave_up = 0

    def do(self, what: str, *how: Any) -> list[Mark] | str:
        """The marks of it; or why it was refused."""
        try:
            marks = list(getattr(self, what)(*how))
        except Fault as why:
            return f"{why.code}: {why.details}"
        self.registry.stored(marks)
        self.positions.fold(self._windows.make(0, marks=marks))
        return marks

    def connect(self, publisher: Publisher, next_seq: int, acked_through: int) -> list[Mark]:
        # No node was acked more than what is stored of it, unless that was by a daemon with another log.
        known = self.registry._known.get(publisher)
        acked_through = min(acked_through, known.stored_through if known else acked_through)
        return self.registry.connect(publisher, next_seq, acked_through, lambda _: None)[1]

    def send(self, node: int, jump: int, events: int, gave_up: int) -> list[Mark]:
        stream = self.registry.streams.get(node)
        if stream is None:
            return []
        each = stream.known
        marks = self.registry.speak(stream)
        first_seq = max(stream.next_seq, each.accounted_through + 1 - 2) + jump
        intake = self.registry.take(stream, first_seq, events, each.given_up + gave_up)
        if events > intake.duplicates or intake.lost:
            new = events > intake.duplicates
            first_seq = first_seq + intake.duplicates if new else each.received_through + 1
            marks.append(
                Mark(each.publisher, first_seq, each.received_through, lost=intake.lost, given_up=each.given_up)
            )
        return marks

    def disconnect(self, node: int) -> list[Mark]:
        stream = self.registry.streams.get(node)
        return self.registry.disconnect(stream) if stream else []

    def silence(self, node: int) -> list[Mark]:
        stream = self.registry.streams.get(node)
        return self.registry.silence(stream) if stream else []

    def again(self) -> "Daemon":
        """The one that comes after it."""
        daemon = Daemon()
        daemon.positions.restore(list(self.positions.keyframe()))
        for publisher, place in daemon.positions:
            through = place.stored_through
            daemon.registry.recall(
                Known(publisher, through, through, place.accounted_through, place.given_up, fenced=place.fenced)
            )
        return daemon


class PositionsTests(SynchronousTestCase):
    @settings(deadline=None, max_examples=200)
    @given(CALLS, CALLS)
    def test_a_daemon_that_starts_again_greets_everyone_as_it_would_have_before(
        self, before: list[Any], behind: list[Any]
    ) -> None:
        first = Daemon()
        for what, *how in before:
            first.do(what, *how)
        second = first.again()
        self.assertEqual(known(second.registry), known(first.registry))
        for node in (1, 2):
            first.do("disconnect", node)
        for what, *how in behind:
            self.assertEqual(second.do(what, *how), first.do(what, *how))

    def test_who_is_connected_is_known(self) -> None:
        daemon = Daemon()
        daemon.do("connect", PUBLISHERS[0], 1, 0)
        daemon.do("connect", PUBLISHERS[-1], 1, 0)
        daemon.do("disconnect", 1)
        self.assertEqual([place.connected for _, place in daemon.again().positions], [False, True])

    def test_there_are_as_many_as_the_registry_remembers(self) -> None:
        self.assertEqual(Positions.MAX_KNOWN, ingest.MAX_KNOWN)

    def test_beyond_its_bound_it_forgets_who_connected_first_and_is_not_there(self) -> None:
        self.patch(Positions, "MAX_KNOWN", 3)
        self.patch(ingest, "MAX_KNOWN", 3)
        daemon = Daemon()
        for node in range(1, 5):
            daemon.do("connect", Publisher(node, "n", 1), 1, 0)
            if node > 1:
                daemon.do("disconnect", node)
        self.assertEqual([publisher.node for publisher, _ in daemon.positions], [1, 3, 4])
        self.assertEqual(list(known(daemon.registry)), [publisher for publisher, _ in daemon.positions])
