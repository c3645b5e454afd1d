"""Tests of ``vizd.state.pieces``."""

from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from vizd.state.pieces import Codec


class Line(msgspec.Struct, array_like=True, tag="line"):
    text: str


class Number(msgspec.Struct, array_like=True, tag="number"):
    value: int


CODEC: Codec[Line | Number] = Codec(3, Line | Number)


class CodecTests(SynchronousTestCase):
    """What went in comes out, or an error that says which piece is to blame."""

    @given(st.lists(st.builds(Line, st.text()) | st.builds(Number, st.integers(0, 2**64 - 1))))
    def test_contents_come_back(self, contents: list[Line | Number]) -> None:
        self.assertEqual(list(CODEC.contents(CODEC.pieces(contents))), contents)

    def test_each_piece_is_made_when_it_is_asked_for(self) -> None:
        left = iter([Line("a"), Line("b")])
        pieces = CODEC.pieces(left)
        next(pieces)
        self.assertEqual(list(left), [Line("b")])

    def refused(self, pieces: Sequence[bytes], why: str) -> None:
        with self.assertRaisesRegex(ValueError, why):
            list(CODEC.contents(pieces))

    def test_a_changed_byte_is_found(self) -> None:
        pieces = list(CODEC.pieces([Line("one"), Number(2)]))
        for index, piece in enumerate(pieces):
            for at in range(len(piece)):
                changed = piece[:at] + bytes([piece[at] ^ 0x10]) + piece[at + 1 :]
                self.refused([*pieces[:index], changed, *pieces[index + 1 :]], f"keyframe, piece {index}: ")

    def test_a_piece_that_is_missing_or_too_much_is_found(self) -> None:
        pieces = list(CODEC.pieces([Line("one"), Number(2)]))
        self.refused([], "its end is missing, behind 0 pieces")
        self.refused(pieces[:-1], "its end is missing, behind 2 pieces")
        self.refused(pieces[1:], "piece 0: it says that it is piece 1")
        self.refused([*pieces, pieces[-1]], "piece 3: it comes behind the end")
        self.refused([pieces[0][:4]], "piece 0: 4 bytes are no piece")

    def test_another_version_and_other_contents_are_refused(self) -> None:
        older: Codec[Line] = Codec(2, Line)
        self.refused(list(older.pieces([Line("one")])), "piece 0: it is of version 2, this is for version 3")
        other: Codec[Place] = Codec(3, Place)
        self.refused(list(other.pieces([Place()])), "piece 0: .*place")


class Place(msgspec.Struct, array_like=True, tag="place"):
    pass
