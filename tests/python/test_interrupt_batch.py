"""Ctrl-C in a batch: in a terminal, and in a notebook's kernel. Within 100 ms, with no temp
file left, and what ran it goes on.

A busy machine may be late once: the best of some trials counts, and every one of them must
leave nothing behind.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import process
import pytest
from shell import program

import lazyimage as li

if os.name != "posix":
    pytest.skip("needs terminals and signals", allow_module_level=True)
import fcntl
import pty
import termios

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("LAZYIMAGE_SANITIZED") == "1", reason="a sanitizer takes its time"
    ),
]
WITHIN = 0.100
TRIALS = 5
FORMATS = ("jpeg", "png", "webp")
SIDE = {"jpeg": 5000, "png": 4000, "webp": 2000}
"""Of the outputs: each takes some tenths of a second."""

BATCH = """
import glob, sys, time
import lazyimage as li
try:
    li.process_batch(
        sorted(glob.glob("photos/*")), "out", li.Recipe().resize({side}), format="{format}"
    )
except KeyboardInterrupt:
    print("ended", time.monotonic(), flush=True)
    raise
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hundred names of two pictures of 16 MP."""
    directory = tmp_path_factory.mktemp("batch")
    (directory / "photos").mkdir()
    made = process.run_fresh(
        "make_gray_pictures", directory=str(directory), side=4000, formats=["png", "jpeg"]
    )
    for number in range(400):
        source = made["png" if number % 4 == 0 else "jpeg"]
        os.link(source, directory / "photos" / f"{number}{Path(source).suffix}")
    return directory


@pytest.fixture(autouse=True)
def here(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current directory has photos/."""
    os.symlink(photos / "photos", tmp_path / "photos")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=FORMATS)
def format(request: pytest.FixtureRequest) -> str:
    if request.param not in li.supported_output_formats():
        pytest.skip(f"built without {request.param}")
    return request.param


def made() -> list[str]:
    """What is in the output directory."""
    return os.listdir("out") if os.path.isdir("out") else []


def finished() -> list[str]:
    return [name for name in made() if not name.startswith(".")]


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.003)


def check_whole(format: str) -> None:
    """No temp file, nothing half made, and it was in the middle."""
    names = made()
    assert [name for name in names if name.startswith(".")] == []
    assert 0 < len(names) < 400
    for name in names:
        assert li.inspect_file(f"out/{name}").width == SIDE[format]


# --- a terminal ------------------------------------------------------------------------


@contextmanager
def terminal(*words: str) -> Iterator[tuple[subprocess.Popen, int]]:
    """A command as the foreground process of a terminal of its own, and our end of that."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        words,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    ) as command:
        os.close(theirs)
        try:
            yield command, ours
        finally:
            command.kill()
            os.close(ours)


def read_all(terminal: int) -> str:
    """What was printed to it until the last who had it open is gone."""
    text = b""
    while True:
        try:
            got = os.read(terminal, 65536)
        except OSError:  # EIO: nobody is there
            got = b""
        if not got:
            return text.decode()
        text += got


def interrupt_in_terminal(*words: str) -> tuple[float, float, int, str]:
    """^C once two pictures are there, and a bit later: (when, when it was over, status, words)."""
    with terminal(*words) as (command, ours):
        wait_for(lambda: len(finished()) >= 2 or command.poll() is not None, "picture")
        time.sleep(0.05)
        pressed = time.monotonic()
        os.write(ours, b"\x03")
        said = read_all(ours)
        ended = time.monotonic()
        return pressed, ended, command.wait(30), said


def best_of(trial: Callable[[], float]) -> None:
    """One of some trials is within 100 ms."""
    taken = []
    for _ in range(TRIALS):
        subprocess.run(["rm", "-rf", "out"], check=True)
        taken.append(trial())
    print(f"\n{' '.join(f'{seconds * 1e3:.0f}' for seconds in sorted(taken))} ms", end=" ")
    assert min(taken) <= WITHIN, taken


def test_ctrl_c_in_a_terminal_ends_process_batch(format: str) -> None:
    code = BATCH.format(side=SIDE[format], format=format)

    def trial() -> float:
        pressed, _, status, words = interrupt_in_terminal(sys.executable, "-c", code)
        assert status == -2 and "KeyboardInterrupt" in words  # as Python ends by SIGINT
        check_whole(format)
        return float(words.split("ended")[1].split()[0]) - pressed

    best_of(trial)


def test_ctrl_c_in_a_terminal_ends_the_executable(format: str) -> None:
    words = ["batch", "photos", "-o", "out", "-s", str(SIDE[format]), "-f", format]

    def trial() -> float:
        pressed, ended, status, said = interrupt_in_terminal(*program(), *words)
        assert status == 130
        assert "Traceback" not in said and "KeyboardInterrupt" not in said
        names = made()
        assert [name for name in names if name.startswith(".")] == [] and names
        return ended - pressed

    best_of(trial)


# --- a notebook's kernel ---------------------------------------------------------------

CELLS = {
    "process_batch": """
