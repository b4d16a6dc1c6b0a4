"""Every output under every fault of a disk: the worker of R21.

    LD_PRELOAD=output_faults.so faulty_outputs.py DIRECTORY FORMAT…

Prints a line of JSON for each trial: what was tried, and in `wrong` what was not as it must be.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import io
import json
import os
import re
import resource
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import lazyimage
from lazyimage import Engine, Recipe, StreamingPipeline, process_batch, run
from lazyimage.cli import main as command

SHIM = ctypes.CDLL(None)
SHIM.output_faults_log.restype = ctypes.c_char_p

EVERY = -1
SHORT, NOTHING, INTERRUPTED, GONE = -1, -2, -3, -4  # as output_faults.c has them
OLD = b"the file that was there before"
FORMATS = tuple(sys.argv[2:])
SIDE = 320


class Fault(NamedTuple):
    """One thing that goes wrong."""

    name: str
    call: str
    at: int
    how: int
    errno: int
    """What the exception must have; 0: the call must succeed."""
    after: bool = False
    """It goes wrong once the new file is in its place."""


FAULTS = (
    Fault("ENOSPC at the first write", "write", 0, errno.ENOSPC, errno.ENOSPC),
    Fault("ENOSPC at the second write", "write", 1, errno.ENOSPC, errno.ENOSPC),
    Fault("EDQUOT", "write", 0, errno.EDQUOT, errno.EDQUOT),
    Fault("EIO at a write", "write", EVERY, errno.EIO, errno.EIO),
    Fault("short writes", "write", EVERY, SHORT, 0),
    Fault("writes interrupted by signals", "write", 0, INTERRUPTED, 0),
    Fault("a write that takes nothing", "write", EVERY, NOTHING, errno.ENOSPC),
    Fault("EIO at fsync", "fsync", 0, errno.EIO, errno.EIO),
    Fault("EIO at close", "close", 0, errno.EIO, errno.EIO),
    Fault("EDQUOT at close", "close", 0, errno.EDQUOT, errno.EDQUOT),
    Fault("EACCES at rename", "rename", 0, errno.EACCES, errno.EACCES),
    Fault("EXDEV at rename", "rename", 0, errno.EXDEV, errno.EXDEV),
    Fault("EIO at link", "link", 0, errno.EIO, errno.EIO),
    Fault("EMFILE at open", "open", EVERY, errno.EMFILE, errno.EMFILE),
    Fault("EROFS at open", "open", EVERY, errno.EROFS, errno.EROFS),
    Fault("EPERM at chmod", "chmod", 0, errno.EPERM, errno.EPERM),
    Fault("EIO at fsync of the directory", "fsync-directory", 0, errno.EIO, errno.EIO, True),
    Fault("the directory is removed", "write", 0, GONE, errno.ENOENT),
)
"""Those that the shim makes; `REAL` has those that the system makes."""

# --- targets ---------------------------------------------------------------------------


def noise() -> Engine:
    """A picture of which every format takes more than one write's worth of bytes."""
    samples = np.random.default_rng(7).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    return Engine.from_pixels(samples)


class Stand(NamedTuple):
    """What the targets write: a picture as an engine and as a file."""

    engine: Engine
    source: Path
    encoded: dict[str, lazyimage.Encoded]


def to_file(stand: Stand, target: Path, format: str) -> None:
    stand.engine.to_file(target, format)


def save(stand: Stand, target: Path, format: str) -> None:
    stand.encoded[format].save(target)


def run_one(stand: Stand, target: Path, format: str) -> None:
    run([stand.engine.output(target, format)], on_error="raise", durable=True)


def run_two(stand: Stand, target: Path, format: str) -> None:
    """By one decode; the other output, to memory, must be made whatever happens."""
    engine = Engine.from_path(stand.source)
    outputs = [engine.output(target, format), engine.output(format="png")]
    outcomes = run(outputs, durable=True)
    assert outcomes[1].ok, outcomes[1].error
    if outcomes[0].error:
        raise outcomes[0].error


