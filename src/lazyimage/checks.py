"""Argument checks shared by steps, settings and outputs.

Layer: above errors and ranges, below everything else. The idea: a wrong type is a TypeError, a
wrong value an InvalidArgumentError that says what was given and what there is.
"""

from __future__ import annotations

from lazyimage.errors import InvalidArgumentError
from lazyimage.ranges import step_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def type_name(value: object) -> str:
    """How a TypeError calls the type."""
    return type(value).__name__


def as_integer(value: object, what: str) -> int:
    """An int from anything with __index__ (numpy integers too), but not from a bool."""
    if type(value) is int:
        return value
    index = getattr(type(value), "__index__", None)
    if isinstance(value, bool) or index is None:
        raise TypeError(f"{what} must be an integer, not {type_name(value)}")
    try:
        return int(index(value))
    except TypeError:  # an array of more than one number
        raise TypeError(f"{what} must be one integer, not {type_name(value)}") from None


def as_number(value: object, what: str, code: int = 400) -> float:
    """A finite float from any real number, but not from a bool or a string."""
    real = hasattr(value, "__float__") or hasattr(value, "__index__")
    if isinstance(value, bool) or not real:
        raise TypeError(f"{what} must be a number, not {type_name(value)}")
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        raise not_finite(what, "a number beyond all floats", code) from None
    except TypeError:
        raise TypeError(f"{what} must be a number, not {type_name(value)}") from None
    if number - number != 0:  # infinite or not a number
        raise not_finite(what, number, code)
    return number + 0.0  # −0.0 becomes 0.0: equal numbers, equal JSON


def not_finite(what: str, value: object, code: int) -> InvalidArgumentError:
    """E400, or the code's own, of a number that is none to reckon with."""
    return InvalidArgumentError(
        f"{what} must be finite, not {value}",
        code=code,
        step=step_of(what),
        hint="use a finite number",
    )


def as_flag(value: object, what: str) -> bool:
    """A bool, and nothing that merely looks like one."""
    if not isinstance(value, bool):
        raise TypeError(f"{what} must be True or False, not {type_name(value)}")
    return value


def as_text(value: object, what: str) -> str:
    """A str."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a string, not {type_name(value)}")
    return value


def listed(choices: Iterable[str]) -> str:
    """The choices as a message has them: "a", "b"."""
    return ", ".join(f'"{choice}"' for choice in choices)


def as_choice(value: object, what: str, choices: tuple[str, ...], code: int = 400) -> str:
    """One of these strings, or an InvalidArgumentError of this code that lists them."""
    text = as_text(value, what)
    if text in choices:
        return text
    raise InvalidArgumentError(
        f'{what}="{text}" is not one of {listed(choices)}',
        code=code,
        step=step_of(what),
        hint=f"use one of {listed(choices)}",
    )
