"""overlay(): a second picture over the first, in every way that a job can be run."""

import asyncio
import io
import multiprocessing
import os
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

import lazyimage as li

RANDOM = np.random.default_rng(11)


def _noise(height: int, width: int, channels: int) -> np.ndarray:
    return RANDOM.integers(0, 256, (height, width, channels), np.uint8)


def _rgba(samples: np.ndarray) -> np.ndarray:
    """Any layout as RGBA in float."""
    channels = samples.shape[2]
    alpha = samples[:, :, -1:] if channels in (2, 4) else np.full((*samples.shape[:2], 1), 255)
    colour = samples[:, :, :3] if channels > 2 else samples[:, :, :1].repeat(3, 2)
    return np.concatenate([colour, alpha], axis=2).astype(np.float64)


def _over(under: np.ndarray, over: np.ndarray, x: int, y: int, opacity: float) -> np.ndarray:
    """Straight from Porter and Duff, in RGBA."""
    out, top = _rgba(under), _rgba(over)
    height, width = out.shape[:2]
    x0, y0, x1, y1 = (
        max(x, 0),
        max(y, 0),
        min(x + top.shape[1], width),
        min(y + top.shape[0], height),
    )
    if x0 >= x1 or y0 >= y1:
        return out
    top = top[y0 - y : y1 - y, x0 - x : x1 - x]
    below = out[y0:y1, x0:x1]
    cover, rest = top[:, :, 3:] / 255 * opacity, below[:, :, 3:] / 255
    alpha = cover + rest * (1 - cover)
    with np.errstate(invalid="ignore", divide="ignore"):
        mixed = (top[:, :, :3] * cover + below[:, :, :3] * rest * (1 - cover)) / alpha
    colours = np.where(cover > 0, mixed, below[:, :, :3])
    out[y0:y1, x0:x1] = np.concatenate([colours, alpha * 255], axis=2)
    return out


@pytest.mark.parametrize("base", [1, 2, 3, 4])
@pytest.mark.parametrize("top", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("place", "opacity"), [((3, 2), 1), ((-4, -3), 0.5), ((20, 13), 0.25), ((-30, 0), 1)]
)
def test_it_is_over_in_encoded_values(
    base: int, top: int, place: tuple[int, int], opacity: float
) -> None:
    under, over = _noise(18, 25, base), _noise(9, 11, top)
    layer = li.Engine.from_pixels(over)
    engine = li.Engine.from_pixels(under).overlay(layer, position=place, opacity=opacity)
    got = np.asarray(engine.to_pixels())
    gray = base < 3 and top < 3
    assert got.shape[2] == (base if base > 2 or gray else base + 2)
    want = _over(under, over, *place, opacity)
    apart = np.abs(_rgba(got) - want)
    assert apart[:, :, :3][want[:, :, 3] > 0].max(initial=0) <= 0.5 + 1e-9
    assert apart[:, :, 3].max() <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("position", "corner"),
    [
        ("top-left", (0, 0)),
        ("top", (7, 0)),
        ("center", (7, 4)),
        ("bottom-right", (14, 9)),
        ("left", (0, 4)),
    ],
)
def test_places_have_names(position: str, corner: tuple[int, int]) -> None:
    under, over = li.Engine.from_pixels(_noise(18, 25, 3)), li.Engine.from_pixels(_noise(9, 11, 4))
    named = under.overlay(over, position=position)
    assert bytes(named.to_buffer("png")) == bytes(
        under.overlay(over, position=corner).to_buffer("png")
    )


def test_a_larger_picture_is_cut_evenly() -> None:
    under, over = _noise(6, 8, 3), _noise(11, 13, 3)
    got = np.asarray(li.Engine.from_pixels(under).overlay(li.Engine.from_pixels(over)).to_pixels())
    assert np.array_equal(got, over[2:8, 2:10])


@pytest.mark.parametrize("size", [(9, 11), (1200, 1100)])
def test_tiles_cover_everything_from_their_place(size: tuple[int, int]) -> None:
    under, over = _noise(1500, 40, 3), _noise(*size, 3)
    engine = li.Engine.from_pixels(under)
    tiled = engine.overlay(li.Engine.from_pixels(over), position=(5, 3), tile=True)
    got = np.asarray(tiled.to_pixels())
    rows = (np.arange(1500) - 3) % size[0]
    columns = (np.arange(40) - 5) % size[1]
    assert np.array_equal(got, over[rows][:, columns])


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    path = tmp_path / "logo.png"
    samples = _noise(30, 40, 4)
    samples[:, :20, 3] = 0
    li.Engine.from_pixels(samples).to_file(path, durable=False)
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    y, x = np.mgrid[0:120, 0:160]
    samples = np.stack([x, y, 255 - x], axis=2).astype(np.uint8)
    li.Engine.from_pixels(samples).to_file(path, quality=95, durable=False)
    return path


