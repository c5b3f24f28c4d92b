# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rounding that loses nothing: a total is rounded once, then shared out."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import lcm

MODES = {"DOWN": ROUND_FLOOR, "HALF-UP": ROUND_HALF_UP, "UP": ROUND_CEILING}
# Divisions leave noise such as 29.999999999999999999999999999; an amount is cut
# to this many digits before it is rounded, so that the noise does not cost a step.
NOISE = Decimal("1e-9")
# Half of it, as a part of 1
NOISE_PARTS = 2 * 10**9
# A remainder is compared in so many binary digits: what differs by less is noise too
REST_BITS = 30
REST = (1 << REST_BITS) - 1

REMEMBERED = 100_000


class _Hundredths(dict):
    """Remembers how many hundredths a Decimal is, ``None`` if it is not whole.

    Prices and quantities occur again and again, and nearly all have two digits.
    """

    def __missing__(self, value):
        if len(self) >= REMEMBERED:
            self.clear()
        exact = value * 100
        count = int(exact)
        self[value] = count = count if count == exact else None
        return count


_HUNDREDTHS = _Hundredths()


def make_whole(values):
    """Return Decimals as whole numbers, and of what part: 1 is so many of them.

    :param list values: Decimal
    :rtype: tuple[list[int], int]
    """
    hundredths = list(map(_HUNDREDTHS.__getitem__, values))
    if None not in hundredths:
        return hundredths, 100
    ratios = [value.as_integer_ratio() for value in values]
    scale = lcm(*[denominator for _numerator, denominator in ratios])
    return [
        numerator * (scale // denominator) for numerator, denominator in ratios
    ], scale


def round_to_step(value, step, rounding):
    """Round ``value`` to a multiple of ``step``.

    :param Decimal value: what to round
    :param Decimal step: strictly positive
    :param str rounding: a key of ``MODES``
    :return Decimal: a multiple of ``step``
    """
    if step == 1:
        return value.quantize(NOISE).to_integral_value(MODES[rounding])
    units = (value.quantize(NOISE) / step).quantize(NOISE)
    return units.to_integral_value(MODES[rounding]) * step


class _Multiples(dict):
    """Remembers what numbers of steps are, as Decimal: most are small."""

    __slots__ = ("_step",)

    def __init__(self, step):
        self._step = step

    def __missing__(self, count):
        if len(self) >= REMEMBERED:
            self.clear()
        value = self[count] = self._step * count
        return value


class Grid:
    """Steps to which whole numbers are rounded, as ``round_to_step`` does for Decimal.

    :param Decimal step: strictly positive
    :param str rounding: a key of ``MODES``
    :param int grain: how many grains make 1; steps and noise are whole grains
    """

    __slots__ = ("_noise", "_rounding", "_shift", "_size", "get_value", "step")

    def __init__(self, step, rounding, grain):
        self.step = step
        #: returns a number of steps as Decimal
        self.get_value = _Multiples(step).__getitem__
        self._rounding = rounding
        self._size = int(Fraction(step) * grain)
        self._noise = int(Fraction(max(step, 1)) * grain / NOISE_PARTS)
        # Half a step, and the noise, both twice
        self._shift = self._size + 2 * self._noise

    def count(self, amount, unit):
        """Return how many steps an amount is.

        :param int amount: in parts of a grain
        :param int unit: how many parts make a grain
        """
        if self._rounding == "DOWN":
            return (amount + self._noise * unit) // (self._size * unit)
        if self._rounding == "UP":
            return -((self._noise * unit - amount) // (self._size * unit))
        return (2 * amount + self._shift * unit) // (2 * self._size * unit)

    def get_size(self, steps, unit):
        """Return steps as an amount, see ``count``."""
        return steps * self._size * unit


def count_full(part, whole):
    """Return how often ``whole`` is in ``part``, both whole numbers; but for noise."""
    return (part * NOISE_PARTS + whole) // (whole * NOISE_PARTS)


def share_out(units, weights, keys):
    """Share whole units out in proportion to ``weights``.

    The largest remainders take what plain rounding down leaves over (Hamilton's
    method); equal remainders go by key, so that the order of lines is without
    effect.

    :param int units: what to share out
    :param list weights: non-negative int, not all of them zero
    :param list keys: of the weights, text
    :return list: int for each of the weights; their sum is ``units``
    """
    whole = sum(weights)
    if not units or not whole:
        return [0] * len(weights)
    if len(weights) == 1:
        return [units]
    scaled, half = units << REST_BITS, whole >> 1
    shares, lacks = [], []
    for weight in weights:
        quota = (scaled * weight + half) // whole
        shares.append(quota >> REST_BITS)
        # What the share lacks of the next whole unit; the least comes first
        lacks.append(~quota & REST)
    if left := units - sum(shares):
        order = sorted(range(len(keys)), key=lacks.__getitem__)
        if lacks[order[left - 1]] == lacks[order[left]]:
            # Only where the last who takes one lacks as much as the first who does not
            order.sort(key=lambda index: (lacks[index], keys[index]))
        for index in order[:left]:
            shares[index] += 1
    return shares


def allot(total, weights, step):
    """Share ``total`` out in multiples of ``step``, in proportion to ``weights``.

    See :func:`share_out`.

    :param Decimal total: a non-negative multiple of ``step``
    :param dict weights: non-negative Decimal by key
    :return dict: Decimal by key; their sum is ``total`` to the last digit
    """
    if not any(weights.values()):
        return dict.fromkeys(weights, Decimal(0))
    whole, _scale = make_whole(list(weights.values()))
    shares = share_out(int(total / step), whole, list(map(str, weights)))
    return {key: share * step for key, share in zip(weights, shares, strict=True)}


def apportion(total, parts, step):
    """Say what of a rounded ``total`` each of the ``parts`` that made it up gave.

    Each part is rounded down, and the largest remainders take the rest, so that a part
    which is a multiple of ``step`` never takes more than it is. Where the total has
    been cut below that, it is shared out in proportion.

    :param Decimal total: a non-negative multiple of ``step``
    :param dict parts: non-negative Decimal by key
    :return dict: Decimal by key; their sum is ``total`` to the last digit
    """
    exact = {key: (part / step).quantize(NOISE) for key, part in parts.items()}
    shares = {key: int(value) for key, value in exact.items()}
    left = int(total / step) - sum(shares.values())
    if left < 0 or left > len(shares):
        return allot(total, parts, step)
    by_remainder = sorted(exact, key=lambda key: (shares[key] - exact[key], str(key)))
    for key in by_remainder[:left]:
        shares[key] += 1
    return {key: share * step for key, share in shares.items()}
