"""``GET /api/coverage``: what the log has of each node, and what it lacks."""

import json
from collections.abc import Iterator

from vizd.state.coverage import Coverage
from vizd.web.admission import Admission
from vizd.web.query import Query
from vizd.web.sliced import SlicedEndpoint
from vizd.web.turns import Turns

__all__ = ["CoverageEndpoint"]


class CoverageEndpoint(SlicedEndpoint):
    """``from``, ``to``: see ``Coverage.nodes``. A node is a slice."""

    def __init__(self, admission: Admission, coverage: Coverage, turns: Turns) -> None:
        super().__init__(admission, turns)
        self._coverage = coverage

    def slices(self, query: Query) -> Iterator[bytes]:
        """See ``SlicedEndpoint``."""
        return self._told(*query.range_ms())

    def _told(self, from_ms: int | None, to_ms: int | None) -> Iterator[bytes]:
        before = '{"nodes":['
        for node in self._coverage.nodes(from_ms, to_ms):
            yield (before + json.dumps(node, ensure_ascii=False, separators=(",", ":"))).encode()
            before = ","
        end = '],"truncated":true}' if self._coverage.truncated else "]}"
        yield (end if before == "," else before + end).encode()
