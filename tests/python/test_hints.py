"""Hints: every E400 says what to do, and errors of a step name it."""

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lazyimage
from lazyimage import Engine, InvalidArgumentError, Recipe, ranges, request, steps

SOURCES = Path(lazyimage.__file__).parent
ENGINE = Engine.from_pixels(np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3))
BEYOND = {name: (low - 1, high + 1) for name, (low, high, _) in ranges.RANGES.items()}
FORMAT_OF = {name: formats[0] for name, formats in request.OPTION_FORMATS.items()}


def refused(call: Any, *arguments: Any, **named: Any) -> InvalidArgumentError:
    with pytest.raises(InvalidArgumentError) as caught:
        call(*arguments, **named)
    assert caught.value.code == "E400", caught.value
    assert len(caught.value.hint) > 10, caught.value
    return caught.value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name in ("quality", "palette", *request.LEVELS)
        for value in (*BEYOND[name], 10**400)
    ],
)
def test_a_level_that_is_outside_is_told_the_range(name: str, value: int) -> None:
    error = refused(ENGINE.to_buffer, FORMAT_OF.get(name, "jpeg"), **{name: value})
    low, high, _ = ranges.RANGES[name]
    assert f"is outside {low}..{high}" in str(error) and error.step is None
    assert error.hint.startswith(f"{name} is ")
    assert str(low) in error.hint and str(high) in error.hint


@pytest.mark.parametrize(
    ("name", "format"),
    [
        (name, format)
        for name, formats in request.OPTION_FORMATS.items()
        for format in ("jpeg", "png", "webp", "avif")
        if format not in formats
    ],
)
def test_an_option_of_another_format_is_told_where_to_go(name: str, format: str) -> None:
    hint = refused(ENGINE.to_buffer, format, **{name: True}).hint
    if format == "png" and name.endswith("lossless"):
        assert "always lossless" in hint
        return
    assert all(owner in hint for owner in request.OPTION_FORMATS[name])
    for group in ranges.KIN:
        near = [kin for kin in group if format in request.OPTION_FORMATS[kin]]
        assert name not in group or not near or near[0] in hint


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("png", {"quality": 80}),
        ("png", {"bit_depth": 3}),
        ("png", {"bit_depth": 16, "palette": True}),
        ("avif", {"bit_depth": 16}),
        ("jpeg", {"background": "#ff000080"}),
        ("jpeg", {"background": "no colour"}),
        ("jpeg", {"subsampling": "4:1:1"}),
        ("jpeg", {"min_quality": 5}),
        ("jpeg", {"max_bytes": 0}),
        ("jpeg", {"min_ssim": 0}),
        ("jpeg", {"min_ssim": float("nan")}),
        ("jpeg", {"max_bytes": 500, "min_quality": 9, "max_quality": 3}),
        ("jpeg", {"max_bytes": 500, "quality": 3}),
        ("webp", {"max_bytes": 500, "lossless": True}),
        ("webp", {"lossless": True, "quality": 3}),
        ("webp", {"lossless": True, "near_lossless": 50}),
        ("webp", {"lossless": True, "alpha_quality": 50}),
        ("avif", {"lossless": True, "subsampling": "4:2:0"}),
        ("avif", {"lossless": True, "subsampling": "4:2:2"}),
    ],
)
def test_options_that_make_no_sense_are_told_what_does(format: str, options: Any) -> None:
    refused(ENGINE.to_buffer, format, **options)
    refused(ENGINE.estimate, format, **options)


def test_options_that_say_the_same_twice_are_taken() -> None:
    ENGINE.to_buffer("webp", lossless=True, near_lossless=100, alpha_quality=100)
    ENGINE.to_buffer("webp", lossless=False, near_lossless=50)
    ENGINE.to_buffer("avif", lossless=True, subsampling="4:4:4", speed=10)
    for profile in ("size-first", "speed-first"):
        for format in ("webp", "avif"):
            ENGINE.to_buffer(format, lossless=True, profile=profile)
    output = ENGINE.output(format="webp", quality=50, lossless=True)
    assert lazyimage.run([output])[0].result.quality is None


@pytest.mark.parametrize(
    "options",
    [
        {"normalize": (0.5, 0.5)},
        {"normalize": (0.5,), "dtype": "float32"},
        {"normalize": (0.5, 0), "dtype": "float32"},
        {"normalize": ((0.5,) * 5, 1), "dtype": "float32"},
        {"normalize": ((0.5,) * 3, (1, 1)), "dtype": "float32"},
        {"out": np.zeros((3, 3, 3), np.uint8)},
        {"dtype": "int8"},
        {"layout": "WHC"},
    ],
)
def test_pixels_that_cannot_be_had_are_told_which_can(options: Any) -> None:
    refused(ENGINE.to_pixels, **options)


