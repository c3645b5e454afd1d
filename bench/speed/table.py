"""What is to be reached: every figure a ratio to a reference of the same run, its target, and what guards it.

The targets are the project's; the limits of the short run in CI are looser by what a busy machine adds.
"""

from dataclasses import dataclass

__all__ = ["TARGETS", "Row", "Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table.

    :ivar key: its name. :ivar group: the measurement that it belongs to. :ivar target: of the ratio;
        ``is_least``: at least that, else at most. :ivar guard: the limit of the short run; ``None``: not in it.
    :ivar exactly: the target as it was said, where that was no ratio.
    """

    key: str
    group: str
    what: str
    reference: str
    target: float
    is_least: bool = False
    guard: float | None = None
    exactly: str = ""

    def is_met(self, ratio: float) -> bool:
        """By the table."""
        return ratio >= self.target if self.is_least else ratio <= self.target

    def is_kept(self, ratio: float) -> bool:
        """By the guard."""
        assert self.guard is not None
        return ratio >= self.guard if self.is_least else ratio <= self.guard

    @property
    def words(self) -> str:
        """The target, for people."""
        return f"{'≥' if self.is_least else '≤'} {self.exactly or format(self.target, 'g')}"


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one target.

    :ivar ratio: ``None``: the reference could not be had; ``note`` says why.
    :ivar faults: what else was promised for this line, and not kept.
    """

    key: str
    measured: str
    reference: str
    ratio: float | None
    note: str = ""
    faults: tuple[str, ...] = ()

    @property
    def target(self) -> Target:
        """Its target."""
        return TARGETS[self.key]

    @property
    def is_met(self) -> bool:
        """The ratio and all that goes with it."""
        return self.ratio is not None and self.target.is_met(self.ratio) and not self.faults

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.ratio is None:
            return "not measured"
        return "met" if self.is_met else "not met"

    def __str__(self) -> str:
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}"
        text = f"{self.target.what} | {self.measured} | {self.target.reference}: {self.reference} | {ratio}"
        more = "; ".join(filter(None, (self.note, *self.faults)))
        return f"{text} (target {self.target.words}) | {self.verdict}" + (f" ({more})" if more else "")


_FRAME = "CPU per client-frame, 10 KB, 20/s"

TARGETS = {
    each.key: each
    for each in (
        *(
            Target(
                f"frame-{name}-{clients}", "fanout", f"{_FRAME}, {clients:,} clients", reference, target,
                guard=2.4 if (name, clients) == ("raw", 100) else None,
            )
            for name, reference, target in (
                ("raw", "raw non-blocking send loop", 1.4),
                ("websockets", "`websockets` broadcast", 0.8),
                ("ws", "Node `ws`", 0.75),
                ("picows", "picows", 1.05),
            )
            for clients in (100, 200, 1_000)
        ),
        Target("delivery", "fanout", "delivery p99 beyond the window, 1,000 clients", "raw loop", 1.5),
        Target("event-cpu", "ingest", "CPU per event ingested, 100 a message", "gRPC handler that drops", 4.0,
               guard=4.5),
        Target("saturated", "ingest", "events/s of one saturated core, 200 clients attached",
               "gRPC handler that drops", 0.3, is_least=True),
        Target("memory", "memory", "RSS per buffered event", "the same as a Rust struct", 0.3, guard=0.4,
               exactly="20 B"),
        Target("history-read", "history", "full history read, JSON", "zstd alone, the same blocks", 0.8, is_least=True,
               guard=0.2),
        Target("one-type", "history", "one type of it", "all types", 15, is_least=True, guard=12),
        Target("past-memory", "past", "`/api/history` of an hour: RSS added", "what may be", 1.0, exactly="64 MiB"),
        Target("past-lateness", "past", "the same: lateness of live windows beside it, p99", "idle", 1.3),
        Target("dashboards", "dashboards",
               "1,000 dashboards at 150 kbit/s, 20 filters, 100,000 events/s, one core: p99 beyond the window",
               "20 ms", 1.0, exactly="20 ms"),
    )
}  # fmt: skip
"""By key, in the order of the table."""
