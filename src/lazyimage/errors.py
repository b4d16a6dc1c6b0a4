"""Errors: every class of the public contract and the one function that makes them.

Layer: bottom of the Python half; C calls make_error() too. The idea: the table in _codes.py
says code, name, category, class and hint; a class here only says what it *is* to Python.
"""

from __future__ import annotations

import os

from lazyimage._codes import CODES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar


class LazyImageError(Exception):
    """What every error of lazyimage is; wrong types stay TypeError, Ctrl-C KeyboardInterrupt.

    Attributes: code ("E130"), name ("CorruptImage"), category (user, codec, resource or
    internal), hint (what to do, may be empty), step (name of the step that failed, or None).
    str() is the message alone. Pickles and copies whole.

    >>> try:
    ...     lazyimage.Recipe().resize(0)
    ... except lazyimage.LazyImageError as error:
    ...     print(error.code, error.name, "|", error.hint)
    E203 InvalidResizeDimensions | give width, height or both as integers from 1 to 65535
    """

    default_code: ClassVar[int] = 901

    code: str
    name: str
    category: str
    hint: str
    step: str | None

    def __init__(
        self,
        message: str = "",
        *,
        code: int | None = None,
        hint: str | None = None,
        step: str | None = None,
        errno: int | None = None,
        filename: str | None = None,
    ) -> None:
        super().__init__(message)
        number = self.default_code if code is None else code
        name, category, _, default_hint = CODES[number]
        self.code = f"E{number}"
        self.name = name
        self.category = category
        self.hint = default_hint if hint is None else hint
        self.step = step
        me: Any = self  # a subclass may be an OSError too, which a checker cannot know here
        if isinstance(me, OSError):
            me.errno = errno
            me.strerror = os.strerror(errno) if errno else None
            me.filename = filename

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call cls(*args), which loses every keyword, and errno with it.
        keywords: dict[str, Any] = {
            "code": int(self.code[1:]),
            "hint": self.hint,
            "step": self.step,
        }
        me: Any = self
        if isinstance(me, OSError):
            keywords |= {"errno": me.errno, "filename": me.filename}
        return rebuild_error, (type(self), self.args, keywords), self.__dict__


def rebuild_error(
    kind: type[LazyImageError], args: tuple[Any, ...], keywords: dict[str, Any]
) -> LazyImageError:
    """Undo __reduce__()."""
    return kind(*args, **keywords)


class SourceNotFoundError(LazyImageError, FileNotFoundError):
    """E100: there is no such file."""

    default_code = 100


class SourceReadError(LazyImageError, OSError):
    """E101, E102: the file is there but cannot be read or mapped."""

    default_code = 101


class SourceChangedError(LazyImageError, OSError):
    """E103: the file was truncated or rewritten while a job used it."""

    default_code = 103


class UnsupportedFormatError(LazyImageError, OSError):
    """E111: the bytes are of no format that this build reads."""

    default_code = 111


class CodecUnavailableError(LazyImageError, ImportError):
    """E112: the format is known, but this build has no codec for it."""

    default_code = 112
    name: str  # of the error, as everywhere here; not of a module, as in ImportError


class LimitError(LazyImageError, ValueError):
    """E121, E122, E123: the file is over one of limits(…); the message names it."""

    default_code = 123


class MemoryBudgetError(LimitError, MemoryError):
    """E124: the job needs more than limits(max_memory=…)."""

    default_code = 124


class ImageTimeoutError(LimitError, TimeoutError):
    """E125: the job took longer than limits(timeout=…)."""

    default_code = 125


class DecodeError(LazyImageError, OSError):
    """E131: the file breaks its format's rules, or uses a part that is not supported."""

    default_code = 131


class CorruptImageError(DecodeError):
    """E130: the file is damaged."""

    default_code = 130


class TruncatedImageError(DecodeError):
    """E132: the file ends too early."""

    default_code = 132


class InvalidArgumentError(LazyImageError, ValueError):
    """E200 to E210, E400 to E402: an argument of the right type has a wrong value."""

    default_code = 400


class EncodeError(LazyImageError, OSError):
    """E299, E300: the picture cannot be written in this format with these options."""

    default_code = 300


class WriteError(LazyImageError, OSError):
    """E301: the output file cannot be written; the old one, if any, is whole."""

    default_code = 301


class CancelledError(LazyImageError):
    """E500: the job was cancelled."""

    default_code = 500


class InternalError(LazyImageError, RuntimeError):
    """E901: a bug in lazyimage."""

    default_code = 901


HINTS = {
    (203, "resize"): "a side is 65535 at most: give a smaller size",
    (300, "avif"): "resize it to fit, or write jpeg or png",
    (300, "jpeg"): "resize it to fit, or write png",
    (300, "webp"): "resize it to fit, or write jpeg, png or avif",
    (400, "LAZYIMAGE_SIMD"): "unset it, or name one of those",
    (400, "out"): "pass an array of that shape and dtype, a flat one of as many bytes, or no out",
    (400, "pad"): "a side is 65535 at most: give smaller sides",
    (400, "rotate"): "a side is 65535 at most: resize it first",
}
"""Of the core's errors, by what the message begins with."""


def make_error(
    code: int,
    message: str,
    step: str | None = None,
    errno: int | None = None,
    filename: str | bytes | None = None,
    *,
    hint: str | None = None,
) -> LazyImageError:
    """The error of this code, of its class; errno 0 is none. C raises through this.

    A code that is not in the table can only be a bug, and becomes E901.
    """
    if hint is None:
        hint = HINTS.get((code, message.partition(":")[0]))
    if code not in CODES:
        message, code = f"unknown error code {code}: {message}", 901
    kind: type[LazyImageError] = globals()[CODES[code][2]]
    name = os.fsdecode(filename) if filename is not None else None
    return kind(message, code=code, hint=hint, step=step, errno=errno or None, filename=name)
