"""Several interpreters in one process, each with its own lock where the version has that."""

import subprocess
import sys
from pathlib import Path

import pytest

import lazyimage as li

# In one process: what an interpreter of its own runs, and who starts it. Each says by a file
# what it found, because nothing else crosses.
JOBS = """
import os, sys, zlib
sys.path[:0] = PATHS
import lazyimage as li
path, answer = PICTURE, ANSWER
crcs = set()
for _ in range(JOBS):
    small = li.Engine.from_path(path, io="map").resize(60).to_buffer("png")
    crcs.add(zlib.crc32(memoryview(small)))
    outcomes = li.run([li.Engine.from_path(path).resize(w).output(format="jpeg") for w in (40, 50)])
    assert all(outcome.ok for outcome in outcomes), outcomes
try:
    li.Engine.from_bytes(b"no picture").to_pixels()
except li.errors.UnsupportedFormatError as error:
    code = error.code
if "avif" in li.supported_output_formats():
    li.Engine.from_path(path).resize(30).to_buffer("avif", speed=10)
copy = answer + ".copy"
with open(path, "rb") as file, open(copy, "wb") as target:
    target.write(file.read())
os.utime(copy, (1.5e9, 1.5e9))
with li.Engine.from_path(copy, io="map") as held:
    os.truncate(copy, 100)
    try:
        held.to_pixels()
    except li.errors.SourceChangedError as error:
        code += error.code
with open(answer, "w") as file:
    file.write(f"{crcs} {code}")
"""

START = """
import sys, threading
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
    create = interpreters.create
    def execute(identity, code):
        failed = interpreters.exec(identity, code)
        assert failed is None, failed
else:
    import _xxsubinterpreters as interpreters
    own_lock = sys.version_info >= (3, 12)
    create = (lambda: interpreters.create(isolated=True)) if own_lock else interpreters.create
    execute = interpreters.run_string
import lazyimage
import zlib
troubles = []
def run(number):
    code = f"JOBS, PICTURE, PATHS = {JOBS}, {PICTURE!r}, {sys.path!r}\\n"
    code += f"ANSWER = {ANSWER!r} + {str(number)!r}\\n" + PROGRAM
    try:
        identity = create()
        try:
            execute(identity, code)
        finally:
            interpreters.destroy(identity)
    except BaseException as error:
        troubles.append(repr(error))
for _ in range(ROUNDS):
    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    small = lazyimage.Engine.from_path(PICTURE, io="map").resize(60).to_buffer("png")
    for thread in threads:
        thread.join()
    assert not troubles, troubles
small = lazyimage.Engine.from_path(PICTURE, io="map").resize(60).to_buffer("png")
print(zlib.crc32(memoryview(small)))
"""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Old enough to be mapped, smaller than a moment's work."""
    path = tmp_path / "photo.png"
    waves = bytes((x * x + x * y * 3) >> 4 & 255 for y in range(240) for x in range(320))
    picture = li.Engine.from_pixels(memoryview(waves).cast("B", (240, 320)))
    picture.to_file(path, durable=False)
    return path


def test_interpreters_import_and_run_jobs_at_once(photo: Path, tmp_path: Path) -> None:
    answer = str(tmp_path / "answer")
    named = {"JOBS": 5, "ROUNDS": 3, "PICTURE": str(photo), "ANSWER": answer, "PROGRAM": JOBS}
    code = "".join(f"{name} = {value!r}\n" for name, value in named.items()) + START
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    expected = f"{{{done.stdout.strip()}}} E111E103"
    found = [(tmp_path / f"answer{number}").read_text() for number in range(4)]
    assert found == [expected] * 4


@pytest.mark.skipif(sys.version_info < (3, 12), reason="one lock for all before 3.12")
def test_both_modules_say_that_they_may_have_a_lock_of_their_own() -> None:
    # What does not say so is refused by an isolated interpreter.
    names = ["lazyimage._core"]
    if "avif" in li.supported_output_formats():
        names.append("lazyimage._avif")
    start = START.split("import lazyimage")[0]
    code = f"import importlib, sys\nsys.path[:0] = {sys.path!r}\n"
    code += "".join(f"importlib.import_module({name!r})\n" for name in names)
    done = subprocess.run(
        [sys.executable, "-c", f"{start}\nexecute(create(), {code!r})"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(sys, "_is_gil_enabled"), reason="always a lock before 3.13")
def test_an_import_does_not_switch_the_lock_on_again() -> None:
    import sysconfig

    free = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    code = "import sys, lazyimage, lazyimage._core; print(sys._is_gil_enabled())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(not free)
