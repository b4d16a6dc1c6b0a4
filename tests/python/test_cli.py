"""The command line, run as users run it: through its executable and through -m."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import oracle
import pytest

import lazyimage as li

JPEG = oracle.DATA / "jpeg" / "420.jpg"
TURNED = oracle.DATA / "jpeg" / "orientation-6.jpg"
BROKEN = oracle.DATA / "pngsuite" / "xcsn0g01.png"
MODULE = [sys.executable, "-m", "lazyimage"]
EXECUTABLE = [str(Path(sys.executable).with_name("lazyimage"))]


@pytest.fixture(params=["module", "executable"])
def command(request: pytest.FixtureRequest) -> list[str]:
    if request.param == "module":
        return MODULE
    if not Path(EXECUTABLE[0]).exists():
        pytest.skip("the package is on the path, but not installed")
    return EXECUTABLE


def _run(command: list[str], *arguments: str, **keywords) -> subprocess.CompletedProcess[bytes]:
    keywords.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(
        [*command, *arguments],
        capture_output=True,
        timeout=60,
        check=False,
        **keywords,
    )


def test_convert_writes_the_same_as_the_engine(command: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    done = _run(command, "convert", str(JPEG), str(out), "--resize", "80x50", "--quality", "70")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    expected = li.Engine.from_path(JPEG).resize(80, 50).to_buffer("jpeg", 70)
    assert out.read_bytes() == bytes(expected)


@pytest.mark.parametrize(
    ("size", "expected"),
    [("60", (60, 41)), ("60x", (60, 41)), ("x41", (60, 41)), ("60x20", (29, 20))],
)
def test_sizes_are_boxes_to_fit_into(tmp_path: Path, size: str, expected: tuple[int, int]) -> None:
    out = tmp_path / "out.png"
    assert _run(MODULE, "convert", str(JPEG), str(out), "--resize", size).returncode == 0
    assert li.inspect_file(out).size == expected


def test_quality_is_dropped_where_there_is_none(tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert _run(MODULE, "convert", str(JPEG), str(out), "--quality", "70").returncode == 0
    assert li.inspect_file(out).format == "png"


def test_format_wins_over_the_extension(tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    assert _run(MODULE, "convert", str(JPEG), str(out), "--format", "png").returncode == 0
    assert li.inspect_file(out).format == "png"


@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
def test_standard_input_and_output_are_dashes(command: list[str], piped: bool) -> None:
    arguments = ["convert", "-", "-", "--format", "png", "--resize", "40"]
    if piped:
        done = subprocess.run(
            [*command, *arguments], input=JPEG.read_bytes(), capture_output=True, check=False
        )
    else:
        with JPEG.open("rb") as source:
            done = _run(command, *arguments, stdin=source)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == bytes(li.Engine.from_path(JPEG).resize(40).to_buffer("png"))


def test_a_terminal_gets_no_bytes() -> None:
    leader, follower = pty.openpty()
    try:
        done = subprocess.run(
            [*MODULE, "convert", str(JPEG), "-", "--format", "png"],
            stdin=subprocess.DEVNULL,
            stdout=follower,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.set_blocking(leader, False)
        with pytest.raises(BlockingIOError):
            os.read(leader, 1)
    finally:
        os.close(leader)
        os.close(follower)
    assert done.returncode == 2
    assert done.stderr.startswith(b"lazyimage: standard output is a terminal")


def test_a_terminal_is_no_picture() -> None:
    leader, follower = pty.openpty()
    try:
        done = _run(MODULE, "info", "-", stdin=follower)
    finally:
        os.close(leader)
        os.close(follower)
    assert done.returncode == 2
    assert b"standard input is a terminal" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["convert", "in.jpg"],
        ["convert", "in.jpg", "-"],
        ["convert", "in.jpg", "out"],
        ["convert", "in.jpg", "out.xyz"],
        ["convert", "in.jpg", "out.png", "--format", "xyz"],
        ["convert", "in.jpg", "out.png", "--resize", "0x5"],
        ["convert", "in.jpg", "out.png", "--resize", "x"],
        ["convert", "in.jpg", "out.png", "--resize", "70000"],
        ["convert", "in.jpg", "out.png", "--resize", "1x2x3"],
        ["convert", "in.jpg", "out.jpg", "--quality", "0"],
        ["convert", "in.jpg", "out.jpg", "--quality", "101"],
        ["convert", "in.jpg", "out.jpg", "--quality", "high"],
        ["info"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(command: list[str], arguments: list[str]) -> None:
    done = _run(command, *arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"lazyimage" in done.stderr and b"Traceback" not in done.stderr


def test_an_error_is_one_line_with_code_and_hint(command: list[str], tmp_path: Path) -> None:
    truncated = tmp_path / "short.png"
    truncated.write_bytes((oracle.DATA / "pngsuite" / "basn2c08.png").read_bytes()[:90])
    out = tmp_path / "out.png"
    done = _run(command, "convert", str(truncated), str(out))
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("lazyimage: E132 TruncatedImage: ")
    assert line.endswith(" (the file ends too early: get a whole copy)")
    assert os.listdir(tmp_path) == ["short.png"]


def test_a_missing_file_is_named() -> None:
    done = _run(MODULE, "info", "nowhere.jpg")
    assert done.returncode == 1
    assert done.stderr.startswith(b"lazyimage: E100 SourceNotFound: nowhere.jpg: ")


def test_info_goes_on_after_a_failure(command: list[str]) -> None:
    done = _run(command, "info", "--json", str(JPEG), str(BROKEN), "nowhere.png", str(TURNED))
    assert done.returncode == 1
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    assert [fact["path"] for fact in facts if fact["path"] != str(BROKEN)] == [
        str(JPEG),
        str(TURNED),
    ]
    assert facts[0]["format"] == "jpeg" and facts[0]["mode"] == "RGB"
    assert (facts[0]["width"], facts[0]["height"]) == (150, 103)
    assert facts[-1]["orientation"] == 6
    assert (facts[-1]["stored_width"], facts[-1]["width"]) == (48, 64)
    assert b"nowhere.png" in done.stderr


def test_info_in_words() -> None:
    done = _run(MODULE, "info", str(JPEG), str(TURNED))
    first, second = done.stdout.decode().splitlines()
    assert first == f"{JPEG}: jpeg 150x103 RGB 8 bit 71.12 dpi"
    assert second.startswith(f"{TURNED}: jpeg 64x48 RGB 8 bit orientation 6 (stored 48x64) exif ")


def test_explain_prints_the_plan_and_writes_nothing(command: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    done = _run(command, "explain", str(JPEG), str(out), "--resize", "50", "--quality", "70")
    assert done.returncode == 0
    expected = li.Engine.from_path(JPEG).resize(50).explain("jpeg", 70)
    assert done.stdout.decode() == expected.rstrip("\n") + "\n"
    assert os.listdir(tmp_path) == []


def test_doctor_finds_no_fault(command: list[str]) -> None:
    done = _run(command, "doctor")
    text = done.stdout.decode()
    assert done.returncode == 0, text
    for word in (li.__version__, "python", "platform", "jpeg", "png", "kernels", "cpus", "memory"):
        assert word in text
    assert "FAULT" not in text


def test_a_fault_is_status_1(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    from lazyimage import cli

    monkeypatch.setattr(li, "features", lambda: {"jpeg": ("2.1", "3.0")})
    assert cli.main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "FAULT built with 2.1, runs 3.0" in text
    assert "FAULT is required, but this build has none" in text


def test_doctor_tells_what_a_batch_will_take(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    from lazyimage import cli, machine

    monkeypatch.setattr(machine, "machine_memory", lambda: 1 << 30)
    monkeypatch.setattr(machine, "usable_cpus", lambda: 3)
    monkeypatch.setenv("LAZYIMAGE_NUM_THREADS", "2")
    assert cli.main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert f"3 of {os.cpu_count()} to use; 2 pictures at once by default" in text
    assert "1024 MiB to use; half of it for a batch by default" in text
    monkeypatch.setattr(machine, "machine_memory", lambda: None)
    monkeypatch.setenv("LAZYIMAGE_NUM_THREADS", "many")
    assert cli.main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "FAULT" in text and "not known: a batch has no bound by default" in text


def test_a_closed_pipe_is_quiet(command: list[str]) -> None:
    process = subprocess.Popen(
        [*command, "info", *[str(JPEG)] * 3000], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 1


def has_begun(pid: int, directory: Path) -> bool:
    """Is an output of the process open? It has a hidden name, or none yet."""
    if list(directory.glob(".*")):
        return True
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            name = os.readlink(link)
        except OSError:  # closed meanwhile
            continue
        if name.startswith(f"{directory}/") and name.endswith("(deleted)"):
            return True
    return False


def test_ctrl_c_is_status_130(tmp_path: Path) -> None:
    wide = tmp_path / "wide.png"
    pixels = memoryview(bytes(range(256))).cast("B", (16, 16, 1))
    li.Engine.from_pixels(pixels).resize(9000).to_file(wide, compression=1, durable=False)
    process = subprocess.Popen(
        [*MODULE, "convert", str(wide), str(tmp_path / "out.png"), "--resize", "16000"],
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not has_begun(process.pid, tmp_path):
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    assert (process.wait(20), process.stderr.read()) == (130, b"")
    process.stderr.close()
    assert os.listdir(tmp_path) == ["wide.png"]


def test_the_command_is_on_the_path_of_an_installation() -> None:
    found = shutil.which("lazyimage", path=str(Path(sys.executable).parent))
    if found is None:
        pytest.skip("the package is on the path, but not installed")
    done = _run([found], "--version")
    assert done.stdout.decode() == f"lazyimage {li.__version__}\n"
