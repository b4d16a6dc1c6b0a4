"""Requests: a recipe and the options of one output as the plain dict that the core takes.

Layer: above recipe and formats, below engine. The idea: every option is checked here, once,
for all the calls that take it.
"""

from __future__ import annotations

import os

from lazyimage import settings, steps
from lazyimage.checks import as_choice, as_flag, as_integer, as_number, type_name
from lazyimage.colors import as_opaque
from lazyimage.errors import InvalidArgumentError
from lazyimage.formats import QUALITY_FORMATS, check_format
from lazyimage.ranges import check_range, foreign_hint
from lazyimage.steps import MODES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal, TypedDict

    from lazyimage.colors import Color
    from lazyimage.recipe import Recipe

    Normalize = tuple[float | Sequence[float], float | Sequence[float]]

    class EncodeOptions(TypedDict, total=False):
        """Keywords of every call that encodes."""

        subsampling: Literal["auto", "4:2:0", "4:2:2", "4:4:4"]
        progressive: bool | None
        optimize: bool | None
        effort: int | None
        quant_table: Literal["standard", "tuned"] | None
        compression: int | None
        palette: bool | int
        dither: bool
        interlace: bool
        bit_depth: int | None
        lossless: bool
        near_lossless: int | None
        method: int | None
        smart_subsample: bool
        alpha_quality: int | None
        low_memory: bool | None
        speed: int | None
        background: Color
        shrink: Literal["safe", "fast", "exact"]
        color: Literal["srgb", "keep"]
        preset: Literal["thumbnail", "avatar", "hero", "social"] | None
        profile: Literal["size-first", "balanced", "speed-first"] | None
        max_bytes: int | None
        min_ssim: float | None
        min_quality: int | None
        max_quality: int | None
        strict: bool
        never_larger: bool


SUBSAMPLINGS = ("auto", "4:2:0", "4:2:2", "4:4:4")
QUANT_TABLES = ("standard", "tuned")
SHRINKS = ("safe", "fast", "exact")
COLORS_OF_OUTPUT = ("srgb", "keep")
DTYPES = ("uint8", "uint16", "float32")
LAYOUTS = ("HWC", "CHW")

# The format that an option belongs to; the others are for all.
OPTION_FORMATS = {
    "subsampling": ("jpeg", "avif"),
    "progressive": ("jpeg",),
    "optimize": ("jpeg",),
    "effort": ("jpeg",),
    "quant_table": ("jpeg",),
    "compression": ("png",),
    "palette": ("png",),
    "dither": ("png",),
    "interlace": ("png",),
    "bit_depth": ("png", "avif"),
    "lossless": ("webp", "avif"),
    "near_lossless": ("webp",),
    "method": ("webp",),
    "smart_subsample": ("webp",),
    "alpha_quality": ("webp",),
    "low_memory": ("webp",),
    "speed": ("avif",),
}
# Those that are whole numbers within a range.
LEVELS = ("effort", "compression", "near_lossless", "method", "alpha_quality", "speed")
# What a file of this format can have, of what is asked of it.
BIT_DEPTHS = {"png": (1, 2, 4, 8, 16), "avif": (8, 10, 12)}
# Beside lossless=True: what of these loses nothing either.
LOSSES: dict[str, tuple[object, ...]] = {
    "subsampling": ("auto", "4:4:4"),
    "near_lossless": (100,),
    "alpha_quality": (100,),
}
OPTION_NAMES = (*OPTION_FORMATS, "background", "shrink", "color")

# What delivery.py makes ordinary jobs of, before a request is written.
GOAL_NAMES = frozenset({"max_bytes", "min_ssim", "min_quality", "max_quality", "strict"})
DELIVERY_NAMES = GOAL_NAMES | {"preset", "profile", "never_larger"}


def check_quality(value: object, format: str) -> int | None:
    """1 to 100, or None for the default; E400 for a format that has none."""
    if value is None:
        return None
    quality = as_integer(value, "quality")
    if format not in QUALITY_FORMATS:
        raise InvalidArgumentError(
            f"quality={quality}: {format} is lossless and has no quality",
            hint=f"leave quality out, or use one of {', '.join(QUALITY_FORMATS)}",
        )
    check_range(quality, "quality")
    return quality


def drop_quality(value: int | None, format: str, options: Mapping[str, Any]) -> int | None:
    """The quality, or None where the format has none: what run() does with it."""
    lossless = options.get("lossless") or options.get("near_lossless") is not None
    return None if format not in QUALITY_FORMATS or lossless else value


