"""Limits and policies: what a job refuses, by name, as plain immutable data.

Layer: above checks, below recipe. The idea: a policy is a table of limits; limits(…) writes
over it, and a later sanitize(…) writes over what it names itself: the last call wins.
"""

from __future__ import annotations

from lazyimage.checks import as_choice, as_flag, as_integer, as_number, as_text, listed, type_name
from lazyimage.errors import InvalidArgumentError
from lazyimage.formats import KNOWN_FORMATS, format_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Limits = tuple[tuple[str, Any], ...]
    Keep = tuple[bool, bool, bool, bool]
    """ICC, EXIF, XMP, and whether places are stripped from the two."""

OFF = "use a number above 0, or None to switch the limit off"

MEGA, MIB, KIB = 10**6, 1 << 20, 1 << 10

MAX_INPUT_BYTES = 1 << 30
"""Default of limits(max_input_bytes=…): also what spooling a stream stops at."""

COUNTS = (
    "max_input_bytes",
    "max_pixels",
    "max_side",
    "max_metadata",
    "max_memory",
    "max_output_pixels",
    "max_pixels_per_byte",
    "max_scans",
    "max_segments",
    "max_items",
)

STRICT: dict[str, Any] = {
    "max_input_bytes": 32 * MIB,
    "max_pixels": 40 * MEGA,
    "max_side": 16384,
    "max_pixels_per_byte": 4000,
    "max_scans": 50,
    "max_segments": 1024,
    "max_items": 300,
    "max_metadata": MIB,
    "max_memory": 256 * MIB,
    "max_output_pixels": 40 * MEGA,
    "timeout": 5.0,
}
POLICIES: dict[str, dict[str, Any]] = {
    "strict": STRICT,
    "lenient": {"max_pixels": 75 * MEGA, "max_input_bytes": 48 * MIB, "timeout": 30.0},
    "public-upload": STRICT,
}

# Policies whose files nobody vouches for: read privately, so that what was checked is what
# is decoded, even if somebody writes to the file in between.
UNTRUSTED = ("strict", "public-upload")

# The largest ICC profile that a policy lets in; public-upload strips what others refuse.
MAX_ICC = {"strict": 0, "lenient": 512 * KIB}


def check_policy(policy: object) -> str:
    """The name of a policy, or E402."""
    return as_choice(policy, "sanitize: policy", tuple(POLICIES), 402)


def check_count(name: str, value: object) -> int:
    """A limit that counts; None is 0, off."""
    if value is None:
        return 0
    count = as_integer(value, f"limits: {name}")
    if not 0 <= count < 1 << 64:
        raise InvalidArgumentError(f"limits: {name}={count} is not 0 (off) or more", hint=OFF)
    return count


def check_timeout(value: object) -> float:
    """Seconds; None is 0, off."""
    seconds = 0.0 if value is None else as_number(value, "limits: timeout")
    if seconds < 0:
        raise InvalidArgumentError(f"limits: timeout={seconds:g} is not 0 (off) or more", hint=OFF)
    return seconds


def check_formats(value: Any) -> tuple[str, ...]:
    """Canonical names, sorted; () for no limit."""
    if value is None or value == 0:
        return ()
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise TypeError(f"limits: formats must be a list of names, not {type_name(value)}")
    names = {format_name(as_text(name, "limits: formats")) for name in value}
    if unknown := sorted(names - set(KNOWN_FORMATS)):
        raise InvalidArgumentError(
            f'limits: formats: "{unknown[0]}" is not one of {listed(KNOWN_FORMATS)}',
            hint=f"use some of {listed(KNOWN_FORMATS)}, or None for all",
        )
    return tuple(sorted(names))


def check_limits(given: Mapping[str, Any]) -> dict[str, Any]:
    """The limits that were given, checked; what is switched off is 0 or ()."""
    checked: dict[str, Any] = {}
    for name, value in given.items():
        if name == "timeout":
            checked[name] = check_timeout(value)
        elif name == "formats":
            checked[name] = check_formats(value)
        elif name in COUNTS:
            checked[name] = check_count(name, value)
        else:
            raise TypeError(f"limits() got an unexpected keyword argument '{name}'")
    return checked


# --- metadata ------------------------------------------------------------------------

KEEP_NAMES = ("icc", "exif", "xmp", "strip_gps")
KEEP_USUAL: Keep = (True, False, False, True)
"""What keep_metadata() has where nothing is given."""
KEEP_NOTHING: Keep = (False, False, False, True)
"""Without the call."""


def check_keep(given: Mapping[str, Any]) -> Keep:
    """The four flags, in order."""
    if extra := sorted(set(given) - set(KEEP_NAMES)):
        raise InvalidArgumentError(
            f"keep_metadata: there is no {extra[0]!r}", hint=f"there are {listed(KEEP_NAMES)}"
        )
    found = [
        as_flag(given.get(name, usual), f"keep_metadata: {name}")
        for name, usual in zip(KEEP_NAMES, KEEP_USUAL, strict=True)
    ]
    icc, exif, xmp, strip_gps = found
    return (icc, exif, xmp, strip_gps) if icc or exif or xmp else KEEP_NOTHING


def keep_objects(keep: Keep) -> dict[str, bool]:
    """The flags that are not as usual, by name."""
    flags = zip(KEEP_NAMES, keep, KEEP_USUAL, strict=True)
    return {name: flag for name, flag, usual in flags if flag != usual}


ICC, EXIF, XMP, GPS = 1, 2, 4, 8  # LI_KEEP_… of meta/metadata.h


def native_keep(keep: Keep, policy: str | None) -> dict[str, int]:
    """What is kept, and what of it the policy does not allow, as the core wants it."""
    icc, exif, xmp, strip_gps = keep
    asked = ICC * icc | EXIF * exif | XMP * xmp
    if policy == "public-upload":  # a profile that is valid and small, whoever asked
        return {"keep": ICC, "denied": asked | ICC, "icc_most": KEPT_ICC}
    if policy == "strict":
        return {"keep": 0, "denied": asked}
    return {"keep": asked | (GPS if asked and not strip_gps else 0), "denied": 0}


KEPT_ICC = 512 * KIB
"""The largest profile that public-upload keeps."""


def effective_limits(policy: str | None, own: Limits) -> dict[str, Any]:
    """The policy's limits under those that the recipe names itself."""
    return {**(POLICIES[policy] if policy else {}), **dict(own)}


def native_limits(limits: Mapping[str, Any], policy: str | None) -> dict[str, Any]:
    """The part of a request that says what to refuse, as the core wants it."""
    counts = {name: limits[name] for name in COUNTS if name in limits}
    if policy in MAX_ICC:
        counts["icc_room"] = MAX_ICC[policy] + 1
    return {
        "limits": counts,
        "timeout": limits.get("timeout") or None,
        "formats": limits.get("formats") or None,
    }


def limits_code(limits: Mapping[str, Any]) -> str:
    """'max_side=4096, timeout=2.5': the arguments that make these limits."""
    texts = []
    for name, value in limits.items():
        shown = list(value) if isinstance(value, tuple) else value
        texts.append(f"{name}={shown!r}" if value else f"{name}=None")
    return ", ".join(texts)
