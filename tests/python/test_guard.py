"""A file that changes while it is decoded: the right picture, or E103, and never a crash."""

import os
import signal
import subprocess
import sys
from pathlib import Path

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
        options = {"speed": 10} if name == "avif" else {}
        engine.to_file(paths[name], name, durable=False, **options)
        os.utime(paths[name], (1_500_000_000, 1_500_000_000))
    return paths


@pytest.mark.parametrize("io", ["map", "read"])
@pytest.mark.parametrize("change", ["truncate", "empty", "overwrite", "replace"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_change_during_a_decode_is_e103_or_too_late(
    pictures: dict[str, str], name: str, change: str, io: str
) -> None:
    found = process.run_fresh(
        "change_under", path=pictures[name], change=change, io=io, trials=TRIALS, seed=1
    )
    assert found["other"] == []
    assert found["witness"] == 0
    assert found["right"] + found["E103"] == TRIALS
    if change == "replace":  # the job has the file that it opened
        assert found["E103"] == 0
    else:
        assert found["E103"] > 0
    if (change, io) == ("empty", "map") and name in ("png", "jpeg"):
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


CUT = """
import os, sys, threading, faulthandler, signal
import lazyimage as li
path = sys.argv[1]
def cut_job():
    '''A job whose file is cut before its first row is read.'''
    data, cut = open(path, 'rb').read(), f'{path}-cut-{os.getpid()}'
    with open(cut, 'wb') as file:
        file.write(data)
    os.utime(cut, (1.5e9, 1.5e9))
    with li.Engine.from_path(cut, io='map') as engine:
        timer = threading.Timer(0.002, os.truncate, (cut, 4096))
        timer.start()
        try:
            for _ in range(50):
                engine.to_pixels(shrink='exact')
            print('no cut')
        except li.errors.SourceChangedError:
            pass
        timer.join()
"""

OTHERS = {
    "alone": "cut_job()",
    "faulthandler before": "faulthandler.enable(); cut_job()",
    "faulthandler after": "cut_job(); faulthandler.enable(); cut_job()",
    "faulthandler flapping": """
for _ in range(10):
    faulthandler.enable(); cut_job(); faulthandler.disable(); cut_job()
""",
    "signal.signal before": "signal.signal(signal.SIGBUS, lambda *a: None); cut_job()",
    "signal.signal after": "cut_job(); signal.signal(signal.SIGBUS, signal.SIG_DFL); cut_job()",
    "ignored": "signal.signal(signal.SIGBUS, signal.SIG_IGN); cut_job()",
    "blocked": "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGBUS]); cut_job()",
    "fork": """
cut_job()
pid = os.fork()
cut_job()
if pid == 0:
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
""",
}


@pytest.mark.parametrize("others", OTHERS)
def test_a_cut_beside_other_handlers(pictures: dict[str, str], tmp_path: Path, others: str) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(Path(pictures["png"]).read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", CUT + OTHERS[others], str(path)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("first", ["", "faulthandler.enable()"])
def test_a_sigbus_that_is_sent_still_kills(
    pictures: dict[str, str], tmp_path: Path, first: str
) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(Path(pictures["png"]).read_bytes())
    code = f"{CUT}\n{first}\ncut_job(); os.kill(os.getpid(), signal.SIGBUS); print('alive')"
    options = f"{os.environ.get('ASAN_OPTIONS', '')}:handle_sigbus=0"  # or it is ASan's to report
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "ASAN_OPTIONS": options},
    )
    assert (done.returncode, done.stdout) == (-signal.SIGBUS, "")
    assert ("Fatal Python error: Bus error" in done.stderr) == bool(first)