def check_options(options: Mapping[str, Any], format: str, caller: str) -> dict[str, Any]:
    """The options of an encoder, checked, as the core wants them."""
    checked: dict[str, Any] = {}
    for name, value in options.items():
        if name not in OPTION_NAMES:
            raise TypeError(f"{caller}() got an unexpected keyword argument '{name}'")
        formats = OPTION_FORMATS.get(name)
        if formats and format not in formats:
            raise InvalidArgumentError(
                f"{name}={value!r} is an option of {', '.join(formats)}, not of {format}",
                hint=foreign_hint(name, format, OPTION_FORMATS),
            )
        checked[name] = check_option(name, value)
    check_bit_depth(checked, format)
    check_lossless(checked, format)
    check_scans(checked)
    return checked


def check_scans(options: Mapping[str, Any]) -> None:
    """E400 for progressive scans in standard Huffman tables, which have no codes for them."""
    if options.get("progressive") and options.get("optimize") is False:
        raise InvalidArgumentError(
            "optimize=False: a progressive JPEG needs Huffman tables of its own",
            hint="leave optimize out, or use progressive=False",
        )


def check_bit_depth(options: Mapping[str, Any], format: str) -> None:
    """E400 for a depth that the format does not have here, or not with the rest."""
    bits, allowed = options.get("bit_depth"), BIT_DEPTHS.get(format, ())
    if bits is not None and bits not in allowed:
        raise InvalidArgumentError(
            f"bit_depth={bits} is none of {allowed}",
            hint="or None: as the picture has",
        )
    if bits == 16 and options.get("palette"):
        raise InvalidArgumentError(
            "bit_depth=16: palette is of 8 bits at most",
            hint="leave palette out, or use bit_depth=8",
        )


def check_lossless(options: Mapping[str, Any], format: str) -> None:
    """E400 for what a lossless file would lose."""
    if not options.get("lossless"):
        return
    for name, whole in LOSSES.items():
        if options.get(name) not in (None, *whole):
            raise InvalidArgumentError(
                f"{name}={options[name]!r}: lossless {format} loses nothing",
                hint="leave one of the two out",
            )


def check_option(name: str, value: object) -> Any:
    """One option of an encoder."""
    if name == "background":
        return as_opaque(value, name)
    if name == "subsampling":
        return as_choice(value, name, SUBSAMPLINGS)
    if name == "shrink":
        return as_choice(value, name, SHRINKS)
    if name == "palette":
        return check_palette(value)
    if name == "color":
        return as_choice(value, name, COLORS_OF_OUTPUT)
    if name in ("lossless", "smart_subsample", "dither", "interlace"):
        return as_flag(value, name)
    if value is None:
        return None
    if name == "quant_table":
        return as_choice(value, name, QUANT_TABLES)
    if name == "bit_depth":
        return as_integer(value, name)
    if name not in LEVELS:
        return as_flag(value, name)
    level = as_integer(value, name)
    check_range(level, name)
    return level


def check_palette(value: object) -> int:
    """Colours at most: True is 256, False none."""
    if isinstance(value, bool):
        return 256 if value else 0
    colours = as_integer(value, "palette")
    check_range(colours, "palette")
    return colours


def check_threads() -> int:
    """LAZYIMAGE_NUM_THREADS as the core wants it: 0 not set, 1, or 2 for all above."""
    text = os.environ.get("LAZYIMAGE_NUM_THREADS", "").strip()
    if not text:
        return 0
    number = int(text[:20]) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise InvalidArgumentError(
            f"LAZYIMAGE_NUM_THREADS={text!r} is not an integer from 1 on",
            hint="1: one thread a job; 2: a second one for large PNGs; unset: if a CPU is idle",
        )
    return min(number, 2)


def recipe_request(recipe: Recipe) -> dict[str, Any]:
    """What every job on this recipe asks for."""
    return {
        "steps": steps.native(recipe.steps),
        "auto_orient": recipe.orients,
        **settings.native_limits(recipe.effective_limits, recipe.policy),
        **settings.native_keep(recipe.keeps, recipe.policy),
    }


def alone(asked: dict[str, Any]) -> dict[str, Any]:
    """The request of a job that runs by itself: with a second thread where that is wanted."""
    asked["threads"] = check_threads()
    return asked


def bounded(asked: dict[str, Any]) -> dict[str, Any]:
    """The same as it is run: it may take half of the memory there is, unless its limits say
    otherwise. In run() the budget of all takes this one's place.
    """
    alone(asked)
    if "max_memory" not in asked["limits"]:
        from lazyimage.machine import default_memory

        asked["limits"]["max_memory"] = default_memory()
    return asked


def encode_request(
    recipe: Recipe,
    output: Literal["buffer", "file"],
    format: object,
    quality: object,
    options: Mapping[str, Any],
    caller: str,
) -> dict[str, Any]:
    """The request of an output that encodes."""
    name = check_format(format)
    checked = check_options(options, name, caller)
    lossless = checked.get("lossless") or checked.get("near_lossless") is not None
    if quality is not None and lossless:
        raise InvalidArgumentError(
            f"quality={quality}: lossless {name} has no quality", hint="leave one of them out"
        )
    return {
        **recipe_request(recipe),
        "output": output,
        "format": name,
        "quality": check_quality(quality, name),
        "color": "srgb",
        **checked,
    }


