"""Recipe: steps and settings as a value, and every check that needs no picture."""

import copy
import json
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from lazyimage import Engine, InvalidArgumentError, Recipe
from lazyimage.settings import POLICIES

EVERYTHING = (
    Recipe()
    .resize(800, 600, fit="cover", kernel="cubic", enlarge=False)
    .resize(width=10)
    .resize(height=7)
    .crop(0, 1, 2, 3)
    .rotate(450)
    .flip_h()
    .flip_v()
    .transpose()
    .grayscale()
    .brightness(-12.5)
    .contrast(100)
    .saturation(20)
    .gamma(2.2)
    .convert("RGBA")
    .flatten()
    .flatten("navy")
    .pad(1, bottom=4)
    .pad(1, 2, 3, 4, background=(1, 2, 3, 4))
    .rotate(-12.5)
    .rotate(30, background="black", kernel="bilinear")
    .blur(1.5)
    .sharpen()
    .sharpen(0.5, threshold=3)
    .resize(9, 8, fit="contain", position="top-left", background="#08f", linear=True)
    .resize(9, 8, fit="outside", background="transparent")
    .auto_orient(False)
    .sanitize("lenient")
    .limits(max_side=4096, timeout=2, formats=["png", "JPG"], max_memory=None)
)


def test_a_step_is_the_tuple_that_the_core_takes():
    assert EVERYTHING.steps == (
        ("resize", 800, 600, "cover", "cubic", False),
        ("resize", 10, 0, "inside", "lanczos3", True),
        ("resize", 0, 7, "inside", "lanczos3", True),
        ("crop", 0, 1, 2, 3),
        ("rotate", 90),
        ("flip_h",),
        ("flip_v",),
        ("transpose",),
        ("grayscale",),
        ("brightness", -12.5),
        ("contrast", 100.0),
        ("saturation", 20.0),
        ("gamma", 2.2),
        ("convert", "RGBA"),
        ("flatten", "#ffffff"),
        ("flatten", "#000080"),
        ("pad", 1, 1, 1, 4, "#ffffff"),
        ("pad", 1, 2, 3, 4, "#01020304"),
        ("rotate", 347.5, "#ffffff", "cubic"),
        ("rotate", 30.0, "#000000", "bilinear"),
        ("blur", 1.5),
        ("sharpen", 1.0, 1.0, 0),
        ("sharpen", 0.5, 1.0, 3),
        ("resize", 9, 8, "contain", "lanczos3", True, "top-left", "#0088ff", True),
        ("resize", 9, 8, "outside", "lanczos3", True, "center", "#00000000", False),
    )


def test_the_repr_is_the_code_that_makes_it():
    assert eval(repr(EVERYTHING), {"Recipe": Recipe}) == EVERYTHING
    assert repr(Recipe().resize(800)) == "Recipe().resize(800)"
    assert repr(Recipe()) == "Recipe()"


@pytest.mark.parametrize(
    "twin",
    [
        lambda recipe: pickle.loads(pickle.dumps(recipe)),
        copy.copy,
        copy.deepcopy,
        lambda recipe: Recipe.from_json(recipe.to_json()),
        lambda recipe: Recipe.from_json(recipe.to_json().encode()),
    ],
    ids=["pickle", "copy", "deepcopy", "json", "json bytes"],
)
@pytest.mark.parametrize("recipe", [Recipe(), EVERYTHING], ids=["empty", "everything"])
def test_a_recipe_survives_whole(recipe, twin):
    other = twin(recipe)
    assert other == recipe and hash(other) == hash(recipe)
    assert other.to_json() == recipe.to_json()
    assert other.fingerprint() == recipe.fingerprint()


def test_equal_recipes_have_equal_fingerprints_and_others_have_not():
    assert Recipe().brightness(0).to_json() == Recipe().brightness(-0.0).to_json()
    assert Recipe().limits(max_side=9, timeout=1) == Recipe().limits(timeout=1.0).limits(max_side=9)
    several = [Recipe(), Recipe().flip_h(), Recipe().flip_v(), Recipe().flip_h().flip_v()]
    several += [Recipe().auto_orient(False), Recipe().sanitize(), Recipe().limits(max_side=9)]
    assert len({recipe.fingerprint() for recipe in several}) == len(several)
    assert len(set(several)) == len(several)
    assert Recipe() != "Recipe()"


def test_what_came_later_leaves_the_fingerprints_of_older_recipes():
    recipe = Recipe().resize(800, 600)
    assert recipe == Recipe().resize(800, 600, position="center", background="#FFF")
    assert json.loads(recipe.to_json())["steps"] == [
        {
            **{"step": "resize", "width": 800, "height": 600, "fit": "inside"},
            **{"kernel": "lanczos3", "enlarge": True},
        }
    ]
    assert recipe.fingerprint() != Recipe().resize(800, 600, position="top").fingerprint()


