"""Steps: each is checked when it is written and kept as a tuple with everything filled in.

Layer: above checks, below recipe. The idea: the tuple *is* the step. It is what the native
core takes, what a recipe hashes and compares, and what JSON and repr are written from.
"""

from __future__ import annotations

from lazyimage.checks import as_choice, as_flag, as_integer, as_number
from lazyimage.colors import color_text
from lazyimage.errors import InvalidArgumentError
from lazyimage.ranges import check_range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Step = tuple[Any, ...]

FITS = ("inside", "cover", "fill", "outside", "contain")
KERNELS = ("nearest", "bilinear", "cubic", "box", "lanczos3", "mitchell", "lanczos2")
TURN_KERNELS = ("nearest", "bilinear", "cubic")
DEEPEST = 8
"""Overlays of overlays."""
POSITIONS = (
    *("top-left", "top", "top-right"),
    *("left", "center", "right"),
    *("bottom-left", "bottom", "bottom-right"),
)
MODES = ("L", "LA", "RGB", "RGBA")
MAX_SIDE = 65535
MAX_COORDINATE = 2**31 - 1  # beyond any picture; keeps the core's sums far from 64 bits


def check_side(value: object, name: str) -> int:
    """A side of resize(): 0 stands for None, which follows from the other side."""
    if value is None:
        return 0
    side = as_integer(value, f"resize: {name}")
    if not 1 <= side <= MAX_SIDE:
        raise InvalidArgumentError(
            f"resize: {name}={side} is outside 1..{MAX_SIDE}", code=203, step="resize"
        )
    return side


def resize(
    width: object,
    height: object,
    fit: object = "inside",
    kernel: object = "lanczos3",
    enlarge: object = True,
    position: object = "center",
    background: object = "white",
    linear: object = False,
) -> Step:
    """The step of Chain.resize(); a side that follows is 0. What came later than the first
    recipes is left out at its default, so that their fingerprints stay.
    """
    sides = check_side(width, "width"), check_side(height, "height")
    if sides == (0, 0):
        raise InvalidArgumentError(
            "resize: neither width nor height is given", code=203, step="resize"
        )
    where = as_choice(position, "resize: position", (*POSITIONS, "attention"))
    if where == "attention" and fit != "cover":
        raise InvalidArgumentError(
            f'resize: position="attention" is of fit="cover", not of {fit!r}',
            step="resize",
            hint='add fit="cover", or use one of the nine places',
        )
    later = (
        where,
        color_text(background, "resize: background"),
        as_flag(linear, "resize: linear"),
    )
    return (
        "resize",
        *sides,
        as_choice(fit, "resize: fit", FITS, 204),
        as_choice(kernel, "resize: kernel", KERNELS),
        as_flag(enlarge, "resize: enlarge"),
        *(later if later != ("center", "#ffffff", False) else ()),
    )


def crop(x: object, y: object, width: object, height: object) -> Step:
    """The step of Chain.crop(); whether it lies inside the picture, the plan finds."""
    box = {"x": x, "y": y, "width": width, "height": height}
    numbers = {name: as_integer(value, f"crop: {name}") for name, value in box.items()}
    for name, number in numbers.items():
        if name in ("width", "height") and number < 1:
            raise InvalidArgumentError(f"crop: {name}={number} is below 1", code=201, step="crop")
        if not 0 <= number <= MAX_COORDINATE:
            raise InvalidArgumentError(
                f"crop: {name}={number} is outside every picture", code=200, step="crop"
            )
    return ("crop", *numbers.values())


def rotate(degrees: object, background: object = "white", kernel: object = "cubic") -> Step:
    """The step of Chain.rotate(): 0, 90, 180 or 270 alone, else with everything."""
    angle = as_number(degrees, "rotate: degrees", 202) % 360 % 360  # -1e-20 % 360 is 360.0
    how = (
        color_text(background, "rotate: background"),
        as_choice(kernel, "rotate: kernel", TURN_KERNELS),
    )
    return ("rotate", int(angle)) if angle % 90 == 0 else ("rotate", angle, *how)


def adjustment(name: str, value: object) -> Step:
    """The step of Chain.brightness(), contrast() or saturation()."""
    amount = as_number(value, f"{name}: value")
    check_range(amount, name)
    return (name, amount)


def gamma(value: object) -> Step:
    """The step of Chain.gamma()."""
    exponent = as_number(value, "gamma: value")
    check_range(exponent, "gamma")
    return ("gamma", exponent)


