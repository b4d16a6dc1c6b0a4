"""What fails beneath us: allocations, and the calls that write a file."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import oracle
import pytest

from lazyimage import Engine, StreamingPipeline, WriteError, files, spool

RELIABILITY = oracle.REPOSITORY / "tests" / "reliability"
OURS = ("ValueError", "AttributeError", "KeyError", "InvalidArgumentError")
"""What an option that got lost ends in; TypeError and SystemError are the interpreter's own, as
where os.fspath() has no memory for the name of the method that it looks up."""


def encoded():
    return Engine.from_pixels(memoryview(bytes(range(48))).cast("B", (4, 4, 3))).to_buffer("png")


@pytest.fixture
def heap_faults(tmp_path):
    library = tmp_path / "heap_faults.so"
    source = RELIABILITY / "heap_faults.c"
    command = ["gcc", "-D_GNU_SOURCE", "-O2", "-fPIC", "-shared", source, "-o", library]
    subprocess.run(command, check=True)
    return library


@pytest.mark.skipif(os.environ.get("LAZYIMAGE_SANITIZED") == "1", reason="malloc is not glibc's")
@pytest.mark.skipif(sys.platform != "linux", reason="the shim is for glibc")
@pytest.mark.parametrize(("job", "least"), [("buffer", 50), ("error", 50), ("count", 5)])
def test_an_allocation_that_fails_is_an_error_and_loses_no_option(
    tmp_path, heap_faults, job, least
):
    done = subprocess.run(
        [sys.executable, RELIABILITY / "faulty_heap.py", tmp_path, job, "0", "1"],
        env={**os.environ, "LD_PRELOAD": str(heap_faults), "PYTHONMALLOC": "malloc"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,  # nothing waits for what nobody will give back
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["ends"]["MemoryError"] > least
    assert [what for what in told["odd"] if "leak in libpython" not in what] == []
    assert [what for what in told["others"] if what.startswith(OURS)] == []
    assert not any("Py_BuildValue" in what for what in told["others"])


def test_a_write_that_takes_nothing_is_a_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(files.os, "write", lambda descriptor, data: 0)
    with pytest.raises(WriteError) as caught:
        encoded().save(tmp_path / "a.png")
    assert caught.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())


def test_a_spool_that_takes_nothing_is_a_full_disk(monkeypatch):
    class Full:
        def write(self, piece):
            return 0

        def close(self):
            pass

    monkeypatch.setattr(spool, "new_temp", Full)
    pipeline = StreamingPipeline("png")
    with pytest.raises(WriteError) as caught:
        pipeline.write(b"bytes")
    assert caught.value.errno == errno.ENOSPC


def test_the_first_error_is_told_where_the_directory_has_gone(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir()

    def fail(descriptor):
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(WriteError) as caught:
        encoded().save(folder / "a.png")
    assert caught.value.errno == errno.EIO


@pytest.mark.parametrize(("number", "tells"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_directory_that_cannot_be_synced(tmp_path, monkeypatch, number, tells):
    """EINVAL: its file system knows no such thing."""
    calls = []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", fsync)
    target = Path(tmp_path, "a.png")
    if tells:
        with pytest.raises(WriteError) as caught:
            encoded().save(target)
        assert caught.value.errno == number
    else:
        encoded().save(target)
    assert target.read_bytes() == bytes(encoded())
