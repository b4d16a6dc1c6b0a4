"""A batch that is killed, interrupted or told to end, and goes on later."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import oracle
import pytest
from shell import lazyimage, program

import lazyimage as li
from lazyimage.cli import manifest
from lazyimage.cli.common import UsageError
from lazyimage.cli.names import Job

PHOTO = oracle.DATA / "jpeg" / "420.jpg"
COUNT = 2000
BROKEN = 50  # every 50th: 2 %
WORDS = ["batch", "photos", "-o", "out", "-s", "60", "-f", "png", "--quiet"]
JOURNAL = ["--manifest", "m.jsonl"]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals")


def make_tree(directory: Path) -> set[str]:
    """photos/ with 2,000 pictures in 40 directories, 2 % broken; the broken ones' names."""
    good, broken = PHOTO.read_bytes(), set()
    for number in range(COUNT):
        path = directory / "photos" / f"{number % 40}" / f"sub{number % 3}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number % BROKEN == 7:
            path.write_bytes(good[: len(good) // 2] if number % 4 == 1 else b"junk")
            broken.add(os.path.relpath(path, directory))
        else:
            path.write_bytes(good)
    return broken


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    directory = tmp_path_factory.mktemp("tree")
    return directory, make_tree(directory)


@pytest.fixture
def here(photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The current directory has photos/; the names of the broken ones."""
    os.symlink(photos[0] / "photos", tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    return photos[1]


def outputs() -> dict[str, tuple[int, int]]:
    """Output → inode and time, since an inode may come again. There may be a temp file among
    them only where it is asked for."""
    found = {}
    for folder, _, names in os.walk("out"):
        for name in names:
            path = os.path.join(folder, name)
            try:
                status = os.stat(path)
                found[path] = status.st_ino, status.st_mtime_ns
            except FileNotFoundError:
                pass  # a temp file, which has its name by now
    return found


def finished() -> dict[str, tuple[int, int]]:
    return {path: made for path, made in outputs().items() if "/.lazyimage-" not in path}


def lines() -> list[dict]:
    return [json.loads(line) for line in Path("m.jsonl").read_bytes().splitlines()]


def wait_for(condition: Callable[[], bool], process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline and process.poll() is None, "it ended too early"
        time.sleep(0.005)


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen]:
    """The command as it runs; it does not outlive the test."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*program(), *words], stdin=subprocess.DEVNULL, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def check_everything(broken: set[str]) -> None:
    """Every good picture is there, as it should be, and the manifest knows all of them."""
    expected = bytes(li.Engine.from_path(PHOTO).resize(60, 60).to_buffer("png"))
    good = COUNT - len(broken)
    assert len(outputs()) == good
    for path in outputs():
        assert Path(path).read_bytes() == expected
    last = {line["input"]: line for line in lines() if "status" in line}
    assert {name for name, line in last.items() if line["status"] == "failed"} == broken
    assert sum(line["status"] == "ok" for line in last.values()) == good
    for name, line in last.items():
        made = os.path.join("out", os.path.splitext(os.path.relpath(name, "photos"))[0] + ".png")
        assert line["output"] == made
        if line["status"] == "ok":
            assert (line["width"], line["height"], line["bytes"]) == (60, 41, len(expected))
        else:
            assert line["error"]["code"] in ("E111", "E130", "E132")


def test_a_tree_with_broken_pictures(here: set[str]) -> None:
    done = lazyimage(*WORDS, *JOURNAL, "--json")
    assert done.returncode == 1
    named = {line.split(b": ")[2].decode() for line in done.stderr.splitlines()}
    assert named == here
    assert len(done.stdout.splitlines()) == COUNT
    check_everything(here)
    before = outputs()
    again = lazyimage(*WORDS, *JOURNAL, "--resume", "--json")
    assert again.returncode == 1
    assert {json.loads(line)["input"] for line in again.stdout.splitlines()} == here
    assert outputs() == before


@pytest.mark.parametrize("share", [0.1, 0.4, 0.7])
def test_what_is_finished_survives_kill_9_and_is_not_repeated(here: set[str], share: float) -> None:
    with started(*WORDS, *JOURNAL) as process:
        wait_for(lambda: len(finished()) > share * (COUNT - len(here)), process)
    before, written = finished(), {line.get("output") for line in lines()}
    assert 0 < len(before) < COUNT - len(here)
    assert len(written) < COUNT
    for path in set(outputs()) - set(before):
        os.unlink(path)  # what kill -9 leaves of files that were being written
    done = lazyimage(*WORDS, *JOURNAL, "--resume")
    assert done.returncode == 1
    after = outputs()
    assert {path: after[path] for path in before} == before  # not one of them was made again
    check_everything(here)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_a_signal_ends_a_batch_at_once_and_it_can_go_on(
    here: set[str], number: int, status: int
) -> None:
    with started(*WORDS, *JOURNAL) as process:
        wait_for(lambda: len(finished()) > 300, process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == status
    assert b"Traceback" not in errors and b"KeyboardInterrupt" not in errors
    before = outputs()
    assert before == finished()  # no temp file
    assert lazyimage(*WORDS, *JOURNAL, "--resume").returncode == 1
    after = outputs()
    assert {path: after[path] for path in before} == before
    check_everything(here)


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("LAZYIMAGE_SANITIZED") == "1", reason="takes its time")
def test_ctrl_c_in_large_pictures_returns_within_100_ms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkdir("photos")
    pixels = memoryview(bytes(range(256))).cast("B", (16, 16, 1))
    for number in range(4):
        engine = li.Engine.from_pixels(pixels).resize(9000, kernel="nearest")
        engine.to_file(f"photos/{number}.png", compression=1, durable=False)
    for _ in range(5):
        with started("batch", "photos", "-o", "out", "-s", "12000", "--quiet") as process:
            wait_for(lambda: len(outputs()) > 0, process)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
            took = time.monotonic() - began
        assert (process.returncode, errors) == (130, b"")
        assert outputs() == finished()
        if took <= 0.1:  # the machine may be busy: one of five is enough
            return
    pytest.fail(f"the last of five took {took:.3f} s")


def test_the_manifest_has_a_picture_as_soon_as_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkdir("photos")
    for name in "ab":
        Path(f"photos/{name}.jpg").write_bytes(PHOTO.read_bytes())
    pixels = memoryview(bytes(range(256))).cast("B", (16, 16, 1))
    large = li.Engine.from_pixels(pixels).resize(9000, kernel="nearest")
    large.to_file("photos/z.png", compression=1, durable=False)
    words = ["batch", "photos", "-o", "out", "-f", "png", "-O", "compression=9", "--jobs", "1"]
    with started(*words, *JOURNAL) as process:
        wait_for(lambda: len(finished()) == 2 and len(lines()) == 4, process)
        assert process.poll() is None and not os.path.exists("out/z.png")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert [line["output"] for line in lines()[2:]] == ["out/a.png", "out/b.png"]


def test_finished_work_of_another_input_or_output_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkdir("photos")
    for name in "abcd":
        Path(f"photos/{name}.jpg").write_bytes(PHOTO.read_bytes())
    assert lazyimage(*WORDS, *JOURNAL).returncode == 0
    before = outputs()
    os.utime("photos/a.jpg")  # an input that has changed
    os.unlink("out/b.png")  # an output that is gone
    Path("out/c.png").write_bytes(b"cut")  # an output that is not what it was
    assert lazyimage(*WORDS, *JOURNAL, "--resume").returncode == 0
    after = outputs()
    assert {path for path in after if after[path] != before[path]} == {
        "out/a.png",
        "out/b.png",
        "out/c.png",
    }
    assert Path("out/c.png").read_bytes() == Path("out/d.png").read_bytes()
    assert lazyimage(*WORDS, *JOURNAL).returncode == 0  # without --resume: all of it
    assert all(made != after[path] for path, made in outputs().items())


def test_a_dry_run_tells_what_is_left_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkdir("photos")
    for name in "ab":
        Path(f"photos/{name}.jpg").write_bytes(PHOTO.read_bytes())
    dry = [*WORDS, *JOURNAL, "--resume", "--dry-run"]
    assert lazyimage(*dry).stdout.count(b" -> ") == 2
    assert os.listdir() == ["photos"]
    assert lazyimage(*WORDS, *JOURNAL).returncode == 0
    os.unlink("out/b.png")
    with open("m.jsonl", "ab") as file:
        file.write(b'{"torn')
    before = Path("m.jsonl").read_bytes()
    assert lazyimage(*dry).stdout == b"photos/b.jpg -> out/b.png\n"
    assert Path("m.jsonl").read_bytes() == before
    assert os.listdir("out") == ["a.png"]


def test_a_batch_in_place_is_not_repeated_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkdir("photos")
    Path("photos/a.jpg").write_bytes(PHOTO.read_bytes())
    words = ["batch", "photos", "-o", "photos", "--in-place", "-q", "50", "--quiet", *JOURNAL]
    assert lazyimage(*words).returncode == 0
    made = os.stat("photos/a.jpg").st_ino
    assert lazyimage(*words, "--resume").returncode == 0
    assert os.stat("photos/a.jpg").st_ino == made


def settings_differ(words: list[str]) -> bytes:
    done = lazyimage(*words, *JOURNAL, "--resume")
    assert done.returncode == 2
    return done.stderr


def test_other_settings_do_not_go_on(here: set[str]) -> None:
    os.makedirs("few")
    Path("few/a.jpg").write_bytes(PHOTO.read_bytes())
    words = ["batch", "few", "-o", "out", "--quiet"]
    assert lazyimage(*words, "-s", "60", *JOURNAL).returncode == 0
    assert b"size was '60x60' and is '70x70'" in settings_differ([*words, "-s", "70"])
    assert b"quality was None and is 5" in settings_differ([*words, "-s", "60", "-q", "5"])
    more = [*words, "-s", "60", "-O", "progressive"]
    assert b"options was {} and is {'progressive': True}" in settings_differ(more)


# --- the manifest itself ---------------------------------------------------------------


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    path = str(tmp_path / "m")
    first = manifest.Manifest(path, {"a": 1}, resume=False)
    first.write([{"input": "x", "status": "failed"}])
    os.write(first.file, b'{"input": "y", "sta')
    first.close()
    again = manifest.Manifest(path, {"a": 1}, resume=True)
    assert list(again.done) == ["x"]
    again.write([{"input": "z", "status": "failed"}])
    again.close()
    assert [json.loads(line).get("input") for line in Path(path).read_text().splitlines()] == [
        None,
        "x",
        "z",
    ]


@pytest.mark.parametrize(
    "text", ["[]\n", "{}\n", "7\n", "no JSON\n", '{"manifest": 1, "settings": {}}\n{"x": 1}\n']
)
def test_what_is_no_manifest_is_not_taken_for_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m"
    path.write_text(text)
    with pytest.raises(UsageError, match="no line of a manifest"):
        manifest.Manifest(str(path), {}, resume=True)
    assert path.read_text() == text


def test_a_manifest_of_another_version_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_text('{"manifest": 2, "settings": {}}\n')
    with pytest.raises(UsageError, match="version 2"):
        manifest.Manifest(str(path), {}, resume=True)


def test_one_batch_at_a_time_writes_a_manifest(tmp_path: Path) -> None:
    path = str(tmp_path / "m")
    first = manifest.Manifest(path, {}, resume=False)
    try:
        with pytest.raises(UsageError, match="another batch"):
            manifest.Manifest(path, {}, resume=True)
    finally:
        first.close()
    manifest.Manifest(path, {}, resume=True).close()


def test_an_output_is_finished_only_if_it_is_not_what_stood_there(tmp_path: Path) -> None:
    source, output = str(tmp_path / "a.jpg"), str(tmp_path / "a.png")
    job = Job(source, output, "png")
    Path(source).write_bytes(PHOTO.read_bytes())
    for old in (False, True):
        path = str(tmp_path / f"m{old}")
        begun = manifest.Manifest(path, {}, resume=False)
        begun.start([job])
        begun.close()
        again = manifest.Manifest(path, {}, resume=True)
        assert not again.finished(job)  # killed before it was made
        li.Engine.from_path(source).to_file(output, durable=False)
        assert again.finished(job)  # killed after it was made, before its line
        again.close()
        last = manifest.Manifest(path, {}, resume=True)
        assert last.done[source]["status"] == "ok" and last.finished(job)
        os.utime(source, ns=(1 + old, 1 + old))
        assert not last.finished(job)
        last.close()
