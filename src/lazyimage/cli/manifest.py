"""The manifest: a journal of a batch, one JSON object a line, from which it can go on.

The idea: a line "started" goes out before a group of jobs and says what stands at each
output's place; a line a picture follows when it is there. Outputs appear by a rename, so
after a kill an output that is not what it was is finished work, line or no line.
"""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from lazyimage import __version__, inspect_file
from lazyimage.cli.common import Stamp, UsageError, stamp
from lazyimage.cli.names import Job
from lazyimage.errors import LazyImageError

VERSION = 1


class Manifest:
    """One manifest file, locked while it is open."""

    def __init__(
        self, path: str, settings: Mapping[str, Any], resume: bool, look: bool = False
    ) -> None:
        """Raises UsageError for one that is in use, or of a batch with other settings.
        look: only read it.
        """
        self.path = path
        self.look = look
        self.done: dict[str, dict[str, Any]] = {}
        self.begun: dict[str, tuple[str, Stamp, Stamp]] = {}
        flags = os.O_RDONLY if look else os.O_RDWR | os.O_CREAT
        self.file = os.open(os.devnull if look and not os.path.exists(path) else path, flags)
        try:
            if not look:
                lock(self.file, path)
            header = {"manifest": VERSION, "lazyimage": __version__, "settings": dict(settings)}
            if not (resume and self.read(header)) and not look:
                os.ftruncate(self.file, 0)
                self.write([header])
        except BaseException:
            os.close(self.file)
            raise

    def close(self) -> None:
        """Let go of it."""
        os.close(self.file)

    # --- writing -------------------------------------------------------------------

    def write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Append, in ASCII, whole lines at once: a kill leaves at most the last one torn."""
        data = b"".join(json.dumps(line).encode("ascii") + b"\n" for line in lines)
        os.lseek(self.file, 0, os.SEEK_END)
        view = memoryview(data)
        while view:
            view = view[os.write(self.file, view) :]

    def start(self, jobs: Iterable[Job]) -> None:
        """Say what is about to be made, and what is there now."""
        started = [[job.input, job.output, stamp(job.input), stamp(job.output)] for job in jobs]
        self.write([{"started": started}])

    def end(self, job: Job, record: Mapping[str, Any], source: Stamp) -> None:
        """Say what has become of a job. One that replaces its own input leaves a new one."""
        now = stamp(job.input) if is_in_place(job) else source
        self.write([{**record, "source": now}])

    # --- going on ------------------------------------------------------------------

    def read(self, header: Mapping[str, Any]) -> bool:
        """What an earlier run has left; False: nothing. A torn last line is cut off."""
        size = os.fstat(self.file).st_size
        data = os.pread(self.file, size, 0)
        while data and len(data) < size:
            more = os.pread(self.file, size - len(data), len(data))
            data += more
            size = size if more else len(data)
        whole = data.rfind(b"\n") + 1
        if not self.look:
            os.ftruncate(self.file, whole)
        lines = data[:whole].splitlines()
        if not lines:
            return False
        for number, text in enumerate(lines, 1):
            try:
                self.learn(number, json.loads(text), header)
            except (ValueError, LookupError, TypeError) as error:
                raise UsageError(f"{self.path}:{number}: no line of a manifest") from error
        return True

    def learn(self, number: int, line: dict[str, Any], header: Mapping[str, Any]) -> None:
        """One line of an earlier run."""
        if number == 1:
            check_header(self.path, line, header)
        elif "started" in line:
            for name, output, source, was in line["started"]:
                self.begun[name] = (output, source, was)
        else:
            self.done[line["input"]] = line
            self.begun.pop(line["input"], None)

    def finished(self, job: Job) -> bool:
        """Whether an earlier run has made this output of this very input, and it is still
        there.
        """
        record = self.done.get(job.input)
        if record is not None and job.input not in self.begun:
            now = stamp(job.output)
            return (
                record["status"] == "ok"
                and record["output"] == job.output
                and record["source"] == stamp(job.input)
                and now is not None
                and record["bytes"] == now[1]
            )
        output, source, was = self.begun.get(job.input, ("", None, None))
        if output != job.output or not (is_in_place(job) or source == stamp(job.input)):
            return False
        return self.recover(job, source, was)

    def recover(self, job: Job, source: Stamp, was: Stamp) -> bool:
        """Note an output that was made, but whose line a kill has swallowed."""
        now = stamp(job.output)
        if now is None or now == was:
            return False
        if self.look:
            return True
        try:
            info = inspect_file(job.output)
        except LazyImageError:
            return False
        record = {"input": job.input, "output": job.output, "status": "ok"}
        facts = {"format": info.format, "width": info.width, "height": info.height}
        self.end(job, {**record, **facts, "bytes": now[1]}, source)
        return True


def is_in_place(job: Job) -> bool:
    """Whether the output replaces the input."""
    try:
        return os.path.samefile(job.input, job.output)
    except OSError:
        return False


def lock(file: int, path: str) -> None:
    """One batch at a time; where the system has no such locks, that is up to the user."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"{path}: another batch is writing this manifest") from None
    except OSError:
        return  # a file system without locks


def check_header(path: str, line: dict[str, Any], header: Mapping[str, Any]) -> None:
    """Finished work counts only if it was done in the same way."""
    if line["manifest"] != header["manifest"]:
        raise UsageError(f"{path}: manifest of version {line['manifest']}, not {VERSION}")
    before, now = line["settings"], json.loads(json.dumps(header["settings"]))
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            raise UsageError(
                f"--resume: {name} was {before.get(name)!r} and is {now.get(name)!r}: "
                "leave --resume out to make everything anew"
            )
