"""Responsive sets: names, sizes, srcset, one decode."""

import numpy as np
import pytest

import lazyimage as li
from lazyimage import responsive
from lazyimage.errors import InvalidArgumentError


def engine(width=800, height=600):
    array = np.zeros((height, width, 3), np.uint8)
    array[:, :, 0] = np.arange(width) % 256
    return li.Engine.from_pixels(array)


def test_every_width_and_format_is_a_file(tmp_path):
    pattern = str(tmp_path / "pic-{width}.{ext}")
    made = engine().responsive((320, 640, 160), ("webp", "jpg"), pattern)
    names = [f"pic-{w}.{e}" for e in ("webp", "jpg") for w in (160, 320, 640)]
    assert [file.path for file in made.files] == [str(tmp_path / name) for name in names]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    for file in made.files:
        info = li.inspect_file(file.path)
        assert info.size == (file.width, file.height) == (file.width, file.width * 3 // 4)
        assert info.format == file.format
    assert made.srcset == {
        "webp": "pic-160.webp 160w, pic-320.webp 320w, pic-640.webp 640w",
        "jpeg": "pic-160.jpg 160w, pic-320.jpg 320w, pic-640.jpg 640w",
    }


def test_the_defaults_are_those_of_the_contract(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = engine(2000, 10).responsive()
    assert made.srcset == {"webp": "img-320.webp 320w, img-640.webp 640w, img-1280.webp 1280w"}


def test_widths_past_the_picture_are_its_own_once(tmp_path):
    pattern = tmp_path / "{width}.{ext}"
    made = engine(500, 100).responsive((320, 640, 1280), pattern=pattern)
    assert made.srcset == {"webp": "320.webp 320w, 500.webp 500w"}
    made = engine(500, 100).responsive((320, 640), pattern=pattern, enlarge=True)
    assert [file.width for file in made.files] == [320, 640]


@pytest.mark.parametrize(
    ("steps", "width"),
    [
        (lambda one: one.rotate(90), 600),
        (lambda one: one.crop(0, 0, 333, 100), 333),
        (lambda one: one.resize(700, 500, fit="cover"), 700),
        (lambda one: one.resize(height=7), 9),
    ],
)
def test_the_width_is_that_after_the_steps(steps, width, tmp_path):
    one = steps(engine())
    assert responsive.width_of(one) == width == one.to_pixels().width
    made = one.responsive((5000,), pattern=str(tmp_path / "{width}.{ext}"))
    assert [file.width for file in made.files] == [width]


def test_quality_and_options_reach_every_file_and_lossless_ones_drop_it(tmp_path):
    pattern = str(tmp_path / "{width}-{format}.{ext}")
    made = engine().responsive((64,), ("jpeg", "png"), pattern, quality=31)
    assert [file.quality for file in made.files] == [31, None]
    made = engine().responsive((64,), ("webp",), pattern, lossless=True)
    assert made.files[0].quality is None or made.files[0].bytes_written


def test_a_srcset_is_safe_to_put_into_a_page(tmp_path):
    pattern = str(tmp_path / "a picture, no {width}.{ext}")
    made = engine().responsive((64, 32), pattern=pattern)
    assert made.srcset["webp"] == (
        "a%20picture%2C%20no%2032.webp 32w, a%20picture%2C%20no%2064.webp 64w"
    )


def test_one_decode_makes_them_all(tmp_path):
    source = tmp_path / "source.png"
    engine(1600, 1200).to_file(source)
    made = li.open(source).responsive((100, 200, 300), pattern=str(tmp_path / "{width}.{ext}"))
    single = li.open(source).resize(200).to_pixels(mode="RGB")
    ours = li.open(made.files[1].path).to_pixels(mode="RGB")
    difference = np.asarray(single, np.int16) - np.asarray(ours, np.int16)
    assert np.abs(difference).mean() < 4


def test_what_cannot_be_a_set_is_refused(tmp_path):
    one = engine()
    wrong = [
        ({"widths": ()}, "not some of"),
        ({"widths": (0, 5)}, "not some of"),
        ({"widths": (70000,)}, "not some of"),
        ({"formats": ()}, "no formats"),
        ({"pattern": "same.webp"}, "one name"),
        ({"pattern": "{width}", "formats": ("webp", "jpeg")}, "one name"),
        ({"pattern": "{name}.webp"}, "cannot be filled in"),
        ({"pattern": "{width.real.x}"}, "cannot be filled in"),
        ({"pattern": "{width"}, "cannot be filled in"),
    ]
    for arguments, words in wrong:
        with pytest.raises(InvalidArgumentError, match=words):
            one.responsive(**arguments)
    for arguments in (
        {"widths": "320"},
        {"widths": 320},
        {"formats": "webp"},
        {"widths": ("a",)},
        {"enlarge": 1},
        {"pattern": 5},
    ):
        with pytest.raises(TypeError):
            one.responsive(**arguments)
    with pytest.raises(li.WriteError):
        one.responsive(pattern=str(tmp_path / "nowhere" / "{width}.{ext}"))
    assert list(tmp_path.iterdir()) == []
