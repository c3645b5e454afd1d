"""Tests of ``vizd.stream.findings``, and of the session that sends them."""

import json
from typing import Any

import msgpack
from twisted.trial.unittest import SynchronousTestCase

from tests.insight.watched import Watched
from tests.stream.made import draft, fsyncs, made, memory_log
from vizd.state.projection import Projection
from vizd.stream.encoding import JSON, MESSAGEPACK
from vizd.stream.filter import Filter
from vizd.stream.findings import Findings
from vizd.stream.frames import Frames
from vizd.stream.history import ReadSlots
from vizd.stream.live import Live
from vizd.stream.session import Session
from vizd.stream.snapshot import StateWish

EPOCH = b"an epoch"


class FindingsCase(SynchronousTestCase):
    """A cluster in which nodes die and come back."""

    def setUp(self) -> None:
        self.watched = Watched()
        self.watched.connect(1)
        self.frames = Frames(EPOCH)

    def happen(self, kind: str, *nodes: int) -> None:
        self.watched.happen([made(f"Swim.{kind}", node=node) for node in nodes])

    def findings(self, encoder: Any = JSON) -> Findings:
        return Findings(self.watched.insight, self.frames, encoder)

    def heard(self, findings: Findings) -> list[Any]:
        """All that comes now, of the deaths: other rules have their own tests."""
        heard = []
        while findings.is_due():
            frame = findings.pull()
            if frame is not None:
                heard.append((msgpack.unpackb if frame.is_binary else json.loads)(frame.payload))
        self.assertIsNone(findings.pull())
        return [each for each in heard if each["rule"] == "node-dead"]


class FindingsTests(FindingsCase):
    """What one client is told."""

    def test_where_nothing_is_wrong_nothing_is_said(self) -> None:
        findings = self.findings()
        self.assertEqual((findings.is_due(), findings.pull()), (False, None))

    def test_those_that_are_open_come_first_and_closed_ones_do_not(self) -> None:
        self.happen("Confirm", 2, 3)
        self.happen("Alive", 3)
        heard = self.heard(self.findings())
        self.assertEqual([(each["type"], each["subject"]["node"], each["open"]) for each in heard],
                         [("finding", 2, True)])  # fmt: skip

    def test_one_is_opened_and_closed_under_the_same_id(self) -> None:
        findings = self.findings()
        self.happen("Confirm", 2)
        [opened] = self.heard(findings)
        self.happen("Alive", 2)
        [closed] = self.heard(findings)
        self.assertEqual((opened["id"], opened["open"], closed["open"]), (closed["id"], True, False))
        self.assertEqual(self.heard(findings), [])

    def test_of_one_that_changes_while_nobody_listens_only_the_newest_version_comes(self) -> None:
        findings = self.findings()
        for kind in ("Confirm", "Alive"):
            self.happen(kind, 2)
        self.assertEqual([each["open"] for each in self.heard(findings)], [False])

    def test_one_that_was_open_at_first_and_is_closed_before_it_was_taken_is_told_as_closed_too(self) -> None:
        self.happen("Confirm", 2)
        findings = self.findings()
        self.happen("Alive", 2)
        self.assertEqual(self.heard(findings)[-1]["open"], False)

    def test_changes_come_in_the_order_in_which_they_were_made(self) -> None:
        findings = self.findings()
        for node in (5, 3, 4):
            self.happen("Confirm", node)
        self.assertEqual([each["subject"]["node"] for each in self.heard(findings)], [5, 3, 4])

    def test_it_is_the_finding_as_the_api_says_it_in_either_encoding(self) -> None:
        self.happen("Confirm", 2)
        [text], [packed] = self.heard(self.findings()), self.heard(self.findings(MESSAGEPACK))
        self.assertEqual(packed, text)
        names = ["type", "id", "rule", "severity", "subject", "first_ms", "last_ms", "open", "conclusive", "detail"]
        self.assertEqual(list(text), [*names, "positions"])

    def test_equal_clients_get_the_same_frame(self) -> None:
        self.happen("Confirm", 2)
        self.assertIs(self.findings().pull(), self.findings().pull())


class SessionTests(FindingsCase):
    """Among the other messages."""

    def session(self, findings: Findings | None) -> Session:
        self.log = memory_log(epoch=EPOCH)
        live = Live(self.log, Projection(0).view, self.frames, JSON, Filter.of(), 0, StateWish.NONE)
        session = Session(self.log, self.frames, ReadSlots(), JSON, live, findings)
        session.begin({}, None, 0)
        return session

    def kinds(self, session: Session) -> list[str]:
        kinds = []
        while frame := session.pull(0):
            kinds.append(json.loads(frame.payload)["type"])
        return kinds

    def test_they_come_behind_answers_and_in_front_of_batches(self) -> None:
        self.happen("Confirm", 2)
        session = self.session(self.findings())
        self.log.append(draft(1_000, fsyncs(1)))
        session.receive(b'{"type":"ping"}', False, 0)
        self.assertEqual(self.kinds(session), ["connected", "pong", "finding", "batch"])

    def test_one_that_is_new_is_due_though_the_client_pauses(self) -> None:
        session = self.session(self.findings())
        session.receive(b'{"type":"pause"}', False, 0)
        self.assertEqual((self.kinds(session), session.due(0)), (["connected"], None))
        self.happen("Confirm", 2)
        self.assertEqual((session.due(0), self.kinds(session)), (0, ["finding"]))

    def test_they_are_no_batches(self) -> None:
        self.happen("Confirm", 2)
        session = self.session(self.findings())
        self.kinds(session)
        self.assertEqual((session.sent.batches, session.sent.events, session.sent.size_bytes > 200), (0, 0, True))

    def test_who_does_not_want_them_gets_none(self) -> None:
        self.happen("Confirm", 2)
        self.assertEqual(self.kinds(self.session(None)), ["connected"])
