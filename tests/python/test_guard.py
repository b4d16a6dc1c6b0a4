"""A file that changes while it is decoded: the right picture, or E103, and never a crash."""

import os
import shutil
import sys
from pathlib import Path

import handlers
import process
import pytest

import lazyimage as li

FORMATS = [name for name in ("png", "jpeg", "webp", "avif") if name in li.supported_input_formats()]
TRIALS = 12


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """2 MP of noise on waves, so that no format packs it into a few pages."""
    directory = tmp_path_factory.mktemp("guard")
    width, height = 1600, 1250
    state = bytes(
        (x * x * 7 + x * y * 3 + y * y * 11) >> 3 & 255 for y in range(64) for x in range(64)
    )
    tile = li.Engine.from_pixels(memoryview(state).cast("B", (64, 64, 1)))
    engine = li.Engine.from_pixels(memoryview(tile.resize(width, height, fit="fill").to_pixels()))
    paths = {}
    for name in FORMATS:
        paths[name] = str(directory / f"picture.{name}")
        options = {"avif": {"speed": 10}, "jpeg": {"quality": 98, "effort": 0}}.get(name, {})
        engine.to_file(paths[name], name, durable=False, **options)
        os.utime(paths[name], (1_500_000_000, 1_500_000_000))
    return paths


@pytest.mark.parametrize("io", ["map", "read"])
@pytest.mark.parametrize("change", ["truncate", "empty", "overwrite", "replace"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_change_during_a_decode_is_e103_or_too_late(
    pictures: dict[str, str], name: str, change: str, io: str
) -> None:
    faults = (change, io) == ("empty", "map")  # a page must be read between cut and end
    trials = 5 * TRIALS if faults else TRIALS
    found = process.run_fresh(
        "change_under", path=pictures[name], change=change, io=io, trials=trials, seed=1
    )
    assert found["other"] == []
    assert found["witness"] == 0
    assert found["right"] + found["E103"] == trials
    if change == "replace":  # the job has the file that it opened
        assert found["E103"] == 0
    else:
        assert found["E103"] > 0
    if faults and name in ("png", "jpeg"):
        assert found["faults"] > 0


@pytest.mark.parametrize("change", ["truncate", "overwrite"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_change_during_a_shared_decode_is_e103_or_too_late(
    pictures: dict[str, str], name: str, change: str
) -> None:
    found = process.run_fresh(
        "change_under",
        path=pictures[name],
        change=change,
        io="map",
        trials=TRIALS,
        seed=1,
        together=True,
    )
    assert found["other"] == []
    assert found["right"] + found["E103"] == TRIALS
    assert found["E103"] > 0


@pytest.mark.parametrize("name", handlers.CASES)
def test_a_cut_beside_other_handlers(pictures: dict[str, str], tmp_path: Path, name: str) -> None:
    case, picture = handlers.CASES[name], Path(pictures["png"])
    assert handlers.trouble(case, sys.executable, picture, tmp_path) == ""


@pytest.mark.parametrize("io", ["map", "read"])
def test_our_own_output_over_the_source_is_no_change(
    pictures: dict[str, str], tmp_path: Path, io: str
) -> None:
    path = tmp_path / "picture.png"
    shutil.copyfile(pictures["png"], path)
    os.utime(path, (1_500_000_000, 1_500_000_000))
    with li.Engine.from_path(path, io=io) as engine:
        right = bytes(memoryview(engine.to_pixels()).cast("B"))
        outputs = [engine.resize(40).output(path), engine.output(), engine.resize(50).output()]
        over, whole, small = li.run(outputs, workers=3, on_error="raise")
        assert (over.result.width, small.result.shape[1]) == (40, 50)
        assert bytes(memoryview(whole.result).cast("B")) == right
        engine.resize(60).to_file(path)  # the picture that is held, not the one of 40
        assert engine.to_pixels().metrics.io == io
        assert bytes(memoryview(engine.to_pixels()).cast("B")) == right
    assert li.Engine.from_path(path).info.width == 60
