"""Columns of numbers as bytes, for keyframes: made at the speed of a copy."""

import sys
from array import array

__all__ = ["numbers", "packed"]


def packed(column: "array[int]") -> bytes:
    """Little-endian, each as wide as it is in the column."""
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()


def numbers(typecode: str, data: bytes) -> "array[int]":
    """What was packed.

    :raises ValueError: there is no whole number of them.
    """
    column = array(typecode)
    column.frombytes(data)
    if sys.byteorder == "big":
        column.byteswap()
    return column