def batch(stand: Stand, target: Path, format: str) -> None:
    (outcome,) = process_batch(
        [stand.source.with_suffix(".bmp")], target.parent, Recipe(), format=format, durable=True
    )
    if outcome.error:
        raise outcome.error


def responsive(stand: Stand, target: Path, format: str) -> None:
    stand.engine.responsive((SIDE,), (format,), pattern=str(target))


def streaming(stand: Stand, target: Path, format: str) -> None:
    tempfile.tempdir = str(target.parent)
    try:
        with StreamingPipeline(format) as pipeline:
            pipeline.write(stand.source.read_bytes())
            pipeline.close()
            made = b"".join(pipeline)
            assert made == bytes(stand.encoded[format])
    finally:
        tempfile.tempdir = None


def file_object(stand: Stand, target: Path, format: str) -> None:
    with open(target.with_name("object"), "wb", buffering=0) as file:
        stand.engine.to_file(file, format)


def command_line(stand: Stand, target: Path, format: str) -> None:
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        status = command(["convert", str(stand.source), str(target), "-f", format])
    if status:
        words = said.getvalue()
        found = [n for n, name in errno.errorcode.items() if os.strerror(n) in words]
        raise OSError(found[0] if found else 0, words)


TARGETS: dict[str, Callable[[Stand, Path, str], None]] = {
    "to_file": to_file,
    "save": save,
    "run": run_one,
    "group": run_two,
    "batch": batch,
    "responsive": responsive,
    "command": command_line,
    "streaming": streaming,
    "object": file_object,
}
NO_ERRNO = -1
"""The error has none: the file object said that it takes no more bytes."""
LOOSE = ("streaming", "object")
"""Those whose file has no name that anybody waits for."""

# --- one trial -------------------------------------------------------------------------


class Said(NamedTuple):
    """What is kept of an exception: itself, it would keep the frames and all that they hold."""

    os_error: bool
    errno: int | None
    words: str


def attempt(stand: Stand, name: str, target: Path, format: str) -> Said | None:
    try:
        TARGETS[name](stand, target, format)
    except Exception as error:
        kind = isinstance(error, OSError)
        return Said(kind, getattr(error, "errno", None), f"{type(error).__name__}: {error}")
    return None


def check_error(error: Said | None, wanted: int) -> Iterator[str]:
    if wanted == 0:
        if error is not None:
            yield f"must succeed, but {error.words}"
    elif error is None:
        yield f"no error for {errno.errorcode.get(wanted)}"
    elif not error.os_error or error.errno != (None if wanted == NO_ERRNO else wanted):
        yield f"errno {error.errno} for {errno.errorcode.get(wanted)}, {error.words}"


def check_directory(directory: Path, target: Path, content: bytes | None) -> Iterator[str]:
    """The target has this content (None: it is not there), and nothing lies beside it."""
    if not directory.exists():
        return
    found = {path.name for path in directory.iterdir()} - {"object"}
    if extra := found - {target.name}:
        yield f"left behind: {sorted(extra)}"
    if content is None and target.name in found:
        yield "a file that nobody finished"
    if content is not None and (target.name not in found or target.read_bytes() != content):
        yield "the target is neither the old file nor the new one"


def trial(stand: Stand, name: str, fault: Fault, format: str, directory: Path, old: bool) -> Any:
    directory.mkdir()
    target = directory / f"out.{'jpg' if format == 'jpeg' else format}"
    if old and name not in LOOSE:
        target.write_bytes(OLD)
    fds = len(os.listdir("/proc/self/fd"))
    SHIM.output_faults_watch(bytes(directory))
    SHIM.output_faults_set(fault.call.encode(), fault.at, fault.how)
    error = attempt(stand, name, target, format)
    fired, log = SHIM.output_faults_fired(), SHIM.output_faults_log().decode().split()
    SHIM.output_faults_watch(b"")
    wanted = fault.errno if fired else 0
    if name == "object" and fault.how in (NOTHING, GONE):
        wanted = 0 if fault.how == GONE else NO_ERRNO
    wrong = list(check_error(error, wanted))
    content: bytes | None = OLD if old else None
    if not wanted or fault.after:
        content = bytes(stand.encoded[format])
    if name in LOOSE:
        content = None
    wrong += check_directory(directory, target, content)
    if len(os.listdir("/proc/self/fd")) != fds:
        wrong.append("a descriptor stays open")
    for path in directory.iterdir() if directory.exists() else ():
        path.unlink()
    if directory.exists():
        directory.rmdir()
    fault_name = fault.name + (" over a file" if old else "")
    return {"fault": fault_name, "format": format, "target": name, "fired": fired, "wrong": wrong,
            "log": log}  # fmt: skip


