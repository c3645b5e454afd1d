"""The subjects of one rule for which its condition holds, or lately did: from there to findings.

A condition must hold for a while before a finding opens, and its contrary for a while before it closes. What a finding
says is told anew at most once a second. All of it is decided at the end of a window, once for each subject: so a
finding never opens twice in one window, and its id has the window's seq.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from vizd.insight.agenda import Agenda
from vizd.insight.case import Case
from vizd.insight.cluster import Cluster
from vizd.insight.finding import Finding
from vizd.insight.ledger import Ledger
from vizd.log.window import Position
from vizd.state.copied import CopiedDict

__all__ = ["Cases"]

_UPDATE_MS = 1_000


class Cases:
    """Of one rule.

    :cvar MAX_SUBJECTS: for which the condition holds; further ones are not taken in.
    :cvar MAX_OPEN: findings that are open at once; what comes then waits for one of them to close. No one reads more
        of one rule, and no rule can crowd out another.
    """

    MAX_SUBJECTS = 10_000
    MAX_OPEN = 100

    def __init__(
        self,
        rule: str,
        severity: str,
        cluster: Cluster,
        ledger: Ledger,
        opens_after_ms: int = 0,
        closes_after_ms: int = 0,
    ) -> None:
        """
        :param opens_after_ms: for so long the condition must hold.
        :param closes_after_ms: for so long it must not, after it was said to have ceased.
        """
        self._rule = rule
        self._severity = severity
        self._cluster = cluster
        self._ledger = ledger
        self._opens_after_ms = opens_after_ms
        self._closes_after_ms = closes_after_ms
        self._cases: CopiedDict[str, Case] = CopiedDict(tuple[str, Case])
        self._open: dict[str, Case] = {}
        self._waiting: dict[str, Case] = {}
        self._touched: dict[str, Case] = {}
        self._agenda = Agenda[Case](lambda case: self._cases.get(case.key))

    def __len__(self) -> int:
        return len(self._cases)

    def __contains__(self, subject: Mapping[str, Any]) -> bool:
        return _key(subject) in self._cases

    @property
    def is_truncated(self) -> bool:
        """There would be more findings, were there room."""
        return bool(self._waiting)

    # What a rule says.

    def holds(
        self,
        subject: Mapping[str, Any],
        detail: str,
        *,
        witnesses: Iterable[int] = (),
        conclusive: bool = True,
        since_ms: int | None = None,
        lapses_after_ms: int | None = None,
        evidence: Iterable[Position] = (),
    ) -> None:
        """The condition holds now.

        :param detail: the sentence of the finding; a new one is an update, and its window is evidence.
        :param witnesses: nodes; where something of them is missing since the beginning, the finding is inconclusive.
        :param since_ms: since when it holds, if it is new; else since now.
        :param lapses_after_ms: it holds for this long, unless it is said again; else until ``ceases``.
        :param evidence: earlier places that show it, in order.
        """
        key, now_ms = _key(subject), self._cluster.now_ms
        begin_ms = now_ms if since_ms is None else since_ms
        span_ms = min(begin_ms, self._cluster.start_ms)
        case = self._cases.get(key)
        if case is None:
            if len(self._cases) >= self.MAX_SUBJECTS:
                return
            case = self._cases[key] = Case(key, dict(subject), begin_ms, span_ms, now_ms)
        elif case.ceased_ms is not None:
            case.ceased_ms = None
            if case.finding is None:
                case.since_ms, case.span_ms = begin_ms, span_ms
        if detail != case.detail:
            if not case.detail:
                for position in evidence:
                    case.note(position)
            case.note(self._cluster.position)
        case.detail = detail
        case.seen_ms = now_ms
        case.conclusive &= conclusive
        case.witnesses = frozenset(witnesses)
        case.lapses_ms = None if lapses_after_ms is None else now_ms + lapses_after_ms
        self._touched[key] = case

    def begins(self, subject: Mapping[str, Any], detail: str, *, witnesses: Iterable[int] = ()) -> None:
        """The condition holds since now, whatever was before."""
        case = self._cases.get(_key(subject))
        if case is not None and case.finding is not None:
            self._end(case, self._cluster.now_ms)
        elif case is not None:
            case.since_ms, case.span_ms = self._cluster.now_ms, self._cluster.start_ms
            case.ceased_ms = None
        self.holds(subject, detail, witnesses=witnesses)

    def ceases(self, subject: Mapping[str, Any]) -> None:
        """The condition holds no longer; nothing, if it did not."""
        if not self._cases:  # As it should be, and this is asked often.
            return
        case = self._cases.get(_key(subject))
        if case is not None and case.ceased_ms is None:
            case.ceased_ms = self._cluster.now_ms
            self._touched[case.key] = case

    def ends(self, subject: Mapping[str, Any]) -> None:
        """There is nothing left to be said of it: close it at once."""
        case = self._cases.get(_key(subject))
        if case is not None:
            self._end(case, self._cluster.now_ms)

    def end_all_of(self, node: int) -> None:
        """``ends`` for whatever is about this node."""
        for case in [each for each in self._cases.values() if each.subject.get("node") == node]:
            self._end(case, self._cluster.now_ms)

    # Keyframes.

    @property
    def all(self) -> CopiedDict[str, Case]:
        """By key; not to be changed."""
        return self._cases

    @property
    def open_keys(self) -> list[str]:
        """Of those with a finding that is open, in the order in which these opened."""
        return list(self._open)

    @property
    def waiting_keys(self) -> list[str]:
        """Of those whose finding waits for room, those first that waited first."""
        return list(self._waiting)

    def restore(self, cases: Iterable[tuple[str, Case]], open_keys: Iterable[str], waiting_keys: Iterable[str]) -> None:
        """Be as a keyframe says.

        :raises LookupError: a key is of none of these cases.
        """
        self._cases.update(cases)
        self._open = {key: self._cases[key] for key in open_keys}
        self._waiting = {key: self._cases[key] for key in waiting_keys}
        self._agenda.restore(self._cases.values())

    # At the end of a window.

    def settle(self) -> None:
        """Open, update and close what is due. Cheap where nothing is."""
        now_ms = self._cluster.now_ms
        touched, self._touched = self._touched, {}
        for case in touched.values():
            self._decide(case, now_ms)
        for case in self._agenda.take(now_ms):
            self._decide(case, now_ms)
        while self._waiting and len(self._open) < self.MAX_OPEN:
            self._open_up(next(iter(self._waiting.values())), now_ms)

    def pass_second(self) -> None:
        """Look at whether something is missing that could speak against an open finding."""
        for case in self._open.values():
            if case.conclusive and case.witnesses and not self._is_conclusive(case):
                self._touched[case.key] = case

    def forget(self, before_ms: int) -> None:
        """Close whatever is about a subject of which the log has nothing since then."""
        for case in list(self._cases.values()):
            if self._cluster.is_forgotten(case.subject, before_ms):
                self._end(case, self._cluster.now_ms)

    def _decide(self, case: Case, now_ms: int) -> None:
        if self._cases.get(case.key) is not case:
            return
        if case.ceased_ms is None and case.lapses_ms is not None and now_ms >= case.lapses_ms:
            self._end(case, case.seen_ms)
        elif case.ceased_ms is not None:
            closes_ms = case.ceased_ms + (self._closes_after_ms if case.finding else 0)
            if now_ms >= closes_ms:
                self._end(case, case.ceased_ms)
            else:
                self._look_again(case, closes_ms)
        else:
            if case.lapses_ms is not None:
                self._look_again(case, case.lapses_ms)
            if case.finding is not None:
                self._update(case, case.finding, now_ms)
            elif now_ms >= case.since_ms + self._opens_after_ms:
                self._open_up(case, now_ms)
            else:
                self._look_again(case, case.since_ms + self._opens_after_ms)

    def _look_again(self, case: Case, at_ms: int) -> None:
        self._agenda.put(case, at_ms, len(self._cases))

    def _open_up(self, case: Case, now_ms: int) -> None:
        if len(self._open) >= self.MAX_OPEN:
            self._waiting[case.key] = case
            return
        self._waiting.pop(case.key, None)
        self._open[case.key] = case
        self._cases[case.key].note(self._cluster.position)
        self._tell(case, f"{self._rule}/{case.key}/{self._cluster.position.seq}", now_ms, is_open=True)

    def _update(self, case: Case, told: Finding, now_ms: int) -> None:
        if case.detail == told.detail and self._is_conclusive(case) == told.conclusive:
            return
        if now_ms >= case.told_ms + _UPDATE_MS:
            self._tell(case, told.id, now_ms, is_open=True)
        else:
            self._look_again(case, case.told_ms + _UPDATE_MS)

    def _end(self, case: Case, last_ms: int) -> None:
        del self._cases[case.key]
        self._open.pop(case.key, None)
        self._waiting.pop(case.key, None)
        case.due_ms = None
        if case.finding is not None:
            self._tell(case, case.finding.id, max(last_ms, case.since_ms), is_open=False)

    def _tell(self, case: Case, name: str, last_ms: int, *, is_open: bool) -> None:
        case.conclusive = self._is_conclusive(case)
        case.told_ms = self._cluster.now_ms
        case.finding = self._ledger.tell(
            Finding(
                name,
                self._rule,
                self._severity,
                self._cluster.named(case.subject),
                case.since_ms,
                last_ms,
                is_open,
                case.conclusive,
                case.detail,
                (*case.first, *case.last),
                0,
            )
        )

    def _is_conclusive(self, case: Case) -> bool:
        return case.conclusive and self._cluster.is_whole(case.witnesses, case.span_ms)


def _key(subject: Mapping[str, Any]) -> str:
    return "/".join(f"{name}-{value}" for name, value in subject.items())