# --- pixels --------------------------------------------------------------------------


NORMALIZE_HINT = "use (mean, std), each one number or one for each channel, of samples from 0 to 1"


def check_dtype(dtype: object) -> str:
    """A name of DTYPES, from a string, a NumPy dtype or a NumPy scalar type."""
    if not isinstance(dtype, str):
        dtype = getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)
    return as_choice(dtype, "to_pixels: dtype", DTYPES)


def per_channel(value: object, name: str) -> list[float]:
    """One number for all channels, or one for each."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"to_pixels: {name} must be numbers, not {type_name(value)}")
    if not hasattr(value, "__iter__"):
        return [as_number(value, f"to_pixels: {name}")]
    try:
        numbers = [as_number(number, f"to_pixels: {name}") for number in value]
    except TypeError:
        if not hasattr(value, "__float__"):
            raise
        return [as_number(value, f"to_pixels: {name}")]  # a NumPy array of no dimensions
    if len(numbers) not in (1, 2, 3, 4):
        raise InvalidArgumentError(
            f"to_pixels: {name} has {len(numbers)} numbers, not 1 to 4", hint=NORMALIZE_HINT
        )
    return numbers


def check_normalize(
    normalize: Any, mode: str | None
) -> tuple[str | None, tuple[float, ...], tuple[float, ...]]:
    """The mode, scale and bias of (x / 255 − mean) / std, written as x · scale + bias; the
    core takes 16 bits for x / 257.
    """
    if not isinstance(normalize, (tuple, list)):
        raise TypeError(f"to_pixels: normalize must be (mean, std), not {type_name(normalize)}")
    if len(normalize) != 2:
        raise InvalidArgumentError(
            f"to_pixels: normalize must be (mean, std), not {len(normalize)} values",
            hint=NORMALIZE_HINT,
        )
    mean, std = per_channel(normalize[0], "mean"), per_channel(normalize[1], "std")
    if not all(value > 0 for value in std):
        raise InvalidArgumentError(
            f"to_pixels: std={std} is not above 0", hint="samples are divided by it: use 1 for none"
        )
    count = max(len(mean), len(std))
    if count > 1 and mode is None:
        mode = MODES[count - 1]
    channels = MODES.index(mode) + 1 if mode else 4
    for name, values in (("mean", mean), ("std", std)):
        if len(values) == 1:
            values *= channels
        elif len(values) != channels:
            raise InvalidArgumentError(
                f'to_pixels: {name} has {len(values)} values, mode "{mode}" {channels}',
                hint="give as many as the mode has channels, one for all, or another mode",
            )
    scale = tuple(1 / (255 * value) for value in std)
    bias = tuple(-average / value for average, value in zip(mean, std, strict=True))
    return mode, padded(scale), padded(bias)


def padded(values: tuple[float, ...]) -> tuple[float, ...]:
    """Four values, as the core wants them; those of channels that are not there are 0."""
    return values + (0.0,) * (4 - len(values))


def pixels_request(
    recipe: Recipe,
    mode: object,
    dtype: object = "uint8",
    layout: object = "HWC",
    normalize: object = None,
    out: object = None,
    shrink: object = "safe",
    color: object = "srgb",
) -> dict[str, Any]:
    """The request of to_pixels()."""
    kind = check_dtype(dtype)
    wanted = None if mode is None else as_choice(mode, "to_pixels: mode", MODES, 210)
    scale: tuple[float, ...] = (1 / 255,) * 4
    bias: tuple[float, ...] = (0.0,) * 4
    if normalize is not None:
        if kind != "float32":
            raise InvalidArgumentError(
                f'to_pixels: normalize= needs dtype="float32": {kind} cannot hold its result',
                hint='add dtype="float32", or leave normalize out',
            )
        wanted, scale, bias = check_normalize(normalize, wanted)
    request = {
        **recipe_request(recipe),
        "keep": 0,  # nothing goes with samples: their colours are converted
        "output": "pixels",
        "mode": wanted,
        "dtype": kind,
        "layout": as_choice(layout, "to_pixels: layout", LAYOUTS),
        "shrink": as_choice(shrink, "to_pixels: shrink", SHRINKS),
        "color": as_choice(color, "to_pixels: color", COLORS_OF_OUTPUT),
        "out": check_out(out),
    }
    if kind == "float32":
        request |= {"scale": scale, "bias": bias}
    return request


def check_out(out: Any) -> Any:
    """A writable buffer, or None."""
    if out is None:
        return None
    try:
        view = memoryview(out)
    except TypeError:
        raise TypeError(f"to_pixels: out must be a buffer, not {type_name(out)}") from None
    if view.readonly:
        raise TypeError("to_pixels: out is read-only")
    return out
