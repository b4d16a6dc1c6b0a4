"""The rows of fuzzing and sanitizers: what dies costs one file, what was fuzzed is remembered."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "reliability"), str(ROOT / "tools")]

import fuzz  # noqa: E402
import parser_coverage  # noqa: E402
import rows_fuzz  # noqa: E402

PROGRAM = """#!{python}
import os, sys
for line in sys.stdin:
    path = line.strip()
    if "dies" in path:
        print("==1==ERROR: AddressSanitizer: heap-buffer-overflow on x", file=sys.stderr)
        os.abort()
    print(path, "0.25", "0", "0", sep="\\t", flush=True)
sys.exit({status})
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(status: int) -> None:
        path = tmp_path / "program"
        path.write_text(PROGRAM.format(python=sys.executable, status=status))
        path.chmod(0o755)
        monkeypatch.setattr(rows_fuzz, "PROGRAM", path)

    return make


def test_what_kills_the_program_costs_its_file_alone(program: Any) -> None:
    program(0)
    lane = rows_fuzz.run_lane(["a", "dies", "b", "dies too"])
    assert lane.done == {"a": 0.25, "b": 0.25}
    words = "ERROR: AddressSanitizer: heap-buffer-overflow"
    assert lane.reports == [f"dies: {words}", f"dies too: {words}"]


def test_a_leak_at_the_end_is_a_report(program: Any) -> None:
    program(23)
    lane = rows_fuzz.run_lane(["a", "b"])
    assert sorted(lane.done) == ["a", "b"]
    assert len(lane.reports) == 1 and lane.reports[0].startswith("at exit: status 23")


def _piece(cpu: float, findings: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "cpu": cpu,
        "wall": cpu,
        "inputs": 10,
        "slowest": 1,
        "peak": 50,
        "findings": list(findings),
    }


def test_fuzzing_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def piece(target: str, seconds: int) -> dict[str, Any]:
        asked.append(target)
        return _piece(60, ("crash-1",) if target == "c" else ())

    monkeypatch.setattr(rows_fuzz, "fuzz_piece", piece)
    monkeypatch.setattr(rows_fuzz, "LANES", 1)
    kept = tmp_path / "progress.json"
    kept.write_text(json.dumps({"a": _piece(90), "b": _piece(150)}))
    totals = rows_fuzz.run_targets(dict.fromkeys("abc", 130), 60, kept)
    assert asked == ["c", "a"]  # what had least first; a finding is enough
    assert totals["a"]["cpu"] == 150 and totals["a"]["inputs"] == 20
    assert totals["c"]["findings"] == ["crash-1"]
    assert json.loads(kept.read_text()) == totals


def test_seeds_are_small_files_of_the_formats_with_room_for_a_hint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("LAZYIMAGE_CORPUS", raising=False)
    pictures = list(fuzz.seeds("decode_png"))
    assert len(pictures) > 50
    assert all(seed.startswith(b"\x89PNG") and seed.endswith(bytes(8)) for seed in pictures)
    assert max(map(len, pictures)) <= fuzz.MOST_SEED + 8
    assert list(fuzz.seeds("stream")) == []


def test_every_target_has_its_seeds_or_none() -> None:
    targets = {path.stem.removeprefix("fuzz_") for path in (ROOT / "tests/fuzz").glob("fuzz_*.c")}
    assert set(fuzz.FORMATS) <= targets and set(fuzz.TAILS) <= targets
    assert targets - set(fuzz.FORMATS) == {"exif", "png_roundtrip", "roundtrip", "stream", "window"}


def test_the_parsers_are_there() -> None:
    for pattern in parser_coverage.PARSERS:
        assert list(ROOT.glob(pattern)), pattern
