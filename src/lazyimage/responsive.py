"""Responsive sets: one picture in several widths and formats, from one decode.

Layer: above scheduler; loaded on use. The idea: a set is a list of Outputs for run(), and a
srcset is what came of them.
"""

from __future__ import annotations

import os

from lazyimage.checks import as_flag, as_integer, as_text, type_name
from lazyimage.errors import InvalidArgumentError
from lazyimage.formats import check_format
from lazyimage.records import Record, Written
from lazyimage.scheduler import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from lazyimage.engine import Engine

EXTENSIONS = {"jpeg": "jpg"}


class Responsive(Record):
    """A set of files, and the srcset that names them.

    >>> made = Engine.from_path("photo.jpg").responsive((32, 64), ("webp", "jpeg"))
    >>> [file.path for file in made.files]
    ['img-32.webp', 'img-64.webp', 'img-32.jpg', 'img-64.jpg']
    >>> made.srcset["webp"]
    'img-32.webp 32w, img-64.webp 64w'
    """

    __slots__ = ("files", "srcset")

    files: tuple[Written, ...]
    """By format, then by width."""
    srcset: Mapping[str, str]
    """Format → the value of an HTML srcset attribute; URLs are the files' names."""


def make(
    engine: Engine,
    widths: Iterable[object],
    formats: Iterable[object],
    pattern: object,
    enlarge: object,
    quality: object,
    options: Mapping[str, Any],
) -> Responsive:
    """See Engine.responsive()."""
    names = checked_formats(formats)
    sizes = checked_widths(widths)
    if not as_flag(enlarge, "responsive: enlarge"):
        most = width_of(engine)
        sizes = sorted({min(size, most) for size in sizes})
    wanted = [(name, size) for name in names for size in sizes]
    paths = [path_of(pattern, name, size) for name, size in wanted]
    if len(set(paths)) < len(paths):
        raise InvalidArgumentError(
            f"responsive: pattern={pattern!r} gives several files one name",
            hint="it needs {width}, and with several formats {ext}",
        )
    outputs = [
        engine.resize(size).output(path, name, quality, **options)  # type: ignore[arg-type]
        for (name, size), path in zip(wanted, paths, strict=True)
    ]
    files: list[Any] = [one.result for one in run(outputs, on_error="raise")]
    srcset = {
        name: ", ".join(
            f"{url_of(file.path)} {file.width}w" for file in files if file.format == name
        )
        for name in names
    }
    return Responsive(files=tuple(files), srcset=srcset)


def checked_formats(formats: Iterable[object]) -> list[str]:
    """Canonical names, as given, each once."""
    if isinstance(formats, (str, bytes)) or not hasattr(formats, "__iter__"):
        raise TypeError(f"responsive: formats must be a list, not {type_name(formats)}")
    names = list(dict.fromkeys(check_format(name) for name in formats))
    if not names:
        raise InvalidArgumentError(
            "responsive: there are no formats", hint='name one at least, such as "webp"'
        )
    return names


def checked_widths(widths: Iterable[object]) -> list[int]:
    """Ascending, each once."""
    if isinstance(widths, (str, bytes)) or not hasattr(widths, "__iter__"):
        raise TypeError(f"responsive: widths must be a list, not {type_name(widths)}")
    sizes = sorted({as_integer(width, "responsive: width") for width in widths})
    if not sizes or sizes[0] < 1 or sizes[-1] > 65535:
        raise InvalidArgumentError(
            f"responsive: widths={sizes} are not some of 1..65535",
            hint="name one width at least, such as 640",
        )
    return sizes


def width_of(engine: Engine) -> int:
    """Of the picture after the steps: the plan's last word, before a pixel is touched."""
    lines = engine.explain().splitlines()
    size = next(line.split()[1] for line in lines if line.startswith("pixels "))
    return int(size.partition("x")[0])


def path_of(pattern: object, format: str, width: int) -> str:
    """The pattern, filled in."""
    text = as_text(os.fspath(pattern) if isinstance(pattern, os.PathLike) else pattern, "pattern")
    extension = EXTENSIONS.get(format, format)
    try:
        return text.format(width=width, ext=extension, format=format)
    except (LookupError, ValueError, AttributeError) as error:
        raise InvalidArgumentError(
            f"responsive: pattern={text!r} cannot be filled in: {error}",
            hint="it may have {width}, {ext} and {format}; a brace itself is doubled",
        ) from None


def url_of(path: str) -> str:
    """The file's name as srcset takes it: a comma or a space would end it."""
    from urllib.parse import quote

    return quote(os.path.basename(path))
