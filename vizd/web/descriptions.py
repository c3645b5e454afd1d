"""``GET /api/openapi.json`` and ``/api/asyncapi.json``: what the interfaces are, for programs and their makers."""

import json
from typing import Any

from twisted.web.server import Request

from vizd.web.admission import Admission
from vizd.web.site import Endpoint

__all__ = ["DescriptionEndpoint"]


class DescriptionEndpoint(Endpoint):
    """One document, written once."""

    def __init__(self, admission: Admission, document: dict[str, Any]) -> None:
        super().__init__(admission)
        self._body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    def get(self, request: Request) -> bytes:
        """See ``Endpoint``."""
        request.setHeader(b"Content-Type", b"application/json")
        request.setHeader(b"Content-Length", b"%d" % len(self._body))
        return b"" if request.method == b"HEAD" else self._body