def test_every_step_makes_a_new_recipe():
    recipe = Recipe()
    assert recipe.flip_h() is not recipe
    assert recipe.steps == ()
    with pytest.raises(AttributeError, match="does not change"):
        recipe._steps = ()
    with pytest.raises(AttributeError, match="does not change"):
        del recipe._steps


def test_settings_hold_wherever_written_and_the_last_call_wins():
    assert Recipe().auto_orient(False).auto_orient(True) == Recipe()
    assert Recipe().flip_h().limits(max_side=5) == Recipe().limits(max_side=5).flip_h()
    over = Recipe().limits(max_pixels=7, max_segments=5).sanitize("lenient")
    assert over.effective_limits["max_pixels"] == POLICIES["lenient"]["max_pixels"]
    assert over.effective_limits["max_segments"] == 5
    under = Recipe().sanitize("lenient").limits(max_pixels=7)
    assert under.effective_limits["max_pixels"] == 7
    changed = Recipe().sanitize("strict").sanitize("lenient")
    assert changed.effective_limits == POLICIES["lenient"]
    assert changed.policy == "lenient"


def test_the_policies_are_those_of_the_contract():
    strict = Recipe().sanitize().effective_limits
    assert strict["max_pixels"] == 40_000_000
    assert strict["max_input_bytes"] == 32 * 1024 * 1024
    assert strict["timeout"] == 5
    assert strict == Recipe().sanitize("public-upload").effective_limits
    lenient = Recipe().sanitize("lenient").effective_limits
    assert lenient == {"max_pixels": 75_000_000, "max_input_bytes": 48 << 20, "timeout": 30}


def test_a_limit_is_switched_off_by_none_and_by_zero():
    for off in (None, 0):
        limits = Recipe().limits(max_side=off, timeout=off, formats=off).effective_limits
        assert not any(limits.values()) and len(limits) == 3
    assert Recipe().limits() == Recipe()


WRONG_VALUES = [
    ("E203", lambda r: r.resize()),
    ("E203", lambda r: r.resize(0)),
    ("E203", lambda r: r.resize(-1, 5)),
    ("E203", lambda r: r.resize(65536)),
    ("E203", lambda r: r.resize(5, 10**30)),
    ("E204", lambda r: r.resize(5, fit="around")),
    ("E204", lambda r: r.resize(5, fit="")),
    ("E400", lambda r: r.resize(5, kernel="lanczos4")),
    ("E400", lambda r: r.resize(5, position="north")),
    ("E400", lambda r: r.resize(5, background="puce")),
    ("E400", lambda r: r.resize(5, background="#12345")),
    ("E400", lambda r: r.resize(5, background=(1, 2))),
    ("E400", lambda r: r.resize(5, background=(1, 2, 256))),
    ("E400", lambda r: r.flatten("#11223344")),
    ("E400", lambda r: r.flatten("transparent")),
    ("E400", lambda r: r.pad(-1)),
    ("E400", lambda r: r.pad(0, 65536)),
    ("E400", lambda r: r.saturation(101)),
    ("E400", lambda r: r.gamma(0)),
    ("E400", lambda r: r.blur(0)),
    ("E400", lambda r: r.blur(101)),
    ("E400", lambda r: r.sharpen(-1)),
    ("E400", lambda r: r.sharpen(11)),
    ("E400", lambda r: r.sharpen(radius=0)),
    ("E400", lambda r: r.sharpen(threshold=256)),
    ("E400", lambda r: r.gamma(-1)),
    ("E400", lambda r: r.gamma(101)),
    ("E200", lambda r: r.crop(-1, 0, 5, 5)),
    ("E200", lambda r: r.crop(0, 2**40, 5, 5)),
    ("E200", lambda r: r.crop(0, 0, 2**40, 5)),
    ("E201", lambda r: r.crop(0, 0, 0, 5)),
    ("E201", lambda r: r.crop(0, 0, 5, -5)),
    ("E400", lambda r: r.rotate(45, kernel="lanczos3")),
    ("E400", lambda r: r.rotate(45, background="puce")),
    ("E202", lambda r: r.rotate(float("nan"))),
    ("E210", lambda r: r.convert("CMYK")),
    ("E210", lambda r: r.convert("rgb")),
    ("E400", lambda r: r.brightness(100.1)),
    ("E400", lambda r: r.contrast(-101)),
    ("E400", lambda r: r.brightness(float("inf"))),
    ("E400", lambda r: r.brightness(10**400)),
    ("E402", lambda r: r.sanitize("lax")),
    ("E400", lambda r: r.limits(max_pixels=-1)),
    ("E400", lambda r: r.limits(max_pixels=2**64)),
    ("E400", lambda r: r.limits(timeout=-0.5)),
    ("E400", lambda r: r.limits(timeout=float("nan"))),
    ("E400", lambda r: r.limits(formats=["gif"])),
]
WRONG_TYPES = [
    lambda r: r.resize("800"),
    lambda r: r.resize(800.0),
    lambda r: r.resize(True),
    lambda r: r.resize(5, fit=None),
    lambda r: r.resize(5, enlarge=1),
    lambda r: r.resize(5, 5, "cover"),
    lambda r: r.crop(0, 0, 5.0, 5),
    lambda r: r.crop(0, False, 5, 5),
    lambda r: r.crop(0, 0, 5),
    lambda r: r.rotate("90"),
    lambda r: r.rotate(True),
    lambda r: r.brightness(None),
    lambda r: r.brightness(1j),
    lambda r: r.convert(3),
    lambda r: r.resize(5, position=1),
    lambda r: r.resize(5, linear=1),
    lambda r: r.resize(5, background=7),
    lambda r: r.resize(5, background=(1.0, 2, 3)),
    lambda r: r.flatten(None),
    lambda r: r.pad(1.5),
    lambda r: r.pad(1, 2, 3, 4, "red"),
    lambda r: r.saturation("5"),
    lambda r: r.gamma(None),
    lambda r: r.blur("1"),
    lambda r: r.sharpen(threshold=1.5),
    lambda r: r.auto_orient(1),
    lambda r: r.sanitize(None),
    lambda r: r.limits(max_pixels=1e6),
    lambda r: r.limits(max_pixels=True),
    lambda r: r.limits(timeout="5"),
    lambda r: r.limits(formats="jpeg"),
    lambda r: r.limits(formats=5),
    lambda r: r.limits(formats=[1]),
    lambda r: r.limits(max_colours=5),
]
PIXELS = memoryview(bytes(12)).cast("B", (2, 2, 3))


