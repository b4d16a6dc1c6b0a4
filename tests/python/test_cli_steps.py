"""--step: every step of the API as a word of the command line."""

import argparse
from pathlib import Path

import numpy as np
import oracle
import pytest
from shell import lazyimage, run_well

import lazyimage as li
from lazyimage.cli.steps import parse_step
from lazyimage.steps import MAKERS

PHOTO = oracle.DATA / "jpeg" / "420.jpg"  # 150×103

WORDS = {
    "resize=40": li.Recipe().resize(40),
    "resize=40,50,cover": li.Recipe().resize(40, 50, fit="cover"),
    "resize=height=9,kernel=box,linear": None,
    "resize=height=9,kernel=box,linear=yes": li.Recipe().resize(
        height=9, kernel="box", linear=True
    ),
    "crop=1,2,30,40": li.Recipe().crop(1, 2, 30, 40),
    "rotate=90": li.Recipe().rotate(90),
    "rotate=12.5,background=#fff": li.Recipe().rotate(12.5, background="#fff"),
    "flip_h": li.Recipe().flip_h(),
    "flip-v": li.Recipe().flip_v(),
    "transpose": li.Recipe().transpose(),
    "grayscale": li.Recipe().grayscale(),
    "brightness=-12.5": li.Recipe().brightness(-12.5),
    "contrast=20": li.Recipe().contrast(20),
    "saturation=-100": li.Recipe().saturation(-100),
    "gamma=2.2": li.Recipe().gamma(2.2),
    "convert=RGBA": li.Recipe().convert("RGBA"),
    "flatten": li.Recipe().flatten(),
    "flatten=navy": li.Recipe().flatten("navy"),
    "pad=1,2,3,4,background=#12345678": li.Recipe().pad(1, 2, 3, 4, background="#12345678"),
    "pad=top=5": li.Recipe().pad(top=5),
    "blur=2": li.Recipe().blur(2),
    "sharpen": li.Recipe().sharpen(),
    "sharpen=0.5,2,3": li.Recipe().sharpen(0.5, 2, 3),
    "trim": li.Recipe().trim(),
    "trim=20": li.Recipe().trim(20),
    "overlay={logo},bottom-right,0.5": ("bottom-right", 0.5, False),
    "overlay={logo},position=-3+10,tile=yes": ((-3, 10), 1, True),
    "overlay=source={logo},position=5-2": ((5, -2), 1, False),
}


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    samples = np.zeros((8, 10, 4), np.uint8)
    samples[2:6, 3:9] = (250, 20, 20, 200)
    path = tmp_path / "logo.png"
    li.Engine.from_pixels(samples).to_file(path, durable=False)
    return path


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_the_step_of_that_name(word: str, logo: Path) -> None:
    want = WORDS[word]
    text = word.replace("{logo}", str(logo))
    if want is None:
        with pytest.raises(argparse.ArgumentError):
            parse_step(text)
        return
    if isinstance(want, tuple):
        place, opacity, tile = want
        want = li.Recipe().overlay(logo, position=place, opacity=opacity, tile=tile)
    assert want.steps == (parse_step(text),)


def test_every_step_has_a_word() -> None:
    named = {word.partition("=")[0].replace("-", "_") for word in WORDS}
    assert named == set(MAKERS)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("melt", "'melt' is no step; there are blur, brightness"),
        ("blur", "blur takes sigma"),
        ("blur=soft", "blur takes sigma"),
        ("blur=0", "blur: sigma=0 is outside 0.1..100"),
        ("flip_h=1", "flip_h takes nothing"),
        ("crop=1,2,3", "crop takes x, y, width, height"),
        ("resize=0", "resize: width=0 is outside"),
        ("gamma=2,3", "gamma takes value"),
        ("pad=left=1,depth=2", "pad takes left, top"),
    ],
)
def test_a_wrong_word_is_status_2(word: str, says: str, tmp_path: Path) -> None:
    done = lazyimage("convert", PHOTO, tmp_path / "out.png", "--step", word)
    assert done.returncode == 2 and says in done.stderr.decode(), done.stderr
    assert not (tmp_path / "out.png").exists()


def test_a_missing_overlay_is_an_error_of_its_own(tmp_path: Path) -> None:
    done = lazyimage("convert", PHOTO, tmp_path / "out.png", "--step", "overlay=none.png")
    said = done.stderr.decode()
    assert done.returncode == 1 and "E100" in said and "none.png" in said


def test_steps_run_in_the_order_of_the_line(tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    engine = li.Engine.from_path(PHOTO)
    crop, wide = ("--step", "crop=10,10,60,50"), ("-s", "30")
    for words, want in (
        ((*crop, *wide), engine.crop(10, 10, 60, 50).resize(30)),
        ((*wide, "--step", "crop=1,1,20,10"), engine.resize(30).crop(1, 1, 20, 10)),
        (
            (*crop, "--step", "blur=1", *wide, "--step", "rotate=90", "--step", "flip_h"),
            engine.crop(10, 10, 60, 50).blur(1).resize(30).rotate(90).flip_h(),
        ),
    ):
        run_well("convert", PHOTO, out, *words)
        want.to_file(tmp_path / "want.png", durable=False)
        assert out.read_bytes() == (tmp_path / "want.png").read_bytes(), words


def test_the_other_verbs_take_steps(tmp_path: Path, logo: Path) -> None:
    mark = ("--step", f"overlay={logo},bottom-right")
    engine, over = li.Engine.from_path(PHOTO), li.Engine.from_path(logo)

    def marked(one: li.Engine) -> bytes:
        return bytes(one.overlay(over, position="bottom-right").to_buffer("png"))

    run_well("resize", PHOTO, tmp_path / "a.png", "40", *mark)
    assert (tmp_path / "a.png").read_bytes() == marked(engine.resize(40))
    run_well("resize", *mark, PHOTO, tmp_path / "b.png", "40")
    assert li.inspect_file(tmp_path / "b.png").size == (40, 27)
    assert (tmp_path / "b.png").read_bytes() != (tmp_path / "a.png").read_bytes()
    run_well("batch", PHOTO, "-o", tmp_path / "o", "-f", "png", "-s", "40", "--quiet", *mark)
    assert (tmp_path / "o" / "420.png").read_bytes() == marked(engine.resize(40))
    run_well("thumb", PHOTO, "-o", tmp_path / "t.png", "-s", "40", *mark)
    assert (tmp_path / "t.png").read_bytes() == marked(engine.resize(40))
    words = ("-w", "40", "--formats", "png", "--output-dir", tmp_path / "r", *mark)
    run_well("responsive", PHOTO, *words)
    assert (tmp_path / "r" / "420-40.png").read_bytes() == marked(engine.resize(40))
    said = run_well("explain", PHOTO, "out.png", "--step", "trim=3", *mark).decode()
    assert "look " in said and "overlay " in said


def test_a_batch_does_not_go_on_with_other_steps(tmp_path: Path) -> None:
    out, manifest = tmp_path / "o", tmp_path / "m.jsonl"
    words = ("batch", PHOTO, "-o", out, "-f", "png", "--quiet", "--manifest", manifest)
    run_well(*words, "--step", "blur=1")
    run_well(*words, "--step", "blur=1", "--resume")
    done = lazyimage(*words, "--step", "blur=2", "--resume")
    assert done.returncode == 2, done.stderr


def test_attention_is_a_position(tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    run_well("resize", PHOTO, out, "40x90", "--fit", "cover", "--position", "attention")
    engine = li.Engine.from_path(PHOTO)
    want = engine.resize(40, 90, fit="cover", position="attention").to_buffer("png")
    assert out.read_bytes() == bytes(want)
