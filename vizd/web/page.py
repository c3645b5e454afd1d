"""``GET /``: the built-in page, and the files that it is made of.

All of them are read at start and held in memory, plain and compressed. What can be asked for is what was there
then: no path of a request ever reaches the file system.
"""

import gzip
import hashlib
from pathlib import Path

from twisted.web.server import NOT_DONE_YET, Request

from vizd.web.admission import Admission
from vizd.web.site import Endpoint, header

__all__ = ["FOLDER", "FileEndpoint", "page_files"]

FOLDER = Path(__file__).with_name("static")

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
"""By suffix; a file of another kind is not part of the page."""

_HEADERS = {
    # Asked for again each time, and answered with 304: after an upgrade no browser mixes two versions of the page.
    b"Cache-Control": b"no-cache",
    b"Content-Security-Policy": b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    b" img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


class FileEndpoint(Endpoint):
    """One file, compressed once. A browser asks for it before it has a token."""

    asks_for_token = False

    def __init__(self, admission: Admission, content: bytes, content_type: str) -> None:
        super().__init__(admission)
        self._type = content_type.encode()
        digest = hashlib.sha256(content).hexdigest()[:32]
        # A strong ETag names bytes as they are sent, so each encoding has its own.
        self._plain = content, b'"%s"' % digest.encode()
        self._packed = gzip.compress(content, 9, mtime=0), b'"%s-gzip"' % digest.encode()

    def get(self, request: Request) -> bytes | int:
        """See ``Endpoint``."""
        is_packed = "gzip" in _listed(header(request, "accept-encoding"))
        content, etag = self._packed if is_packed else self._plain
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        request.responseHeaders.addRawHeader(b"Vary", b"Accept-Encoding")
        request.setHeader(b"ETag", etag)
        known = {each.removeprefix("W/") for each in _listed(header(request, "if-none-match"))}
        if etag.decode() in known or "*" in known:
            request.setResponseCode(304)
            request.finish()  # A body, even an empty one, would get a Content-Length that is not the file's.
            return NOT_DONE_YET
        request.setHeader(b"Content-Type", self._type)
        request.setHeader(b"Content-Length", b"%d" % len(content))
        if is_packed:
            request.setHeader(b"Content-Encoding", b"gzip")
        return b"" if request.method == b"HEAD" else content


def page_files(admission: Admission, folder: Path = FOLDER) -> dict[str, FileEndpoint]:
    """The page as it is now, by URL path: ``/`` is its ``index.html``, all else stands under ``/static/``.

    :param folder: of the page's files, and of no others.
    """
    files = {}
    for file in sorted(folder.rglob("*")):
        if file.suffix in TYPES and file.is_file():
            name = file.relative_to(folder).as_posix()
            path = "/" if name == "index.html" else f"/static/{name}"
            files[path] = FileEndpoint(admission, file.read_bytes(), TYPES[file.suffix])
    return files


def _listed(text: str | None) -> list[str]:
    return [each.strip() for each in (text or "").split(",")]
