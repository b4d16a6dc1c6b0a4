"""A second thread inflates large PNGs: same bytes, same errors, and nothing of it is left."""

import os
import platform
import zlib
from pathlib import Path

import process
import pytest

import lazyimage as li
from lazyimage.errors import InvalidArgumentError, LazyImageError

SIDE = 2100  # 4.4 MP: a little above the least

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="looks at /proc")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PNG of RGB whose rows are filtered and do not repeat."""
    path = tmp_path_factory.mktemp("large") / "large.png"
    seeds = memoryview(bytes(i * i * 37 % 251 for i in range(3 * 64 * 64))).cast("B", (64, 64, 3))
    li.Engine.from_pixels(seeds).resize(SIDE, SIDE, fit="fill", enlarge=True).to_file(path)
    return path


def _job(path: Path, threads: int, monkeypatch: pytest.MonkeyPatch, format: str, side: int):
    monkeypatch.setenv("LAZYIMAGE_NUM_THREADS", str(threads))
    engine = li.Engine.from_path(path)
    engine = engine.resize(side, side) if side else engine
    before = len(os.listdir("/proc/self/task"))
    encoded, metrics = engine.to_buffer_with_metrics(format)
    assert len(os.listdir("/proc/self/task")) == before
    return bytes(encoded), metrics


@pytest.mark.parametrize("format", ["jpeg", "png"])
@pytest.mark.parametrize("side", [0, 300])
def test_two_threads_give_the_bytes_of_one(
    large: Path, monkeypatch: pytest.MonkeyPatch, format: str, side: int
) -> None:
    alone, one = _job(large, 1, monkeypatch, format, side)
    both, two = _job(large, 2, monkeypatch, format, side)
    assert (one.threads, two.threads) == (1, 2)
    assert both == alone
    assert two.cpu_ms > 0.5 * one.cpu_ms  # the other thread's are in it
    assert two.peak_bytes <= two.planned_bytes + two.planned_out_bytes
    assert two.warnings == one.warnings


def test_small_pictures_and_other_formats_stay_on_one_thread(
    large: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAZYIMAGE_NUM_THREADS", "8")
    jpeg = tmp_path / "large.jpg"
    li.Engine.from_path(large).to_file(jpeg)
    small = tmp_path / "small.png"
    li.Engine.from_path(large).resize(1900).to_file(small)
    for path in (jpeg, small):
        assert li.Engine.from_path(path).resize(300).to_buffer_with_metrics("png")[1].threads == 1


def test_a_memory_limit_without_room_for_it_keeps_to_one_thread(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = li.Engine.from_path(large).resize(300)
    monkeypatch.setenv("LAZYIMAGE_NUM_THREADS", "1")
    encoded, one = engine.to_buffer_with_metrics("jpeg")
    monkeypatch.setenv("LAZYIMAGE_NUM_THREADS", "2")
    limit = one.planned_bytes + one.planned_out_bytes
    tight, metrics = engine.limits(max_memory=limit).to_buffer_with_metrics("jpeg")
    assert (metrics.threads, bytes(tight)) == (1, bytes(encoded))
    wide = engine.limits(max_memory=limit + (2 << 20)).to_buffer_with_metrics("jpeg")[1]
    assert wide.threads == 2


def _refusal(path: Path, threads: int, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.setenv("LAZYIMAGE_NUM_THREADS", str(threads))
    with pytest.raises(LazyImageError) as caught:
        li.Engine.from_path(path).resize(300).to_buffer("jpeg")
    return caught.value.code, str(caught.value), str(caught.value.step)


@pytest.mark.parametrize("part", [0.001, 0.1, 0.5, 0.9999])
def test_a_truncated_file_is_the_same_error(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: float
) -> None:
    cut = tmp_path / "cut.png"
    whole = large.read_bytes()
    cut.write_bytes(whole[: int(len(whole) * part)])
    alone = _refusal(cut, 1, monkeypatch)
    assert alone[0] == "E132"
    assert _refusal(cut, 2, monkeypatch) == alone


def test_a_bad_filter_is_the_same_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body).to_bytes(4, "big")
        return len(body).to_bytes(4, "big") + kind + body + check

    rows = bytearray(SIDE * (SIDE + 1))
    rows[(SIDE // 2) * (SIDE + 1)] = 9
    size = SIDE.to_bytes(4, "big")
    path = tmp_path / "bad.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size + size + bytes([8, 0, 0, 0, 0]))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    alone = _refusal(path, 1, monkeypatch)
    assert alone[0] == "E130" and "filter" in alone[1]
    assert _refusal(path, 2, monkeypatch) == alone


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "²"])
def test_a_number_of_threads_that_is_none_is_refused(
    large: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("LAZYIMAGE_NUM_THREADS", text)
    with pytest.raises(InvalidArgumentError, match="LAZYIMAGE_NUM_THREADS") as caught:
        li.Engine.from_path(large).resize(300).to_buffer("jpeg")
    assert caught.value.code == "E400" and caught.value.hint


@pytest.fixture(scope="module")
def gray(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = str(tmp_path_factory.mktemp("gray"))
    return str(process.run_fresh("make_gray_pictures", directory=directory, side=16_000)["png"])


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("LAZYIMAGE_SANITIZED") == "1", reason="a sanitizer takes its time"
)
@pytest.mark.parametrize("how", ["signal", "cancel", "timeout"])
@pytest.mark.parametrize("target", [0, 800])
def test_two_threads_stop_within_100_ms(gray: str, how: str, target: int) -> None:
    found = process.run_fresh(
        "interrupt",
        path=gray,
        target=target,
        after=0.04,
        how=how,
        environment={"LAZYIMAGE_NUM_THREADS": "2"},
    )
    wanted = {
        "signal": "KeyboardInterrupt",
        "cancel": "CancelledError",
        "timeout": "ImageTimeoutError",
    }
    assert found["raised"] == wanted[how]
    assert found["seconds"] <= 0.100
    assert found["left"] == []
