"""The scorecard's frame: rows are kept as they come, and what is missing is run."""

import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from lazyimage import outputs, scheduler, searches, target

sys.path.insert(0, str(Path(__file__).parents[1] / "reliability"))

import rows_faults
import scorecard
from card import Bench, Figure, Row


@pytest.fixture
def asked() -> list[str]:
    return []


def _row(name: str, asked: list[str], figure: Figure | Exception) -> Row:
    def measure(bench: Bench) -> Figure:
        asked.append(name)
        assert bench.work.is_dir()
        if isinstance(figure, Exception):
            raise figure
        return figure

    return Row(name, "a title", "0", measure)


def _run(rows: list[Row], kept: Path, again: set[str] = frozenset()) -> dict:
    return scorecard.run(rows, kept, set(again), True, False)


def test_what_has_an_answer_is_not_run_again(tmp_path: Path, asked: list[str]) -> None:
    kept = tmp_path / "kept.json"
    first, second = (_row(name, asked, Figure("fine", True)) for name in ("R1", "R2"))
    _run([first], kept)
    answers = _run([first, second], kept)
    assert asked == ["R1", "R2"]
    assert json.loads(kept.read_text()) == answers
    _run([first, second], kept, {"R2"})
    assert asked == ["R1", "R2", "R2"]


def test_a_row_that_fails_has_missed_and_the_others_go_on(
    tmp_path: Path, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [_row("R1", asked, ValueError("odd")), _row("R2", asked, Figure("fine", True))]
    answers = _run(rows, tmp_path / "kept.json")
    assert asked == ["R1", "R2"]
    assert not answers["R1"]["met"]
    assert answers["R1"]["why"] == "odd"
    assert "ValueError: odd" in capsys.readouterr().err
    text = scorecard.table(rows, answers)
    assert "| **missed**: no figure: ValueError (odd) |" in text
    assert "| R2 | a title | 0 | fine |" in text


def test_a_miss_that_numpy_found_is_kept(tmp_path: Path, asked: list[str]) -> None:
    kept = tmp_path / "kept.json"
    _run([_row("R1", asked, Figure("slow", np.float64(2) < 1))], kept)
    assert json.loads(kept.read_text())["R1"]["met"] is False


def test_an_interrupted_run_keeps_what_it_had(tmp_path: Path, asked: list[str]) -> None:
    def stop(bench: Bench) -> Figure:
        raise KeyboardInterrupt

    kept = tmp_path / "kept.json"
    rows = [_row("R1", asked, Figure("fine", True)), Row("R2", "a title", "0", stop)]
    with pytest.raises(KeyboardInterrupt):
        _run(rows, kept)
    assert list(json.loads(kept.read_text())) == ["R1"]


def test_rows_are_named_once_and_are_in_the_page() -> None:
    rows = scorecard.find_rows(scorecard.HERE)
    numbers = [int(row.name[1:]) for row in rows]
    assert numbers == sorted(set(numbers))
    page = scorecard.PAGE.read_text(encoding="utf-8")
    assert [row.name for row in rows if f"**{row.name}**" not in page] == []


LOSSLESS = "wrong result of webp-lossless, refused {} in {}"


def test_a_block_that_we_asked_for_excuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    old = {"webp": ("1.2.4", "1.2.4"), "avif": ("0.11.1", "0.11.1")}
    monkeypatch.setattr(rows_faults.lazyimage, "features", lambda: old)
    crash = "signal 11 in libwebp.so.7.1.5, refused {}"
    line = "webp\ta.webp\t9\t8\t0\t0\t1\t0\t1 {}\n"
    told = {
        crash.format("libwebp.so.7.1.5 in WebPIUpdate"): True,
        crash.format("allocations"): False,
        crash.format("libjpeg.so.62 in jpeg_read_header"): False,
        crash.format("libwebp.so.7.1.5 in WebPGetInfo"): False,
        LOSSLESS.format("libwebp.so.7.1.5", "WebPEncode"): True,
        "wrong result of decode, refused libwebp.so.7.1.5 in WebPIUpdate": False,
        "signal 6 in libavif.so.15.0.0, refused libavif.so.15.0.0 in avifDecoderParse": True,
        "signal 6 in libavif.so.15.0.0, refused libaom.so.3.6.0 in avifEncoderWrite": False,
        "signal 11 in ?, refused libaom.so.3.6.0 in avifEncoderAddImage": True,
        "signal 11 in ?, refused ?": False,
    }
    for what, excused in told.items():
        assert rows_faults.Tally(line.format(what)).figure(1)[1] is excused, what
    new = {"webp": ("1.5.0", "1.5.0"), "avif": ("1.4.0", "1.4.0")}
    monkeypatch.setattr(rows_faults.lazyimage, "features", lambda: new)
    assert not any(rows_faults.Tally(line.format(what)).figure(1)[1] for what in told)


def test_what_happens_under_our_code_is_not_the_interpreters() -> None:
    told = {
        "leak in python3.11 at 4, refused python3.11 for PyList_New": True,
        "signal 11 in libpython3.11.so, refused libpython3.11.so; libpython3.11.so:f": True,
        "leak in python3.11 at 4, refused python3.11 for PyList_New under _core.abi3.so": False,
        "signal 11 in python3.11, refused python3.11; python3.11:f _core.so:g": False,
        "leak in python3.11 at 4, refused _core.abi3.so": False,
        "leak in python3.11 at 4, refused python3.11 for PyCell_New under _core.so": (
            sys.version_info < (3, 13)
        ),
        "leak in _core.abi3.so at 4, refused libpython3.11.so.1.0 for PyCell_New": (
            sys.version_info < (3, 13)
        ),
        "leak in _core.abi3.so at 4, refused _core.abi3.so for PyCell_New": False,
        "signal 11 in libwebp.so.7, refused libwebp.so.7 in WebPEncode": False,
    }
    assert {what: rows_faults.is_the_interpreters(what) for what in told} == told


HOLDERS = (outputs, scheduler, searches, target)
"""Modules whose calls have pictures among their arguments."""


def cells(code: types.CodeType) -> list[str]:
    """Functions with arguments that make cells."""
    found = [code.co_qualname] if code.co_argcount and code.co_cellvars else []
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found += cells(constant)
    return found


def test_no_call_that_holds_a_picture_makes_a_cell() -> None:
    """CPython before 3.13 loses the arguments of one that has no memory for it."""
    assert cells(compile("def f(x):\n return lambda: x", "", "exec")) == ["f"]
    for module in HOLDERS:
        text = Path(str(module.__file__)).read_text(encoding="utf-8")
        assert cells(compile(text, str(module.__file__), "exec")) == []
