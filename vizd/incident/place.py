"""Where an incident is written: under its name stands a whole one, or nothing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["new_file"]


@contextmanager
def new_file(path: Path, may_replace: bool = False) -> Iterator[BinaryIO]:
    """Written beside ``path``, and moved there when all is on the disk; whatever ends it before, nothing is left.

    :raises FileExistsError: there is one, and it may not be replaced.
    :raises OSError: it can't be written.
    """
    if path.exists() and not may_replace:
        raise FileExistsError(f"{str(path)!r} exists: name another file, or say --force")
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