@pytest.mark.parametrize(
    ("step", "arguments"),
    [
        *[(name, {"value": value}) for name in ("brightness", "gamma") for value in BEYOND[name]],
        *[(name, {"value": 200}) for name in ("contrast", "saturation")],
        *[("blur", {"sigma": value}) for value in BEYOND["blur: sigma"]],
        *[("sharpen", {"amount": value}) for value in BEYOND["sharpen: amount"]],
        *[("sharpen", {"radius": value}) for value in BEYOND["sharpen: radius"]],
        *[("sharpen", {"threshold": value}) for value in BEYOND["sharpen: threshold"]],
        *[("trim", {"threshold": value}) for value in BEYOND["trim: threshold"]],
        ("overlay", {"source": np.zeros((2, 2), np.uint8), "opacity": 1.5}),
        ("overlay", {"source": np.zeros((2, 2), np.uint8), "position": "middle"}),
        ("overlay", {"source": np.zeros((2, 2), np.uint8), "position": (1,)}),
        ("resize", {"width": 3, "kernel": "sinc"}),
        ("resize", {"width": 3, "position": "middle"}),
        ("resize", {"width": 3, "position": "attention"}),
        ("resize", {"width": 3, "height": 3, "fit": "contain", "background": "no colour"}),
        ("rotate", {"degrees": 3, "kernel": "lanczos3"}),
        ("pad", {"left": -1}),
        ("pad", {"left": 1, "background": (1, 2)}),
        ("flatten", {"background": "#ff000080"}),
        ("gamma", {"value": float("inf")}),
    ],
)
def test_a_step_with_a_wrong_value_is_named_and_told_what_is_right(
    step: str, arguments: Any
) -> None:
    assert refused(getattr(Recipe(), step), **arguments).step == step


@pytest.mark.parametrize(
    ("step", "arguments", "code"),
    [
        ("resize", {"width": 3, "fit": "stretch"}, "E204"),
        ("convert", {"mode": "CMYK"}, "E210"),
        ("rotate", {"degrees": float("nan")}, "E202"),
        ("resize", {"width": 0}, "E203"),
        ("crop", {"x": 0, "y": 0, "width": 0, "height": 1}, "E201"),
    ],
)
def test_errors_with_a_code_of_their_own_name_the_step(
    step: str, arguments: Any, code: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        getattr(Recipe(), step)(**arguments)
    assert (caught.value.code, caught.value.step) == (code, step)
    assert caught.value.hint


LARGE = "a side is 65535 at most: give a smaller size"


@pytest.mark.parametrize(
    ("size", "step", "arguments", "message", "hint"),
    [
        ((60, 40), "pad", (65535,), "would be 131130x131110", "give smaller sides"),
        ((40000, 2), "rotate", (1,), "", None),
        ((65535, 2000), "rotate", (1,), "a side over 65535", "resize it first"),
        ((1, 3000), "resize", (100,), "1x3000 to 100xauto would be 100x300000", LARGE),
        ((3000, 1), "resize", (None, 100), "to autox100 would be 300000x100", LARGE),
        ((1, 3000), "resize", (9, 900, "outside"), "", None),
        ((1, 3000), "resize", (90, 900, "outside"), "to 90x900 would be 90x270000", LARGE),
    ],
)
def test_a_side_that_becomes_too_long_is_told_the_longest(
    size: tuple[int, int], step: str, arguments: tuple[Any, ...], message: str, hint: str | None
) -> None:
    if step == "resize" and len(arguments) == 3:
        arguments, named = arguments[:2], {"fit": arguments[2]}
    else:
        named = {}
    pixels = np.zeros(size[::-1], np.uint8)  # of which no page is touched
    engine = getattr(Engine.from_pixels(pixels), step)(*arguments, **named)
    if not hint:
        engine.estimate("png")
        return
    with pytest.raises(InvalidArgumentError) as caught:
        engine.estimate("png")
    assert message in str(caught.value) and caught.value.step == step
    assert hint in caught.value.hint and "65535 at most" in caught.value.hint


@pytest.mark.parametrize(
    ("format", "size", "hint"),
    [
        ("webp", (16384, 1), "resize it to fit, or write jpeg, png or avif"),
        ("jpeg", (65501, 1), "resize it to fit, or write png"),
    ],
)
def test_a_picture_beyond_its_format_is_told_where_it_fits(
    format: str, size: tuple[int, int], hint: str
) -> None:
    engine = Engine.from_pixels(np.zeros(size[::-1], np.uint8))
    with pytest.raises(lazyimage.EncodeError) as caught:
        engine.to_buffer(format)
    assert caught.value.code == "E300" and caught.value.hint == hint


def test_the_names_of_steps_are_the_steps() -> None:
    assert set(steps.FIELDS) == ranges.STEP_NAMES


def without_hint(source: Path) -> list[str]:
    """Where an E400 is made that has none."""
    found = []
    for call in ast.walk(ast.parse(source.read_text())):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "InvalidArgumentError":
            named = {keyword.arg for keyword in call.keywords}
            if not named & {"hint", "code"}:
                found.append(f"{source.name}:{call.lineno}")
    return found


def test_no_e400_is_made_without_a_hint() -> None:
    files = sorted(SOURCES.rglob("*.py"))
    assert len(files) > 30
    assert [place for file in files for place in without_hint(file)] == []
