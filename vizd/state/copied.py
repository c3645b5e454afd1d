"""A dict that is copied a part at a time while it goes on changing.

The copy is of one moment. What is about to change before the copy has come to it is put aside first, so a copy costs a
window no more than what the window changes.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec

__all__ = ["CopiedDict", "Entries"]

Entries = list[msgspec.Raw]
"""Some of a copy, each a MessagePack of [key, value]."""

_ROWS = 128
"""In a part, if its entries are small: made in about 0.3 ms."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class CopiedDict(dict[K, V]):
    """Who changes a value asks for it by its key, and is done with it before the next part of a copy is made.

    What ``values`` and ``items`` give is only to be read.
    """

    def __init__(
        self,
        entry: Any,
        enc_hook: Callable[[Any], Any] | None = None,
        dec_hook: Callable[[type, Any], Any] | None = None,
        rows: int | None = None,
    ) -> None:
        """
        :param entry: the type of (key, value), for msgspec; the hooks are for what is in it.
        :param rows: in a part, where entries are large.
        """
        super().__init__()
        self._encode = msgspec.msgpack.Encoder(enc_hook=enc_hook).encode
        self._decode = msgspec.msgpack.Decoder(entry, dec_hook=dec_hook).decode
        self._rows = rows
        self._left: set[K] = set()
        self._aside: dict[K, msgspec.Raw] = {}

    def __getitem__(self, key: K) -> V:
        if self._left:
            self._put_aside(key)
        return super().__getitem__(key)

    def __setitem__(self, key: K, value: V) -> None:
        if self._left:
            self._put_aside(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: K) -> None:
        if self._left:
            self._put_aside(key)
        super().__delitem__(key)

    def get(self, key: K, default: Any = None) -> Any:
        """As that of a dict."""
        if self._left:
            self._put_aside(key)
        return super().get(key, default)

    def pop(self, key: K, *default: Any) -> Any:
        """As that of a dict."""
        if self._left:
            self._put_aside(key)
        return super().pop(key, *default)

    def copied(self) -> Iterator[Entries]:
        """All as it is now, in its order. A copy that is not done when the next is asked for is finished for it."""
        for key in list(self._left):
            self._put_aside(key)
        order = list(self)
        self._left, self._aside = set(order), {}
        return self._parts(order, self._left, self._aside)

    def _parts(self, order: list[K], left: set[K], aside: dict[K, msgspec.Raw]) -> Iterator[Entries]:
        rows = self._rows or _ROWS
        for begin in range(0, len(order), rows):
            keys = order[begin : begin + rows]
            for key in keys:
                if key in left:
                    self._put_aside(key)
            yield [aside.pop(key) for key in keys]

    def _put_aside(self, key: K) -> None:
        if key in self._left:
            self._left.discard(key)
            self._aside[key] = msgspec.Raw(self._encode((key, super().__getitem__(key))))

    def read(self, entries: Iterable[msgspec.Raw]) -> list[tuple[K, V]]:
        """What is in a part of a copy; nothing is put in.

        :raises ValueError: it is no such thing.
        """
        try:
            return [self._decode(each) for each in entries]
        except msgspec.DecodeError as why:
            raise ValueError(f"keyframe: {why}") from None