@pytest.mark.parametrize("made", [Recipe, lambda: Engine.from_pixels(PIXELS)], ids=["R", "E"])
@pytest.mark.parametrize(("code", "call"), WRONG_VALUES)
def test_a_wrong_value_is_refused_where_it_is_written(made, code, call):
    with pytest.raises(InvalidArgumentError) as caught:
        call(made())
    assert caught.value.code == code
    assert str(caught.value)


@pytest.mark.parametrize("made", [Recipe, lambda: Engine.from_pixels(PIXELS)], ids=["R", "E"])
@pytest.mark.parametrize("call", WRONG_TYPES)
def test_a_wrong_type_is_a_type_error(made, call):
    with pytest.raises(TypeError):
        call(made())


def test_numbers_of_other_types_are_numbers():
    assert Recipe().resize(np.int32(800)) == Recipe().resize(800)
    assert Recipe().crop(*np.arange(1, 5)) == Recipe().crop(1, 2, 3, 4)
    assert Recipe().brightness(np.float32(12.5)) == Recipe().brightness(12.5)
    assert Recipe().contrast(Fraction(1, 2)) == Recipe().contrast(Decimal("0.5"))
    assert Recipe().rotate(-90.0) == Recipe().rotate(270)
    assert Recipe().rotate(-1e-20) == Recipe().rotate(0) == Recipe().rotate(-5e-324)
    assert type(Recipe().resize(np.int64(8)).steps[0][1]) is int


BAD_JSON = [
    "",
    "[]",
    "null",
    "{}",
    "[" * 100_000,
    '{"lazyimage":2,"steps":[]}',
    '{"lazyimage":1,"steps":{}}',
    '{"lazyimage":1,"steps":[1]}',
    '{"lazyimage":1,"steps":[[]]}',
    '{"lazyimage":1,"steps":[{}]}',
    '{"lazyimage":1,"steps":[{"step":["resize"]}]}',
    '{"lazyimage":1,"steps":[{"step":"system"}]}',
    '{"lazyimage":1,"steps":[{"step":"flip_h","degrees":4}]}',
    '{"lazyimage":1,"steps":[{"step":"crop","x":4}]}',
    '{"lazyimage":1,"steps":[{"step":"crop","x":true,"y":0,"width":1,"height":1}]}',
    '{"lazyimage":1,"limits":{"max_pixels":"5"}}',
    '{"lazyimage":1,"limits":{"colours":5}}',
    '{"lazyimage":1,"auto_orient":1}',
    '{"lazyimage":1,"policy":null}',
    '{"lazyimage":1,"colours":5}',
]


@pytest.mark.parametrize("text", BAD_JSON, ids=range(len(BAD_JSON)))
def test_json_that_is_no_recipe_is_refused(text):
    with pytest.raises(InvalidArgumentError) as caught:
        Recipe.from_json(text)
    assert caught.value.code == "E400"


def test_json_is_checked_as_if_written_by_hand():
    data = json.loads(Recipe().crop(0, 0, 5, 5).to_json())
    data["steps"][0]["width"] = 0
    with pytest.raises(InvalidArgumentError) as caught:
        Recipe.from_json(json.dumps(data))
    assert caught.value.code == "E201"
    with pytest.raises(TypeError):
        Recipe.from_json(5)


def test_the_parity_names_of_convert():
    assert Recipe().ensure_rgb() == Recipe().convert("RGB")
    assert Recipe().normalize_pixel_format() == Recipe().convert("RGB")
