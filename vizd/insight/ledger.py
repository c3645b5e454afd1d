"""All findings in their newest version: those that are open, and those that have closed lately."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from vizd.insight.finding import SEVERITIES, Finding

__all__ = ["Ledger"]

Listener = Callable[[Finding, str], None]


class Ledger:
    """Bounded by ``MAX_CLOSED``, and in open ones by the rules (``Cases.MAX_OPEN``).

    :ivar changes: how many there have been.
    :cvar MAX_CLOSED: beyond it the one that closed first is forgotten.
    """

    MAX_CLOSED = 1_000

    def __init__(self) -> None:
        self.changes = 0
        self._newest: dict[str, Finding] = {}
        """By id, in the order of ``change``."""
        self._closed: dict[str, Finding] = {}
        """By id, in the order in which they closed."""
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call it with every version from now on, and ``opened``, ``updated`` or ``closed``."""
        self._listeners.append(listener)

    def tell(self, finding: Finding) -> Finding:
        """A new version of a finding, or a new finding; returns it with the number of this change."""
        self.changes += 1
        finding = replace(finding, change=self.changes)
        before = self._newest.pop(finding.id, None)
        self._newest[finding.id] = finding
        if not finding.open:
            self._closed[finding.id] = finding
            if len(self._closed) > self.MAX_CLOSED:
                self._forget(next(iter(self._closed)))
        word = "closed" if not finding.open else "opened" if before is None else "updated"
        for listener in self._listeners:
            listener(finding, word)
        return finding

    @property
    def newest(self) -> list[Finding]:
        """The newest version of each, in the order of ``change``."""
        return list(self._newest.values())

    def restore(self, changes: int, newest: Iterable[Finding]) -> None:
        """Be as a keyframe says."""
        self.changes = changes
        self._newest = {each.id: each for each in newest}
        self._closed = {each.id: each for each in self._newest.values() if not each.open}

    def trim(self, before_ms: int) -> None:
        """Forget what was over before this; cheap to call often."""
        while self._closed:
            first = next(iter(self._closed.values()))
            if first.last_ms >= before_ms:
                return
            self._forget(first.id)

    def _forget(self, name: str) -> None:
        del self._closed[name], self._newest[name]

    def changed_since(self, change: int) -> Iterator[Finding]:
        """The newest version of each finding that has changed after this one, in the order of ``change``."""
        changed = []
        for finding in reversed(self._newest.values()):
            if finding.change <= change:
                break
            changed.append(finding)
        return reversed(changed)

    def worst_first(self, *, only_open: bool = False) -> list[Finding]:
        """The open ones before the closed ones, the worst first, then the newest."""
        kept = [each for each in self._newest.values() if each.open or not only_open]
        return sorted(kept, key=lambda each: (not each.open, SEVERITIES.index(each.severity), -each.change))
