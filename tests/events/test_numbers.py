"""f32 and f64 as JSON."""

import json
import math
import struct
from decimal import Decimal
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import TestCase

from vizd.events import numbers
from vizd.events.numbers import f32_text, f64_text

MAX_BITS = 0x7F7F_FFFF
"""Of the greatest finite f32; positive ones are in the order of their bits."""
BITS = st.integers(1, MAX_BITS)


def from_bits(bits: int) -> float:
    value: float = struct.unpack("<f", struct.pack("<I", bits))[0]
    return value


def digits_of(text: str) -> int:
    return len(Decimal(text).normalize().as_tuple().digits)


def reads_as(bits: int) -> tuple[Fraction, Fraction, bool]:
    """The real numbers that round to this positive f32: from, to, and whether these two do so themselves."""
    exact = Fraction(from_bits(bits))
    below = Fraction(from_bits(bits - 1))
    above = Fraction(from_bits(bits + 1)) if bits < MAX_BITS else 2 * exact - below
    return (below + exact) / 2, (exact + above) / 2, bits % 2 == 0


def shortest(bits: int) -> Fraction:
    """By exact arithmetic: of the decimals with the fewest digits that round to this f32, the nearest to it."""
    low, high, ends = reads_as(bits)
    exact = Fraction(from_bits(bits))
    exponent = math.floor(math.log10(from_bits(bits))) + 2
    while True:
        unit = Fraction(10) ** exponent
        first = math.ceil(low / unit)
        found = [number for number in range(first, math.floor(high / unit) + 1) if ends or low < number * unit < high]
        if found:  # Of two that are equally near, the even one, as the original has it.
            return unit * min(found, key=lambda number: (abs(number * unit - exact), number % 2))
        exponent -= 1


class F32(TestCase):
    @settings(deadline=None, max_examples=500)
    @given(BITS)
    @example(1)
    @example(2)
    @example(3)
    @example(0x007F_FFFF)  # The greatest denormal.
    @example(0x0080_0000)  # The smallest normal.
    @example(MAX_BITS)
    @example(0x4A1B_9AEB)  # Half-way between two decimals of eight digits.
    def test_is_written_as_the_nearest_of_the_shortest_decimals_that_round_to_it(self, bits: int) -> None:
        text = f32_text(from_bits(bits))
        expected = shortest(bits)
        self.assertEqual(Fraction(Decimal(text)), expected, f"{text} is not {float(expected)!r}")
        self.assertEqual(f32_text(-from_bits(bits)), f"-{text}")

    def test_every_power_of_two_is_written_so_too(self) -> None:
        powers = [1 << place for place in range(23)] + [exponent << 23 for exponent in range(1, 255)]
        for bits in powers:
            self.assertEqual(Fraction(Decimal(f32_text(from_bits(bits)))), shortest(bits), hex(bits))

    @settings(deadline=None, max_examples=500)
    @given(st.integers(0, 2**32 - 1))
    def test_whatever_its_bits_it_is_json_and_reads_back_to_the_same_f32(self, bits: int) -> None:
        value = from_bits(bits)
        read = json.loads(f32_text(value), parse_constant=self.fail)
        if math.isfinite(value):
            self.assertEqual(struct.pack("<f", read), struct.pack("<f", value))
        else:
            self.assertIsNone(read)

    @given(BITS)
    @settings(deadline=None)
    def test_never_takes_more_than_nine_digits(self, bits: int) -> None:
        self.assertLessEqual(digits_of(f32_text(from_bits(bits))), 9)

    def test_known_texts(self) -> None:
        known = {0x3F66_6666: "0.9", 0x3F80_0000: "1.0", 0x0000_0001: "1e-45", 0x7F7F_FFFF: "3.4028235e+38"}
        self.assertEqual({bits: f32_text(from_bits(bits)) for bits in known}, known)

    def test_zero_keeps_its_sign_whichever_was_written_first(self) -> None:
        self.assertEqual([f32_text(0.0), f32_text(-0.0), f32_text(0.0)], ["0.0", "-0.0", "0.0"])

    def test_nan_and_the_infinities_are_null(self) -> None:
        self.assertEqual([f32_text(each) for each in (math.nan, math.inf, -math.inf)], ["null"] * 3)

    def test_texts_are_remembered_within_a_bound(self) -> None:
        cached: dict[float, str] = {}
        self.patch(numbers, "_cached", cached)
        self.patch(numbers, "_MAX_CACHED", 10)
        for bits in range(1, 100):
            self.assertEqual(f32_text(from_bits(bits)), f32_text(from_bits(bits)))
            self.assertLessEqual(len(cached), 10)
        self.assertTrue(cached)


class F64(TestCase):
    @given(st.floats(allow_nan=False, allow_infinity=False))
    @settings(deadline=None)
    def test_reads_back_to_the_same_f64(self, value: float) -> None:
        read = json.loads(f64_text(value), parse_constant=self.fail)
        self.assertEqual(struct.pack("<d", read), struct.pack("<d", value))

    def test_zero_keeps_its_sign(self) -> None:
        self.assertEqual([f64_text(0.0), f64_text(-0.0)], ["0.0", "-0.0"])

    def test_nan_and_the_infinities_are_null(self) -> None:
        self.assertEqual([f64_text(each) for each in (math.nan, math.inf, -math.inf)], ["null"] * 3)
