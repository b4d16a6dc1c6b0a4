"""The benchmark's own arithmetic: its tables, its searches and its truth. No peer is run."""

import importlib
import json
import os
import subprocess
import sys
from typing import Any

import numpy
import oracle
import pytest
from PIL import Image

import lazyimage as li

BENCHMARKS = oracle.REPOSITORY / "benchmarks"


def load(name: str) -> Any:
    """A module of benchmarks/, which is no package."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))


NAMES = ("avif_grid", "cells", "instructions", "jpeg_effort", "plot", "report", "truth", "tune")
avif_grid, cells, instructions, jpeg_effort, plot, report, truth, tune = map(load, NAMES)


def row(who: str, cpu: float, growth: float, score: float | None = 70.0, **more: Any) -> Any:
    figures = {"cpu_ms": cpu, "wall_ms": cpu + 1, "growth_mb": growth}
    return {
        "who": who,
        "pace": "exact",
        "note": "",
        "score": score,
        "bytes": 1000,
        **figures,
        **more,
    }


def results(*rows: Any, limit: float = 0.8) -> dict[str, Any]:
    cell = {"title": "PNG → JPEG", "limit": limit, "op": "convert", "tables": {"one": list(rows)}}
    return {"cells": [cell]}


def test_every_cell_has_an_input_and_a_warm_one() -> None:
    source = (BENCHMARKS / "inputs.py").read_text(encoding="utf-8")
    for cell in cells.CELLS:
        assert f'"{cell.source}": Recipe(' in source
        assert f'"{cells.warm_of(cell)}": Recipe(' in source


def test_every_cell_shows_every_peer_in_every_pace() -> None:
    for cell in cells.CELLS:
        rows = cells.rows_of(cell, "one", cells.PEERS)
        assert len(rows) == len(cell.paces) * (1 + len(cells.PEERS))
        assert cells.rows_of(cell, "defaults", ("sharp",)) == [
            ("lazyimage", "default"),
            ("sharp", "default"),
        ]


def test_a_cell_within_its_target_is_plain_and_one_beyond_it_bold() -> None:
    peers = (row("Pillow", 100.0, 50.0), row("sharp", 50.0, 90.0))
    (line,) = report.summary(results(row("lazyimage", 40.0, 3.0), *peers))[2:]
    assert "| 40.0 | 50.0 sharp | 0.80 | 0.80 | 3.0 / 50.0 Pillow |" in line
    (line,) = report.summary(results(row("lazyimage", 41.0, 51.0), *peers))[2:]
    assert "| **0.82** | 0.80 | **51.0 / 50.0 Pillow** |" in line


def test_quality_lost_to_the_best_peer_is_bold() -> None:
    peer = row("sharp", 50.0, 90.0, 72.0)
    (line,) = report.summary(results(row("lazyimage", 40.0, 3.0, 71.1), peer))[2:]
    assert "| 71.1 / 72.0 / 72.0 sharp |" in line
    (line,) = report.summary(results(row("lazyimage", 40.0, 3.0, 70.9), peer))[2:]
    assert "| **70.9 / 72.0 / 72.0 sharp** |" in line


def test_a_row_that_matches_nothing_is_shown_and_is_no_best_peer() -> None:
    quick = row("OpenCV", 5.0, 1.0, 60.0, matched=False)
    found = results(row("lazyimage", 40.0, 3.0), row("sharp", 50.0, 90.0), quick)
    assert "| 40.0 | 50.0 sharp | 0.80 |" in report.summary(found)[2]
    assert "| OpenCV | **5.0** |" in "\n".join(report.details(found, "one"))


def test_what_cannot_be_done_is_said_in_its_row() -> None:
    ours = {"who": "lazyimage", "pace": "exact", "note": "", "unsupported": "not built: no webp"}
    gone = {"who": "lazy-image", "pace": "exact", "note": "", "unsupported": "reads no AVIF"}
    found = results(ours, row("sharp", 50.0, 90.0), gone)
    assert "not built: no webp" in report.summary(found)[2]
    text = "\n".join(report.details(found, "one"))
    assert "| lazy-image | | | | | | | reads no AVIF |" in text
    assert "| sharp | **50.0** | **51.0** | **90.0** | 1.00 |" in text
    assert "<circle" in plot.svg(list(report.lines_of(found, "one")))


def test_the_readme_has_no_figure_that_a_peer_wins_in_bold() -> None:
    found = results(row("lazyimage", 60.0, 3.0), row("sharp", 50.0, 90.0))
    assert report.readme(found)[2] == (
        "| PNG → JPEG | 60.0 ms | **50.0 ms (sharp)** | **3.0 MB** | 90.0 MB (sharp) |"
    )


def test_text_goes_between_its_markers_and_nowhere_else() -> None:
    begin, end = report.BEGIN.format("x"), report.END.format("x")
    text = f"before\n{begin}\nold\n{end}\nafter\n"
    assert report.between(text, "x", ["new"]) == f"before\n{begin}\n\nnew\n\n{end}\nafter\n"
    with pytest.raises(SystemExit, match="no markers of y"):
        report.between(text, "y", ["new"])


def test_the_documents_have_every_marker() -> None:
    page = (oracle.REPOSITORY / "docs" / "performance.md").read_text(encoding="utf-8")
    for name in ("conditions", "inputs", "summary", "one thread", "default threads", "defaults"):
        assert report.BEGIN.format(name) in page
        assert report.END.format(name) in page
    front = (oracle.REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert report.BEGIN.format("figures") in front


@pytest.mark.parametrize("wanted", [5, 6, 51, 60, 97, 98])
def test_the_quality_of_a_score_is_found_in_few_tries(wanted: int) -> None:
    scores: dict[int, float] = {}
    quality = 60
    while quality is not None:
        scores[quality] = 90 - (100 - quality) ** 1.6 / 18
        quality = tune.next_quality(scores, 90 - (100 - wanted) ** 1.6 / 18 - 1e-9)
    assert wanted in scores
    assert len(scores) <= 9


@pytest.mark.parametrize(("wanted", "last"), [(99.0, 98), (1.0, 5)])
def test_a_score_out_of_reach_ends_the_search(wanted: float, last: int) -> None:
    scores = {60: 50.0}
    while (quality := tune.next_quality(scores, wanted)) is not None:
        scores[quality] = 50 + (quality - 60) / 10
    assert last in scores


class Runner:
    """Says what a peer would: bytes by level, CPU by level and filter."""

    def __init__(self, directory: Any, sizes: dict[str, int]):
        self.directory, self.sizes = directory, sizes
        self.versions: dict[str, Any] = {}
        self.peers = type("Peers", (), {"commands": {"Pillow": [], "sharp": []}})

    def job(self, cell: Any, who: str, pace: str, table: str) -> dict[str, str]:
        return {"output": str(self.directory / f"{who}-one.png")}

    def run(self, who: str, job: dict[str, str]) -> dict[str, float]:
        size = self.sizes[who if who == "Pillow" else job["filter"] + job["level"]]
        with open(job["output"], "wb") as file:
            file.write(bytes(size))
        return {"cpu_ms": float(job.get("level", 6)) * (3 if job.get("filter") == "all" else 1)}

    def request(self, cell: Any, output: str) -> str:
        return output

    def judge(self, outputs: list[str]) -> list[dict[str, float]]:
        return [{"score": 90.0, "bytes": os.stat(name).st_size} for name in outputs]


def png_effort(tmp_path: Any, sizes: dict[str, int]) -> dict[str, str]:
    cell = next(cell for cell in cells.CELLS if cell.match == "png")
    tuner = tune.Tuner(Runner(tmp_path, sizes), tmp_path / "tuned.json")
    found: dict[str, str] = tuner.tune(cell, "sharp", "exact", search=True)
    assert json.loads((tmp_path / "tuned.json").read_text()) != {}
    return found


def test_the_quickest_effort_that_is_small_enough_is_taken(tmp_path: Any) -> None:
    sizes = {f"none{level}": 1100 - 20 * level for level in range(1, 7)}
    sizes |= {f"all{level}": 1020 - 10 * level for level in range(1, 7)}
    found = png_effort(tmp_path, {"Pillow": 1000, **sizes})
    assert found == {"filter": "all", "level": "1", "note": "filter all, level 1"}


def test_a_peer_that_is_never_small_enough_is_taken_at_its_smallest(tmp_path: Any) -> None:
    sizes = {
        f"{filter}{level}": 2000 - level for filter in ("none", "all") for level in range(1, 7)
    }
    found = png_effort(tmp_path, {"Pillow": 1000, **sizes})
    assert found["level"] == "6"
    assert "never below 1.99 × Pillow" in found["note"]
    assert found["unmatched"]


def test_the_truth_is_lanczos_of_the_whole_picture() -> None:
    random = numpy.random.default_rng(3)
    samples = random.integers(0, 256, (90, 120, 3), dtype=numpy.uint8)
    exact = truth.resized(samples, 31, 23)
    pillow = Image.fromarray(samples).resize((31, 23), Image.Resampling.LANCZOS)
    assert numpy.abs(exact.clip(0, 255) - numpy.asarray(pillow)).max() < 1.6
    flat = truth.resized(numpy.full((50, 40, 3), 77, numpy.uint8), 13, 17)
    assert numpy.abs(flat - 77).max() < 1e-9


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"subsampling": "4:2:0", "optimize": True}, "baseline 4:2:0"),
        ({"subsampling": "4:4:4"}, "baseline 4:4:4, standard tables"),
        ({"subsampling": "4:2:2", "progressive": True}, "progressive 4:2:2"),
    ],
)
def test_what_a_jpeg_is_is_read_from_it(tmp_path: Any, options: Any, kind: str) -> None:
    path = tmp_path / "a.jpg"
    noise = numpy.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=numpy.uint8)
    Image.fromarray(noise).save(path, quality=80, **options)
    assert truth.kind_of(str(path)) == kind


# --- instruction counts ----------------------------------------------------------------


def test_two_percent_more_instructions_fail_and_less_do_not() -> None:
    recorded = {"jpeg-jpeg": 100_000_000}
    lines, well = instructions.compare(recorded, {"jpeg-jpeg": 101_900_000})
    assert well and lines == ["jpeg-jpeg      101.9 M, +1.90%: ok"]
    lines, well = instructions.compare(recorded, {"jpeg-jpeg": 102_100_000})
    assert not well and "FAILED: over + 2%" in lines[0]
    lines, well = instructions.compare(recorded, {"jpeg-jpeg": 90_000_000})
    assert well and "instructions-record" in lines[0]


def test_a_job_that_was_never_recorded_fails() -> None:
    lines, well = instructions.compare({}, {"avif-jpeg": 5_000_000})
    assert not well and "never recorded" in lines[0]


def test_other_versions_are_named_and_new_codecs_are_no_excuse() -> None:
    recorded = {"compiler": "gcc 12.2.0", "png": "1.6.39"}
    assert instructions.differences(recorded, {**recorded, "webp": "1.2.4"}) == []
    found = instructions.differences(recorded, {"compiler": "gcc 13.1.0", "png": "1.6.39"})
    assert found == ["compiler is gcc 13.1.0, recorded with gcc 12.2.0"]


def test_the_record_is_of_the_jobs() -> None:
    recorded = json.loads(instructions.RECORD.read_text(encoding="utf-8"))["instructions"]
    assert {"jpeg-jpeg", "png-jpeg", "jpeg-png", "rgba-png"} <= {*recorded} <= {*instructions.JOBS}


@pytest.mark.parametrize("channels", [3, 4])
def test_the_pngs_that_are_counted_hold_their_samples(tmp_path: Any, channels: int) -> None:
    picture = instructions.samples(channels)[:97, :131]
    path = tmp_path / "a.png"
    path.write_bytes(instructions.png(picture))
    assert numpy.array_equal(numpy.asarray(Image.open(path)), picture)


# --- JPEG efforts ------------------------------------------------------------------------


def test_bytes_are_compared_at_equal_scores() -> None:
    theirs = [[1000 * 2**i, 40.0 + 10 * i] for i in range(5)]
    assert jpeg_effort.gap(theirs, theirs) == 0
    smaller = [[0.9 * size, score] for size, score in theirs]
    assert jpeg_effort.gap(smaller, theirs) == pytest.approx(numpy.log(0.9))
    better = [[size, score + 10] for size, score in theirs]  # a doubling of bytes is 10 points
    assert jpeg_effort.gap(better, theirs) == pytest.approx(numpy.log(0.5))
    dented = [*theirs[:2], [2500, 45.0], *theirs[2:]]  # more bytes, worse: never worth it
    assert jpeg_effort.gap(dented, theirs) == 0


def test_no_picture_is_both_fitted_on_and_measured() -> None:
    held, tuned = set(jpeg_effort.HELD_OUT), set(jpeg_effort.TUNED_ON)
    assert len(held) == len(jpeg_effort.HELD_OUT) >= 26
    assert not held & tuned and not held & set(jpeg_effort.SCREENSHOTS)


# --- large pictures ----------------------------------------------------------------------


@pytest.mark.skipif("avif" not in li.supported_input_formats(), reason="no AVIF in this build")
def test_an_avif_grid_shows_its_tile_in_every_cell(tmp_path: Any) -> None:
    path = BENCHMARKS / "data" / "picture.avif"
    width, height = li.inspect_file(path).size
    whole = avif_grid.repeated(path.read_bytes(), 2, 3, 2 * width - 10, 3 * height - 20)
    found = numpy.asarray(li.open(whole).to_pixels(mode="RGB")).astype(int)
    tile = numpy.asarray(li.open(path).to_pixels(mode="RGB")).astype(int)
    assert found.shape == (3 * height - 20, 2 * width - 10, 3)
    middle = found[height + 2 : 2 * height - 2, width + 2 : -2]  # chroma blends at the seams
    assert numpy.abs(middle - tile[2:-2, 2:-12]).max() == 0


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("LAZYIMAGE_SANITIZED") == "1", reason="measures memory")
def test_a_batch_stays_flat_and_names_what_is_cut(tmp_path: Any) -> None:
    """300 pictures; benchmarks/batch.py alone has 10,000."""
    if "webp" not in li.supported_output_formats():
        pytest.skip("built without WebP")
    command = [sys.executable, str(BENCHMARKS / "batch.py"), "--short", "--directory", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
