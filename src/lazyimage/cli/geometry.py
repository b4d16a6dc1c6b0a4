"""Geometry: vipsthumbnail's way of writing a size, and what it asks of a picture.

The idea: a word such as "800x600>" is parsed once, before any file is looked at, and then
means the same in every verb.
"""

import argparse
from typing import Any, Final, NamedTuple, TypeVar

from lazyimage import Engine, Recipe

Picture = TypeVar("Picture", Engine, Recipe)

LARGEST_SIDE: Final = 65535
"""Of a picture, as resize() has it."""

FITS: Final = ("inside", "cover", "fill", "outside", "contain")
KERNELS: Final = ("lanczos3", "lanczos2", "mitchell", "cubic", "bilinear", "box", "nearest")

GRAMMAR: Final = """\
SIZE, in pixels, each side from 1 to 65535:
  WxH     fit inside this box; the picture keeps its shape
  W       the same as WxW
  Wx, xH  this wide, or this high; the other side follows
  WxH!    exactly this size; the shape changes
  WxH>    only if the picture is larger (W>, Wx> and xH> too)
  WxH<    only if the picture is smaller (W<, Wx< and xH< too)
Quote the last three: a shell takes !, < and > for itself.
"""


class Geometry(NamedTuple):
    """A size as it was written: a side is None where it follows from the other."""

    width: int | None
    height: int | None
    only: str = ""
    """"": always, ">": if larger, "<": if smaller, "!": always, without keeping the shape."""

    def __str__(self) -> str:
        sides = (str(side) if side else "" for side in (self.width, self.height))
        return "x".join(sides) + self.only


def parse_geometry(text: str) -> Geometry:
    """A word of the grammar; argparse turns what is raised here into status 2."""
    only = text[-1] if text and text[-1] in "!<>" else ""
    width, cross, height = text[: len(text) - len(only)].lower().partition("x")
    if not cross:
        height = width
    try:
        sides = [parse_side(side) for side in (width, height)]
    except ValueError:
        sides = [None, None]
    if sides == [None, None] or (only == "!" and None in sides):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size: write WxH, W, Wx or xH, each side from 1 to {LARGEST_SIDE}, "
            "then perhaps > (only if larger), < (only if smaller) or, after both sides, ! (exactly)"
        )
    return Geometry(sides[0], sides[1], only)


def parse_side(text: str) -> int | None:
    """One side; None if it is left out. ValueError for what is no side."""
    if not text:
        return None
    side = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= side <= LARGEST_SIDE:
        raise ValueError(text)
    return side


def resized(
    picture: Picture,
    size: Geometry | None,
    fit: str = "inside",
    kernel: str = "lanczos3",
    **more: Any,
) -> Picture:
    """The picture with the step that `size` asks for; its header is read for "<" only."""
    if size is None or (size.only == "<" and not grows(picture, size, fit)):
        return picture
    words: Any = {"fit": "fill" if size.only == "!" else fit, "kernel": kernel, **more}
    return picture.resize(size.width, size.height, enlarge=size.only != ">", **words)


def grows(picture: Picture, size: Geometry, fit: str) -> bool:
    """Whether the picture is smaller than the box: on each side, or for cover on one."""
    if not isinstance(picture, Engine):
        raise TypeError("a recipe does not know how large its pictures are")
    smaller = [
        has < wanted
        for has, wanted in zip(picture.dimensions(), (size.width, size.height), strict=True)
        if wanted is not None
    ]
    return any(smaller) if fit == "cover" else all(smaller)
