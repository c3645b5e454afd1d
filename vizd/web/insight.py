"""``GET /api/insight``: what is wrong, and what was until lately."""

import json
from collections.abc import Callable, Iterator

from vizd.insight.insight import Insight
from vizd.log.window import Position
from vizd.web.admission import Admission
from vizd.web.query import Query
from vizd.web.sliced import SlicedEndpoint
from vizd.web.turns import Turns

__all__ = ["InsightEndpoint"]

_FINDINGS_PER_SLICE = 20
"""Less than 1 ms."""


class InsightEndpoint(SlicedEndpoint):
    """All findings as they were when it was asked: open ones first, then the worst, then the newest."""

    def __init__(
        self, admission: Admission, insight: Insight, position_text: Callable[[Position], str], turns: Turns
    ) -> None:
        """
        :param position_text: a place in the log for clients.
        """
        super().__init__(admission, turns)
        self._insight = insight
        self._position_text = position_text

    def slices(self, query: Query) -> Iterator[bytes]:
        """See ``SlicedEndpoint``."""
        findings = self._insight.findings()
        end = {"no_data": self._insight.no_data} | ({"truncated": True} if self._insight.truncated else {})
        yield b'{"findings":['
        for begin in range(0, len(findings), _FINDINGS_PER_SLICE):
            part = findings[begin : begin + _FINDINGS_PER_SLICE]
            texts = [_json(each.fields(self._position_text)) for each in part]
            yield (("," if begin else "") + ",".join(texts)).encode()
        yield f"],{_json(end)[1:]}".encode()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
