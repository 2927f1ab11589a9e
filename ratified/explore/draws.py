"""Chance that is the same in CPython and in generated C: a generator for each run, made of a seed and the run's number.

Guarantees: the numbers are those of `native/draws.h`; run i of a seed draws the same whatever else is run, and a draw below n has
no bias.
"""

from __future__ import annotations

_MASK = (1 << 64) - 1


class Draws:
    """xoshiro256** (Blackman and Vigna, 2018), whose state splitmix64 spreads from the seed and the number of the run."""

    __slots__ = ("_s",)

    def __init__(self, seed: int, run: int) -> None:
        x, first = _splitmix(seed & _MASK)
        x = first ^ ((run * 0xD1342543DE82EF95 + 1) & _MASK)
        self._s: list[int] = []
        for _ in range(4):
            x, word = _splitmix(x)
            self._s.append(word)

    def below(self, n: int) -> int:
        """Any of 0 to n - 1, each with the same probability (Lemire, 2019); n is less than 2**64."""
        while True:
            product = self._next() * n
            if product & _MASK >= ((1 << 64) - n) % n:
                return product >> 64

    def _next(self) -> int:
        s = self._s
        five = s[1] * 5 & _MASK
        result = ((five << 7 | five >> 57) & _MASK) * 9 & _MASK
        t = s[1] << 17 & _MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = (s[3] << 45 | s[3] >> 19) & _MASK
        return result


def _splitmix(x: int) -> tuple[int, int]:
    """Steele, Lea and Flood's splitmix64: its next state, and the number that it gives."""
    x = (x + 0x9E3779B97F4A7C15) & _MASK
    z = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _MASK
    return x, z ^ z >> 31
