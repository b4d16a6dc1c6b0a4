"""Search: the fewest trials that find the last level whose value is within a target.

Layer: beside checks; loaded on use. The idea: what grows with the level grows as it did on
other pictures, but for a factor and a slope: those are fitted to the trials so far, and each
next trial is where the fit crosses the target. The end is proved, not fitted: the level found
is within, the next one was tried and is not.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

SLOPES = (0.4, 2.5)
"""How far a picture's curve may be flatter or steeper than the mean curve."""
PATIENCE = 5
"""After so many trials the fit is not believed alone: the bracket is halved as well."""


def trials(expected: Sequence[float], target: float) -> Generator[int, float | None, int | None]:
    """Index of the last level whose value is ≤ target; None if that of level 0 is not.

    expected: what the model says of each level, not decreasing. It gives the index of a
    level and is to be sent its true value; asked once for an index, and taken to be not
    decreasing either.
    """
    found: dict[int, float] = {}
    low, high = -1, len(expected)  # within; beyond
    while high - low > 1:
        index = next_trial(expected, target, found, low, high)
        value = yield index
        assert value is not None
        found[index] = value
        if found[index] <= target:
            low = index
        else:
            high = index
    return None if low < 0 else low


def next_trial(
    expected: Sequence[float], target: float, found: dict[int, float], low: int, high: int
) -> int:
    """An index strictly between low and high."""
    if high - low > 4 and len(found) >= PATIENCE:
        return (low + high) // 2
    crossing = fitted(expected, target, found, low, high)
    index = low + 1
    while index + 1 < high and expected[index + 1] <= crossing:
        index += 1
    return index


def fitted(
    expected: Sequence[float], target: float, found: dict[int, float], low: int, high: int
) -> float:
    """Where the picture's curve crosses the target, on the scale of `expected`."""
    if not found:
        return target
    near = sorted(found, key=lambda index: abs(found[index] - target))
    if low >= 0 and high < len(expected):
        near = [low, high]
    first = near[0]
    slope = 1.0
    if len(near) > 1:
        run = expected[near[1]] - expected[first]
        rise = found[near[1]] - found[first]
        slope = min(max(rise / run, SLOPES[0]), SLOPES[1]) if run else 1.0
        if low >= 0 and high < len(expected) and rise > 0:
            slope = rise / run if run else 1.0
    return expected[first] + (target - found[first]) / slope