def flatten(background: object = "white") -> Step:
    """The step of Chain.flatten()."""
    return ("flatten", color_text(background, "flatten: background", opaque=True))


def sides_of(
    sides: Sequence[object], named: Mapping[str, object]
) -> tuple[object, object, object, object]:
    """left, top, right and bottom of Chain.pad()'s arguments."""
    if len(sides) not in (0, 1, 2, 4):
        raise TypeError(f"pad() takes 1, 2 or 4 sides, not {len(sides)}")
    every = tuple(sides) * (4 // len(sides)) if sides else (0,) * 4
    left, top, right, bottom = (
        side if named[name] is None else named[name]
        for name, side in zip(("left", "top", "right", "bottom"), every, strict=True)
    )
    return left, top, right, bottom


def pad(
    left: object = 0,
    top: object = 0,
    right: object = 0,
    bottom: object = 0,
    background: object = "white",
) -> Step:
    """The step of Chain.pad()."""
    sides = {"left": left, "top": top, "right": right, "bottom": bottom}
    numbers = {name: as_integer(value, f"pad: {name}") for name, value in sides.items()}
    for name, number in numbers.items():
        if not 0 <= number <= MAX_SIDE:
            raise InvalidArgumentError(
                f"pad: {name}={number} is outside 0..{MAX_SIDE}",
                step="pad",
                hint="crop() takes rows and columns away",
            )
    return ("pad", *numbers.values(), color_text(background, "pad: background"))


def blur(sigma: object) -> Step:
    """The step of Chain.blur()."""
    return ("blur", number_within(sigma, "blur: sigma"))


def number_within(value: object, what: str) -> float:
    """A number of the range that has this name."""
    number = as_number(value, what)
    check_range(number, what)
    return number


def level_within(value: object, what: str) -> int:
    """A whole one."""
    number = as_integer(value, what)
    check_range(number, what)
    return number


def sharpen(amount: object = 1, radius: object = 1, threshold: object = 0) -> Step:
    """The step of Chain.sharpen()."""
    return (
        "sharpen",
        number_within(amount, "sharpen: amount"),
        number_within(radius, "sharpen: radius"),
        level_within(threshold, "sharpen: threshold"),
    )


def trim(threshold: object = 10) -> Step:
    """The step of Chain.trim()."""
    return ("trim", level_within(threshold, "trim: threshold"))


def overlay(
    source: object,
    position: object = "center",
    opacity: object = 1.0,
    tile: object = False,
) -> Step:
    """The step of Chain.overlay(); its picture becomes a Layer."""
    from lazyimage.layers import make_layer

    layer = make_layer(source)
    if layer.depth > DEEPEST:
        raise InvalidArgumentError(
            f"overlay: {layer.depth} overlays lie on top of each other, {DEEPEST} are allowed",
            step="overlay",
            hint="use .decoded() of the one that is laid over",
        )
    share = number_within(opacity, "overlay: opacity")
    return ("overlay", layer, check_place(position), share, as_flag(tile, "overlay: tile"))


def check_place(position: object) -> str | tuple[int, int]:
    """One of the nine, or (x, y) of the upper left corner."""
    if isinstance(position, str) or not hasattr(position, "__iter__"):
        return as_choice(position, "overlay: position", POSITIONS)
    place = tuple(as_integer(value, "overlay: position") for value in position)
    if len(place) != 2 or max(map(abs, place)) > MAX_COORDINATE:
        raise InvalidArgumentError(
            f"overlay: position={place} is no (x, y) of any picture",
            step="overlay",
            hint="use (x, y) of its upper left corner, or one of the nine places",
        )
    return place


def native(chain: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps as the core takes them: a layer as its source and request.

    Lists, because CPython 3.12 and 3.13 crash where a generator cannot be allocated.
    """
    if "overlay" not in [step[0] for step in chain]:
        return chain
    steps = [
        ("overlay", *step[1].native(), *step[2:]) if step[0] == "overlay" else step
        for step in chain
    ]
    return tuple(steps)


def convert(mode: object) -> Step:
    """The step of Chain.convert()."""
    return ("convert", as_choice(mode, "convert: mode", MODES, 210))


# What JSON and repr call each part of a step's tuple, and the function that checks it.
FIELDS: dict[str, tuple[str, ...]] = {
    "resize": ("width", "height", "fit", "kernel", "enlarge", "position", "background", "linear"),
    "crop": ("x", "y", "width", "height"),
    "rotate": ("degrees", "background", "kernel"),
    "flip_h": (),
    "flip_v": (),
    "transpose": (),
    "grayscale": (),
    "brightness": ("value",),
    "contrast": ("value",),
    "saturation": ("value",),
    "gamma": ("value",),
    "convert": ("mode",),
    "flatten": ("background",),
    "pad": ("left", "top", "right", "bottom", "background"),
    "blur": ("sigma",),
    "sharpen": ("amount", "radius", "threshold"),
    "trim": ("threshold",),
    "overlay": ("source", "position", "opacity", "tile"),
}
MAKERS: dict[str, Callable[..., Step]] = {
    "resize": resize,
    "crop": crop,
    "rotate": rotate,
    "flip_h": lambda: ("flip_h",),
    "flip_v": lambda: ("flip_v",),
    "transpose": lambda: ("transpose",),
    "grayscale": lambda: ("grayscale",),
    "brightness": lambda value: adjustment("brightness", value),
    "contrast": lambda value: adjustment("contrast", value),
    "saturation": lambda value: adjustment("saturation", value),
    "gamma": gamma,
    "convert": convert,
    "flatten": flatten,
    "pad": pad,
    "blur": blur,
    "sharpen": sharpen,
    "trim": trim,
    "overlay": overlay,
}


def to_object(step: Step) -> dict[str, Any]:
    """A step as a JSON object: {"step": "crop", "x": 0, …}; a side that follows is null."""
    values = dict(zip(FIELDS[step[0]], step[1:], strict=False))
    if step[0] == "resize":
        values |= {side: values[side] or None for side in ("width", "height")}
    if step[0] == "overlay":
        values["source"] = step[1].to_object()
    return {"step": step[0], **values}


def from_object(data: Mapping[str, Any]) -> Step:
    """Undo to_object(), with every check that writing the step makes."""
    arguments = dict(data)
    name = arguments.pop("step", None)
    if name not in MAKERS:
        raise InvalidArgumentError(
            f"recipe: there is no step {name!r}", hint=f"use one of {', '.join(MAKERS)}"
        )
    if extra := sorted(set(arguments) - set(FIELDS[name])):
        known = ", ".join(FIELDS[name]) or "no arguments"
        raise InvalidArgumentError(
            f"recipe: {name} has no {extra[0]!r}", step=name, hint=f"{name} has {known}"
        )
    try:
        if name == "overlay":
            from lazyimage.layers import layer_of_object

            arguments["source"] = layer_of_object(arguments.get("source"))
        return MAKERS[name](**arguments)
    except TypeError as error:
        raise InvalidArgumentError(
            f"recipe: {name}: {error}", step=name, hint=f"its arguments are those of {name}()"
        ) from error


def number_text(value: float) -> str:
    """12.0 as "12", 12.5 as "12.5"."""
    return str(int(value)) if value == int(value) else repr(value)


def value_text(value: object) -> str:
    """A value of a step as code."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple) or hasattr(value, "native"):
        return repr(value)
    return str(value) if isinstance(value, bool) else number_text(value)  # type: ignore[arg-type]


# How many fields are written by place, and what the others are where they are left out.
PLACES = {"resize": 2, "pad": 4, "sharpen": 3, "trim": 1, "overlay": 1}
DEFAULTS: dict[str, dict[str, Any]] = {
    "resize": {
        **{"fit": "inside", "kernel": "lanczos3", "enlarge": True},
        **{"position": "center", "background": "#ffffff", "linear": False},
    },
    "rotate": {"background": "#ffffff", "kernel": "cubic"},
    "flatten": {"background": "#ffffff"},
    "pad": {"background": "#ffffff"},
    "sharpen": {"amount": 1.0, "radius": 1.0, "threshold": 0},
    "trim": {"threshold": 10},
    "overlay": {"position": "center", "opacity": 1.0, "tile": False},
}


def step_code(step: Step) -> str:
    """The call that makes this step, without what is default: '.resize(800, fit="cover")'."""
    name, *values = step
    places, defaults = PLACES.get(name, len(values)), DEFAULTS.get(name, {})
    fields = zip(FIELDS[name], values, strict=False)
    texts: list[str] = []
    for place, (field, value) in enumerate(fields):
        named = place >= places or field in defaults
        follows = name == "resize" and place < places and value == 0
        if follows or (named and value == defaults.get(field)):
            continue
        named = named or len(texts) < place
        texts.append(f"{field}={value_text(value)}" if named else value_text(value))
    return f".{name}({', '.join(texts)})"
