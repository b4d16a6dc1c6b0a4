"""Names of formats, their extensions, and what to install where a codec is missing.

Layer: above checks, below settings and outputs. The idea: a format is a lower-case name;
whether this build has it is the core's word, asked when it matters.
"""

from __future__ import annotations

from lazyimage.checks import as_text, listed
from lazyimage.errors import CodecUnavailableError, InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

KNOWN_FORMATS: Final = ("jpeg", "png", "webp", "avif")
QUALITY_FORMATS = ("jpeg", "webp", "avif")
ALIASES = {"jpg": "jpeg", "jpe": "jpeg", "jfif": "jpeg"}
PACKAGES = {
    "jpeg": "libjpeg62-turbo-dev (apt), libjpeg-turbo-devel (dnf), jpeg-turbo (brew)",
    "png": "libpng-dev (apt), libpng-devel (dnf), libpng (brew)",
    "webp": "libwebp-dev (apt), libwebp-devel (dnf), webp (brew)",
    "avif": "libavif-dev (apt), libavif-devel (dnf), libavif (brew)",
}


def format_name(name: str) -> str:
    """So "JPG" gives "jpeg"; a name that is not known comes back in lower case."""
    lower = name.lower()
    return ALIASES.get(lower, lower)


def supported_formats() -> tuple[str, ...]:
    """The formats that this build reads and writes."""
    from lazyimage._core import features

    built = features()
    return tuple(name for name in KNOWN_FORMATS if name in built)


def check_format(value: object) -> str:
    """The canonical name of a format that this build writes.

    Raises InvalidArgumentError (E400) for a name that nobody knows, CodecUnavailableError
    (E112) for one that this build lacks.
    """
    from lazyimage._core import has_codec

    name = format_name(as_text(value, "format"))
    if name in KNOWN_FORMATS:
        if has_codec(name):
            return name
        if name == "avif":
            load_codec(name)  # says why it is not there
        raise unavailable(name, "this build of lazyimage does not have it")
    raise InvalidArgumentError(
        f'format="{value}" is not known', hint=f"use one of {listed(supported_formats())}"
    )


def unavailable(name: str, reason: str) -> CodecUnavailableError:
    """E112 with what to install."""
    return CodecUnavailableError(
        f"no {name} codec: {reason}; there are {listed(supported_formats())}",
        hint=f"install {PACKAGES[name]} and build lazyimage again",
    )


def load_codec(name: str) -> Any:
    """The codec that is a module of its own, as a capsule; the core asks when it needs it.

    Raises CodecUnavailableError (E112) if there is none, or its library is not there.
    """
    try:
        import lazyimage._avif as module
    except ModuleNotFoundError:
        reason = "this build of lazyimage does not have it"
    except ImportError as error:
        reason = f"its library cannot be loaded ({error})"
    else:
        return module.codec
    raise unavailable(name, reason)


def format_of_path(path: str) -> str:
    """The format that a path's extension names, or InvalidArgumentError (E400)."""
    name = path.replace("\\", "/").rpartition("/")[2]
    extension = format_name(name.rpartition(".")[2]) if "." in name[1:] else ""
    if extension in KNOWN_FORMATS:
        return check_format(extension)
    problem = "has an extension that names no format" if extension else "has no extension"
    raise InvalidArgumentError(
        f'the output "{name}" {problem}',
        hint=f"pass format=, one of {listed(supported_formats())}",
    )