def _marked(photo: Path, logo: object) -> li.Engine:
    layer = logo if not isinstance(logo, Path) else li.Engine.from_path(logo).resize(20)
    engine = li.Engine.from_path(photo).resize(100)
    return engine.overlay(layer, position="bottom-right", opacity=0.6)


def test_every_way_out_gives_the_same_picture(photo: Path, logo: Path, tmp_path: Path) -> None:
    engine = _marked(photo, logo)
    want = bytes(engine.to_buffer("png"))
    assert want != bytes(li.Engine.from_path(photo).resize(100).to_buffer("png"))
    assert want == bytes(asyncio.run(engine.to_buffer_async("png")))
    outcomes = li.run([engine.output(format="png") for _ in range(3)])
    assert [bytes(outcome.result) for outcome in outcomes] == [want] * 3
    (outcome,) = li.process_batch([photo], tmp_path / "out", engine.recipe, format="png")
    assert (tmp_path / "out" / "photo.png").read_bytes() == want, outcome.error
    assert bytes(pickle.loads(pickle.dumps(engine)).to_buffer("png")) == want
    again = li.Recipe.from_json(engine.recipe.to_json())
    assert again == engine.recipe and hash(again) == hash(engine.recipe)
    assert bytes(again.open(photo).to_buffer("png")) == want


def test_sources_of_every_kind_are_taken(photo: Path, logo: Path) -> None:
    data = logo.read_bytes()
    samples = np.asarray(li.Engine.from_bytes(data).to_pixels())
    want = bytes(_marked(photo, li.Engine.from_path(logo)).to_buffer("png"))
    for source in (str(logo), data, bytearray(data), io.BytesIO(data), samples):
        assert bytes(_marked(photo, source).to_buffer("png")) == want
    with logo.open("rb") as file:
        assert bytes(_marked(photo, file).to_buffer("png")) == want
    with li.Engine.from_path(logo) as held:
        logo.unlink()
        assert bytes(_marked(photo, held).to_buffer("png")) == want


def test_recipes_compare_what_lies_over_by_value(photo: Path, logo: Path) -> None:
    data = logo.read_bytes()
    one = li.Recipe().overlay(data)
    assert one == li.Recipe().overlay(bytes(bytearray(data)))
    assert one != li.Recipe().overlay(data[:-1])
    assert one != li.Recipe().overlay(logo)
    assert one.fingerprint() == li.Recipe.from_json(one.to_json()).fingerprint()
    named = li.Recipe().overlay(li.Engine.from_path(logo).resize(8), position=(1, 2))
    assert '"path":' in named.to_json() and '"bytes":' in one.to_json()
    assert eval(repr(named), {"Recipe": li.Recipe, "Engine": li.Engine}) == named
    moved = li.Recipe().overlay(np.zeros((2, 3, 4), np.uint8), tile=True)
    assert li.Recipe.from_json(moved.to_json()) == moved
    assert pickle.loads(pickle.dumps(moved)) == moved
    assert '"dtype"' not in moved.to_json()


def test_a_recipe_holds_an_overlay_of_16_bits(photo: Path) -> None:
    deep = RANDOM.integers(0, 1 << 16, (5, 4, 4), np.uint16)
    under = RANDOM.integers(0, 1 << 16, (9, 8, 3), np.uint16)
    recipe = li.Recipe().overlay(deep)
    assert '"dtype":"uint16"' in recipe.to_json()
    assert recipe != li.Recipe().overlay(deep.astype(np.uint8))
    want = np.asarray(recipe.open(under).to_pixels(dtype="uint16"))
    for same in (li.Recipe.from_json(recipe.to_json()), pickle.loads(pickle.dumps(recipe))):
        assert same == recipe and same.fingerprint() == recipe.fingerprint()
        assert np.array_equal(np.asarray(same.open(under).to_pixels(dtype="uint16")), want)
    decoded = li.Recipe().overlay(li.Engine.from_pixels(deep).flip_h().decoded())
    assert decoded == li.Recipe().overlay(deep[:, ::-1])