# --- what the system itself refuses ----------------------------------------------------


def is_a_directory(path: Path) -> Path:
    path.mkdir()
    return path


def has_no_directory(path: Path) -> Path:
    return path / "missing" / "out.png"


def is_below_a_file(path: Path) -> Path:
    path.write_bytes(b"")
    return path / "out.png"


def has_a_long_name(path: Path) -> Path:
    return path.with_name("n" * 300 + ".png")


def is_a_link_to_itself(path: Path) -> Path:
    path.symlink_to(path.name)
    return path


def is_a_full_device(path: Path) -> Path:
    return Path("/dev/full")


REAL: dict[str, tuple[Callable[[Path], Path], int]] = {
    "the target is a directory": (is_a_directory, errno.EISDIR),
    "the directory is not there": (has_no_directory, errno.ENOENT),
    "the directory is a file": (is_below_a_file, errno.ENOTDIR),
    "the name is too long": (has_a_long_name, errno.ENAMETOOLONG),
    "the link leads to itself": (is_a_link_to_itself, errno.ELOOP),
    "the device is full": (is_a_full_device, errno.ENOSPC),
}
BY_PATH = ("to_file", "save", "run", "group", "responsive", "command")


def real_trials(stand: Stand, directory: Path) -> Iterator[Any]:
    """The same targets where the system itself says no."""
    count = 0
    for fault, (make, wanted) in REAL.items():
        for format in FORMATS:
            for name in BY_PATH:
                count += 1
                folder = directory / str(count)
                folder.mkdir()
                target = make(folder / "out.png")
                before = sorted(folder.rglob("*"))
                wrong = list(check_error(attempt(stand, name, target, format), wanted))
                if sorted(folder.rglob("*")) != before:
                    wrong.append("something is left behind")
                yield {"fault": fault, "format": format, "target": name, "fired": 1,
                       "wrong": wrong, "log": []}  # fmt: skip


def limited_trials(stand: Stand, directory: Path, fault: str, wanted: int) -> Iterator[Any]:
    """Every target where `directory` is what the fault is about: a small disk, a foreign
    or a read-only directory, RLIMIT_FSIZE."""
    for format in FORMATS:
        for name in TARGETS:
            if name == "object":
                continue  # its file is made by the caller
            target = directory / f"out.{'jpg' if format == 'jpeg' else format}"
            before = {path: path.read_bytes() for path in directory.iterdir()}
            wrong = list(check_error(attempt(stand, name, target, format), wanted))
            if {path: path.read_bytes() for path in directory.iterdir()} != before:
                wrong.append("the old file, or what lies beside it, has changed")
            yield {"fault": fault, "format": format, "target": name, "fired": 1,
                   "wrong": wrong, "log": []}  # fmt: skip


