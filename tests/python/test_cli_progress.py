"""How a batch tells how far it is: rich's bar on a terminal, plain lines, or nothing."""

import json
import os
import pty
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import needs
import oracle
import pytest
from shell import program

from lazyimage.cli import progress

WORDS = ["batch", "photos", "-o", "out", "-s", "40"]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    os.mkdir("photos")
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        shutil.copy(oracle.DATA / "jpeg" / "420.jpg", f"photos/{name}")
    Path("photos/bad.png").write_bytes(b"no picture")
    return tmp_path


def on_a_terminal(*words: str, **environment: str) -> tuple[int, str, bytes]:
    """(status, what the terminal got on stderr, stdout)."""
    leader, follower = pty.openpty()
    seen: list[bytes] = []

    def read() -> None:
        try:
            while data := os.read(leader, 65536):
                seen.append(data)
        except OSError:
            pass  # the other end is closed

    reader = threading.Thread(target=read)
    reader.start()
    try:
        done = subprocess.run(
            [*program(), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=follower,
            env={**os.environ, "TERM": "xterm", **environment},
            timeout=60,
            check=False,
        )
    finally:
        os.close(follower)
        reader.join(10)
        os.close(leader)
    return done.returncode, b"".join(seen).decode(), done.stdout


def test_a_terminal_gets_a_bar_and_standard_output_stays_clean(photos: Path) -> None:
    needs.need_module("rich")
    status, seen, out = on_a_terminal(*WORDS, "--json")
    assert status == 1
    assert " of 4" in seen and "\x1b[" in seen  # drawn over itself
    assert "E111" in seen and "3 written, 1 failed" in seen
    assert len([json.loads(line) for line in out.splitlines()]) == 4


def test_a_terminal_without_rich_gets_plain_lines(photos: Path) -> None:
    os.makedirs("hide/rich")
    Path("hide/rich/__init__.py").write_text("raise ImportError('not here')\n")
    status, seen, _ = on_a_terminal(*WORDS, PYTHONPATH=os.path.abspath("hide"))
    assert status == 1
    assert "\x1b[" not in seen
    first, second = seen.splitlines()
    assert first.startswith("lazyimage: E111 ") and second == "lazyimage: 3 written, 1 failed"


def test_quiet_names_failures_only(photos: Path) -> None:
    _, seen, _ = on_a_terminal(*WORDS, "--quiet")
    (line,) = seen.splitlines()
    assert line.startswith("lazyimage: E111 ")


def test_rich_is_loaded_for_a_bar_alone(photos: Path) -> None:
    code = (
        "import sys; from lazyimage import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    for words in (["--help"], ["info", "photos/a.jpg"], [*WORDS], ["resize", "--help"]):
        command = [sys.executable, "-c", code, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        loaded = set(done.stderr.split())
        assert "argparse" in loaded
        assert not {"rich", "numpy", "asyncio", "PIL", "dataclasses", "logging"} & loaded


def test_plain_lines_come_now_and_then(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.progress_of(50, quiet=False) as shown:
        assert isinstance(shown, progress.Lines)
        for done in range(1, 51):
            now[0] += 1
            shown.show(done)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["lazyimage: 2 of 50", "lazyimage: 32 of 50"]
    assert type(progress.progress_of(50, quiet=True)) is progress.Silent
