"""How many different things were seen, and which of them most, in little room. Pure.

Things are told apart by their marks (see `screening.traits`), which are spread evenly: of many
the smallest few tell how many there are.
"""

from collections.abc import Iterable, Sequence

from mailqueue.screening import MARK_BITS

# Up to so many the number is exact, beyond it is about an eighth off.
MOST = 64


def kept(seen: Iterable[int], new: Iterable[int], most: int = MOST) -> list[int]:
    """What to keep of marks that were seen and new ones: the smallest, at most `most`."""
    return sorted({*seen, *new})[:most]


def number(seen: Sequence[int], most: int = MOST) -> int:
    """How many different marks there were, of which these were kept (Bar-Yossef et al., 2002)."""
    if len(seen) < most:
        return len(seen)
    return (most - 1) * (1 << MARK_BITS) // max(1, seen[most - 1])


def count(counts: dict[int, list[int]], mark: int, numbers: Sequence[int], most: int) -> None:
    """Add to the numbers of a mark; what has the least of the first makes room for a new one.

    What comes often stays among the `most` that are kept, whatever rare things come between.
    """
    if mark not in counts and len(counts) >= most:
        # Of equal ones the first that came: a new one needs time to grow.
        del counts[min(counts, key=lambda one: counts[one][0])]
    before = counts.get(mark, [0] * len(numbers))
    counts[mark] = [one + more for one, more in zip(before, numbers, strict=True)]