def in_child(make: Callable[[], Iterator[Any]]) -> None:
    """In a process of its own, which may lose its rights."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            # The child may not print before it is over: its files must stay small.
            lines = [json.dumps(line) for line in make()]
            print("\n".join(lines))
            sys.stdout.flush()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    if os.waitpid(child, 0)[1] != 0:
        print(json.dumps({"fault": "child", "format": "", "target": "", "fired": 1,
                          "wrong": ["died"], "log": []}))  # fmt: skip


def place(directory: Path, name: str) -> Path:
    """A directory with an old file under the name of each target."""
    made = directory / name
    made.mkdir()
    for extension in ("jpg", "png", "webp", "avif"):
        (made / f"out.{extension}").write_bytes(OLD)
    return made


def too_large(stand: Stand, directory: Path) -> Iterator[Any]:
    made = place(directory, "limited")
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    try:
        yield from [
            line
            for line in limited_trials(stand, made, "EFBIG by RLIMIT_FSIZE", errno.EFBIG)
            if line["target"] != "streaming"  # its input is what does not fit
        ]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)


def not_allowed(stand: Stand, directory: Path) -> Iterator[Any]:
    made = place(directory, "foreign")
    os.chmod(made, 0o555)
    if os.geteuid() == 0:
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
    for line in limited_trials(stand, made, "the directory is read-only", errno.EACCES):
        if line["target"] != "streaming":  # looks for another directory for temp files
            yield line


def small_disk(stand: Stand, directory: Path) -> Iterator[Any]:
    """A tmpfs of 64 KiB in a mount namespace of this process; none where that is refused."""
    made = directory / "small"
    made.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    clone_newns, ms_rec, ms_private = 0x20000, 0x4000, 1 << 18
    if libc.unshare(clone_newns) or libc.mount(b"none", b"/", None, ms_rec | ms_private, None):
        return
    if libc.mount(b"tmpfs", bytes(made), b"tmpfs", 0, b"size=49152"):
        return
    for extension in ("jpg", "png", "webp", "avif"):
        (made / f"out.{extension}").write_bytes(OLD)
    for line in limited_trials(stand, made, "the disk is full", errno.ENOSPC):
        if line["target"] != "streaming":
            yield line


# --- order -----------------------------------------------------------------------------

NAMED = (
    r"open O_EXCL\|O_CLOEXEC (write )+(chmod )?(fsync )?close rename( fsync-directory)?( close)?"
)
UNNAMED = (
    r"open O_TMPFILE\|O_CLOEXEC (write )+(chmod )?(fsync )?close link( rename)?"
    r"( fsync-directory)?( close)?"
)
LASTING = ("to_file", "save", "run", "group", "batch")
"""Those that were asked for `durable`."""


def order_trials(stand: Stand, directory: Path) -> Iterator[Any]:
    """A durable output makes its calls in the order that survives a power cut."""
    nothing = Fault("order of calls", "none", 0, 0, 0)
    for format in FORMATS:
        for name in (*LASTING, "responsive"):
            for old in (False, True):
                line = trial(stand, name, nothing, format, directory / "order", old)
                calls = " ".join(line["log"])
                synced = calls.count("fsync ") == 1 and calls.count("fsync-directory") == 1
                if not re.fullmatch(f"{NAMED}|{UNNAMED}", calls) or synced != (name in LASTING):
                    line["wrong"].append(f"order: {calls}")
                yield line


def make_stand(directory: Path) -> Stand:
    engine = noise()
    source = directory / "out.bmp"  # found by what it holds, not by its name
    engine.to_file(source, "png")
    engine = Engine.from_path(source)
    engine.to_pixels()
    encoded = {format: engine.to_buffer(format) for format in FORMATS}
    return Stand(engine, source, encoded)


def main() -> None:
    directory = Path(os.path.realpath(sys.argv[1]))
    os.chmod(directory, 0o755)
    stand = make_stand(directory)
    for fault in FAULTS:
        for format in FORMATS:
            for name in TARGETS:
                if name not in LOOSE:
                    print(json.dumps(trial(stand, name, fault, format, directory / "t", True)))
                if fault.call != "chmod":
                    print(json.dumps(trial(stand, name, fault, format, directory / "t", False)))
    for make in (real_trials, order_trials):
        for line in make(stand, directory):
            print(json.dumps(line))
    for make in (too_large, not_allowed, small_disk):
        in_child(lambda make=make: make(stand, directory))


if __name__ == "__main__":
    main()