@pytest.mark.parametrize(
    "text",
    [
        '{"step":"overlay"}',
        '{"step":"overlay","source":"logo.png"}',
        '{"step":"overlay","source":{}}',
        '{"step":"overlay","source":{"path":7}}',
        '{"step":"overlay","source":{"path":"a","bytes":""}}',
        '{"step":"overlay","source":{"bytes":"§"}}',
        '{"step":"overlay","source":{"pixels":"AAAA","shape":[9,9,3],"mode":"RGB"}}',
        '{"step":"overlay","source":{"pixels":"AAAA","shape":[1,3],"mode":"L","dtype":"uint16"}}',
        '{"step":"overlay","source":{"pixels":"AAA=","shape":[1,2],"mode":"L","dtype":"int8"}}',
        '{"step":"overlay","source":{"pixels":"AAA=","shape":[1,2],"mode":"L","salvage":1}}',
        '{"step":"overlay","source":{"path":"/a"},"opacity":2}',
        '{"step":"overlay","source":{"path":"/a"},"position":[1]}',
        '{"step":"overlay","source":{"path":"/a","recipe":{"steps":[]}}}',
    ],
)
def test_a_recipe_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(li.errors.InvalidArgumentError) as caught:
        li.Recipe.from_json('{"lazyimage":1,"steps":[' + text + "]}")
    assert caught.value.code == "E400"


def test_wrong_values_are_refused(logo: Path) -> None:
    recipe = li.Recipe()
    for wrong in (-0.1, 1.1):
        with pytest.raises(li.errors.InvalidArgumentError):
            recipe.overlay(logo, opacity=wrong)
    for place in ("middle", (1,), (1, 2, 3), (2**40, 0)):
        with pytest.raises(li.errors.InvalidArgumentError):
            recipe.overlay(logo, position=place)
    for wrong in (None, 3, (1.5, 2)):
        with pytest.raises(TypeError):
            recipe.overlay(logo, position=wrong)
    with pytest.raises(TypeError):
        recipe.overlay(None)
    with pytest.raises(li.errors.SourceNotFoundError):
        recipe.overlay(logo.with_name("none.png"))
    deep = li.Engine.from_path(logo)
    for _ in range(8):
        deep = li.Engine.from_path(logo).overlay(deep)
    deep.to_pixels()
    with pytest.raises(li.errors.InvalidArgumentError, match="9 overlays"):
        li.Engine.from_path(logo).overlay(deep)


def test_what_is_wrong_with_it_is_said_of_it(photo: Path, logo: Path) -> None:
    data = logo.read_bytes()
    engine = _marked(photo, logo)
    logo.unlink()
    with pytest.raises(li.errors.SourceNotFoundError, match=r"overlay: cannot open .*logo\.png"):
        engine.to_buffer("png")
    with pytest.raises(li.errors.DecodeError) as caught:
        _marked(photo, data[:-30]).to_buffer("png")
    assert caught.value.code == "E132"
    assert caught.value.step == "overlay"
    with pytest.raises(li.errors.UnsupportedFormatError):
        _marked(photo, b"no picture at all").to_buffer("png")
    outcomes = li.run(
        [engine.output(format="png"), li.Engine.from_path(photo).output(format="png")]
    )
    assert [outcome.ok for outcome in outcomes] == [False, True]


def test_the_limits_of_both_hold(photo: Path, logo: Path) -> None:
    narrow = li.Engine.from_path(logo).limits(max_pixels=1199)
    with pytest.raises(li.errors.LimitError):
        _marked(photo, narrow).to_buffer("png")
    _marked(photo, narrow.limits(max_pixels=1200)).to_buffer("png")
    with pytest.raises(li.errors.LimitError):
        _marked(photo, li.Engine.from_path(logo)).limits(formats=["jpeg"]).to_buffer("png")


def test_it_has_steps_looks_and_layers_of_its_own(photo: Path) -> None:
    samples = np.zeros((50, 60, 4), np.uint8)
    samples[10:30, 20:45] = (255, 0, 0, 255)
    red = li.Engine.from_pixels(samples).trim().overlay(np.full((4, 4, 3), 9, np.uint8))
    got = np.asarray(li.Engine.from_path(photo).overlay(red, position=(0, 0)).to_pixels())
    assert (got[0, 0] == (255, 0, 0)).all() and (got[19, 24] == (255, 0, 0)).all()
    assert (got[8:12, 10:14] == 9).all()
    assert not (got[20, 0] == (255, 0, 0)).all()


