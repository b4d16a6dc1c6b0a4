"""Steps: --step NAME=VALUES, every step of the API as a word of the command line.

The idea: a word is parsed into the very step that the method of that name makes, with its
checks, before any file is looked at. What stands before the size on the line runs before it.
"""

import argparse
import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from lazyimage import Engine, Recipe
from lazyimage.errors import InvalidArgumentError
from lazyimage.steps import FIELDS, MAKERS

Picture = TypeVar("Picture", Engine, Recipe)

WORDS: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
PLACE: Final = re.compile(r"([+-]?\d+)([+-]\d+)")
"""An overlay's position: 10+20, +10+20, -5+0."""


class StepAction(argparse.Action):
    """Keeps (after the size?, word, step) in the order of the line."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Is the size there already?"""
        name = str(self.const)
        after = getattr(namespace, name, None) is not parser.get_default(name)
        taken = (*namespace.steps, (after, str(values), parse_step(str(values), self)))
        namespace.steps = taken


def add_steps(parser: argparse.ArgumentParser, size: str = "size") -> None:
    """--step; `size` is the argument that it may stand before or after."""
    parser.add_argument(
        "--step",
        dest="steps",
        action=StepAction,
        const=size,
        default=(),
        metavar="NAME=VALUES",
        help="a step of the API, as often as wanted, in the order of the line, before SIZE if it "
        "stands before it: --step trim, --step crop=10,10,200,100, --step blur=2, --step "
        "overlay=logo.png,position=bottom-right,opacity=0.5",
    )


def parse_step(text: str, action: argparse.Action | None = None) -> tuple[Any, ...]:
    """NAME, or NAME=VALUE,…,FIELD=VALUE,…; what is wrong is status 2."""
    name, _, rest = text.partition("=")
    name = name.replace("-", "_")
    if name not in MAKERS:
        raise argparse.ArgumentError(
            action, f"{name!r} is no step; there are {', '.join(sorted(MAKERS))}"
        )
    try:
        return MAKERS[name](**fields_of(name, rest))
    except (InvalidArgumentError, ValueError) as error:
        raise argparse.ArgumentError(action, str(error)) from error
    except TypeError as error:
        takes = ", ".join(FIELDS[name]) or "nothing"
        raise argparse.ArgumentError(action, f"{name} takes {takes}: {text!r}") from error


def fields_of(name: str, text: str) -> dict[str, Any]:
    """The values by the names of their fields: first by place, then by name."""
    names = FIELDS[name]
    found: dict[str, Any] = {"width": None, "height": None} if name == "resize" else {}
    for place, word in enumerate(text.split(",") if text else ()):
        field, given, value = word.partition("=")
        if not given:
            if place >= len(names):
                raise TypeError(name)
            field, value = names[place], word
        elif field not in names:
            raise TypeError(name)
        found[field] = value if field == "source" else parse_value(field, value)
    return found


def parse_value(field: str, text: str) -> Any:
    """Yes and no, numbers, places, and words."""
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    if field == "position" and (place := PLACE.fullmatch(text)):
        return int(place[1]), int(place[2])
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def stepped(picture: Picture, options: argparse.Namespace, after: bool) -> Picture:
    """With the steps that stand before the size on the line, or with those after it."""
    for behind, _, step in options.steps:
        if behind is after:
            picture = picture._step(step)
    return picture


def words_of(options: argparse.Namespace) -> list[str]:
    """The steps as they were written, told apart by where they stand."""
    return [("after " if behind else "before ") + word for behind, word, _ in options.steps]
