"""Goals: what a search is for, checked: max_bytes, min_ssim and the range of qualities.

Layer: above checks and formats, below target.
"""

from __future__ import annotations

from typing import NamedTuple

from lazyimage.checks import as_flag, as_integer, as_number
from lazyimage.errors import InvalidArgumentError
from lazyimage.formats import QUALITY_FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Goal(NamedTuple):
    """What a search is for; checked."""

    max_bytes: int | None
    min_ssim: float | None
    low: int
    high: int
    strict: bool


def make_goal(options: Mapping[str, Any], format: str, quality: object, caller: str) -> Goal | None:
    """The goal that options set; None: there is none, and the options that need one are not
    there either.
    """
    max_bytes, min_ssim = options.get("max_bytes"), options.get("min_ssim")
    if max_bytes is None and min_ssim is None:
        for name in ("min_quality", "max_quality", "strict"):
            if options.get(name) not in (None, False):
                raise InvalidArgumentError(
                    f"{caller}: {name} is there for max_bytes and min_ssim only",
                    hint=f"add one of the two, or leave {name} out",
                )
        return None
    if format not in QUALITY_FORMATS:
        raise InvalidArgumentError(
            f"{caller}: {format} is lossless and has no quality to search",
            hint=f"use one of {', '.join(QUALITY_FORMATS)}",
        )
    if quality is not None:
        raise InvalidArgumentError(
            f"{caller}: quality={quality}: max_bytes and min_ssim search for it",
            hint="use min_quality and max_quality",
        )
    return Goal(
        check_bytes(max_bytes, caller),
        check_ssim(min_ssim, caller),
        *check_range(options, caller),
        as_flag(options.get("strict", False), f"{caller}: strict"),
    )


def check_bytes(value: object, caller: str) -> int | None:
    """A number of bytes, 1 at least."""
    if value is None:
        return None
    count = as_integer(value, f"{caller}: max_bytes")
    if count < 1:
        raise InvalidArgumentError(
            f"{caller}: max_bytes={count} is not 1 or more", hint="use a number of bytes"
        )
    return count


def check_ssim(value: object, caller: str) -> float | None:
    """Above 0, to 1."""
    if value is None:
        return None
    number = as_number(value, f"{caller}: min_ssim")
    if not 0 < number <= 1:
        raise InvalidArgumentError(
            f"{caller}: min_ssim={number:g} is not above 0 and to 1",
            hint="0.98 is hard to tell from the source, 1 the same",
        )
    return number


def check_range(options: Mapping[str, Any], caller: str) -> tuple[int, int]:
    """min_quality and max_quality."""
    least, most = options.get("min_quality"), options.get("max_quality")
    low = 1 if least is None else as_integer(least, "min_quality")
    high = 100 if most is None else as_integer(most, "max_quality")
    if not 1 <= low <= high <= 100:
        raise InvalidArgumentError(
            f"{caller}: min_quality={low}, max_quality={high} are not a range within 1..100",
            hint="use 1 to 100, min_quality not above max_quality",
        )
    return low, high