def test_estimate_and_explain_tell_of_it(photo: Path, logo: Path) -> None:
    engine, bare = _marked(photo, logo), li.Engine.from_path(photo).resize(100)
    with_it, without = engine.estimate("png"), bare.estimate("png")
    assert with_it.peak_bytes > without.peak_bytes + 20 * 15 * 4
    metrics = engine.to_buffer("png").metrics
    assert metrics.peak_bytes <= with_it.peak_bytes + with_it.out_bytes
    assert "overlay  20x15 rgba8, opacity 0.6: 100x75 rgb8" in engine.explain("png")


def test_a_large_one_streams_beside_a_large_one(tmp_path: Path) -> None:
    """Neither is held: 36 MB and 48 MB of samples in less than 4."""
    for name, channels in (("under", 3), ("over", 4)):
        row = np.tile(_noise(1, 4000, channels), (3000, 1, 1))
        li.Engine.from_pixels(row).to_file(tmp_path / f"{name}.png", compression=1, durable=False)
    over = li.Engine.from_path(tmp_path / "over.png")
    engine = li.Engine.from_path(tmp_path / "under.png").overlay(over, opacity=0.5)
    written = engine.to_file(tmp_path / "out.png", compression=1)
    assert written.metrics.peak_bytes < 4_000_000
    assert engine.estimate("png", compression=1).peak_bytes < 6_000_000


def test_a_file_that_changed_since_it_was_held_is_found(photo: Path, logo: Path) -> None:
    data = logo.read_bytes()
    with li.Engine.from_path(logo) as held:
        os.utime(logo, ns=(1, 1))
        logo.write_bytes(data + b" ")
        with pytest.raises(li.errors.SourceChangedError):
            _marked(photo, held).to_buffer("png")


def test_a_file_that_is_overwritten_meanwhile_is_no_damage(tmp_path: Path) -> None:
    """Its rows are wrong before anybody looks whether it changed: E103 all the same, by
    to_buffer() and in a group."""
    path = tmp_path / "over.png"
    li.Engine.from_pixels(_noise(700, 700, 3)).to_file(path, compression=0)
    data, under = path.read_bytes(), li.Engine.from_pixels(_noise(1400, 700, 3))
    changed = 0
    for trial in range(40):
        path.write_bytes(data)
        os.utime(path, (1, 1))
        other = data[:5000] + bytes(len(data))
        timer = threading.Timer(trial / 8000, path.write_bytes, (other,))
        with li.Engine.from_path(path) as held:  # opened before it changes
            engine = under.overlay(held, position="bottom")
            timer.start()
            if trial % 2:
                outputs = [engine.output(format="png", compression=n) for n in (1, 2)]
                errors = [outcome.error for outcome in li.run(outputs)]
            else:
                try:
                    errors = [engine.to_buffer("png") and None]
                except li.LazyImageError as error:
                    errors = [error]
            timer.join()
        for error in filter(None, errors):
            assert isinstance(error, li.errors.SourceChangedError), error
            changed += 1
    assert changed > 0


def _forked(engine: li.Engine, results: "multiprocessing.queues.SimpleQueue[bytes]") -> None:
    results.put(bytes(engine.to_buffer("png")))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_it_too(photo: Path, logo: Path) -> None:
    engine = _marked(photo, logo)
    want = bytes(engine.to_buffer("png"))
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=_forked, args=(engine, results))
    child.start()
    assert results.get() == want
    child.join()


@pytest.mark.skipif("avif" not in li.supported_output_formats(), reason="this build has no AVIF")
def test_a_codec_that_is_loaded_late_is_loaded(photo: Path, logo: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    li.Engine.from_path(logo).to_file(tmp_path / "logo.avif", durable=False)
    code = (
        "import sys, lazyimage as li; p = li.Engine.from_path(sys.argv[1]); "
        "e = p.overlay(li.Engine.from_path(sys.argv[2])); "
        "o = li.run([p.output(format='png'), e.output(format='png'), e.output(format='jpeg')]); "
        "assert all(x.ok for x in o), o; print(len(e.to_buffer('png')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(photo), str(tmp_path / "logo.avif")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