try:
    li.process_batch(names, "out", li.Recipe().resize(SIDE), format=FORMAT)
except KeyboardInterrupt:
    ended = time.monotonic()
    raise
""",
    "run_async": """
try:
    await li.run_async(outputs())
except asyncio.CancelledError:
    ended = time.monotonic()
    raise
""",
}
SETUP = """
import asyncio, glob, os, time
import lazyimage as li
names = sorted(glob.glob("photos/*"))
FORMAT, SIDE = "{format}", {side}
def outputs():
    os.makedirs("out", exist_ok=True)
    return [
        li.Engine.from_path(name).resize(SIDE).output(f"out/{{i}}.{{FORMAT}}")
        for i, name in enumerate(names)
    ]
"""
CANCELLED = """
task = asyncio.ensure_future(li.run_async(outputs()))
while sum(not name.startswith(".") for name in os.listdir("out")) < 2:
    await asyncio.sleep(0.01)
began = time.monotonic()
task.cancel()
try:
    await task
except asyncio.CancelledError:
    took = time.monotonic() - began
"""


class Kernel:
    """A Jupyter kernel and its client."""

    def __init__(self, directory: str) -> None:
        from jupyter_client.manager import KernelManager

        self.manager = KernelManager(kernel_name="python3")
        environment = {**os.environ, "IPYTHONDIR": directory}
        self.manager.start_kernel(env=environment, stderr=subprocess.DEVNULL)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def reply(self, message: str) -> dict:
        """The kernel's answer to a cell that was sent."""
        while True:
            answer = self.client.get_shell_msg(timeout=60)
            if answer["parent_header"].get("msg_id") == message:
                return answer["content"]

    def run(self, code: str, **expressions: str) -> dict:
        """A cell that goes well, and what these expressions are then."""
        wanted = {name: f"json.dumps({text})" for name, text in expressions.items()}
        message = self.client.execute(f"import json\n{code}", user_expressions=wanted)
        content = self.reply(message)
        assert content["status"] == "ok", content
        found = content["user_expressions"]
        return {
            name: json.loads(found[name]["data"]["text/plain"].strip("'")) for name in expressions
        }

    def interrupt(self, code: str, ready: Callable[[], bool]) -> tuple[float, float, dict]:
        """Interrupt a cell once it is ready: when, when the answer came, and the answer."""
        message = self.client.execute(code, stop_on_error=False)
        wait_for(ready, "picture")
        time.sleep(0.05)
        began = time.monotonic()
        self.manager.interrupt_kernel()
        answer = self.reply(message)
        return began, time.monotonic(), answer


@pytest.fixture
def kernel(here: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    one = Kernel(str(tmp_path / "ipython"))
    try:
        yield one
    finally:
        one.close()


def asleep(kernel: Kernel) -> float:
    """What the kernel itself takes to answer to an interrupt."""
    taken = []
    for _ in range(3):
        began, answered, answer = kernel.interrupt("time.sleep(60)", lambda: True)
        assert answer["ename"] == "KeyboardInterrupt"
        taken.append(answered - began)
    return min(taken)


@pytest.mark.parametrize("cell", CELLS)
def test_an_interrupted_cell_ends_and_the_kernel_goes_on(
    kernel: Kernel, format: str, cell: str
) -> None:
    kernel.run(SETUP.format(format=format, side=SIDE[format]))
    overhead = asleep(kernel)

    def trial() -> float:
        began, answered, answer = kernel.interrupt(CELLS[cell], lambda: len(finished()) >= 2)
        assert answer["status"] == "error"
        assert answer["ename"] in ("KeyboardInterrupt", "CancelledError")
        check_whole(format)
        took = kernel.run("", ended="ended")["ended"] - began
        print(f"\n{took * 1e3:.0f} of {(answered - began) * 1e3:.0f} ms", end=" ")
        assert answered - began - overhead <= 3 * WITHIN  # the rest is the kernel's
        return took

    best_of(trial)
    text = "li.Engine.from_path(names[0]).resize(64).to_buffer('png').width"
    assert kernel.run("", width=text) == {"width": 64}


def test_a_task_is_cancelled_in_the_loop_of_the_kernel(kernel: Kernel, format: str) -> None:
    kernel.run(SETUP.format(format=format, side=SIDE[format]))

    def trial() -> float:
        took = kernel.run(CANCELLED, took="took")["took"]
        check_whole(format)
        return took

    best_of(trial)
    assert kernel.run("", more="1 + 1") == {"more": 2}
