"""Writing bytes that are already encoded: to a file that is whole or not there, or to a
file object.

Layer: above errors and copies; loaded on use. The idea: what the core does for to_file()
while it encodes (temp beside it, then rename), for bytes that are there already.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from contextlib import suppress

from lazyimage.checks import type_name
from lazyimage.copies import note_copy
from lazyimage.errors import WriteError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def check_writable(fileobj: Any) -> None:
    """TypeError unless this is a path-less binary file object that can be written."""
    if isinstance(fileobj, io.TextIOBase):
        raise TypeError('to_file() needs a binary file object: open it with mode "wb"')
    if not callable(getattr(fileobj, "write", None)):
        raise TypeError(
            f"to_file() needs a str, an os.PathLike or a file object, not {type_name(fileobj)}"
        )


def write_to(fileobj: Any, data: memoryview) -> tuple[str, ...]:
    """Write everything, in one call if the object takes it; returns the copy points."""
    try:
        written = fileobj.write(data)
    except TypeError:
        # Some objects insist on bytes. Nothing of it was written: the type was refused.
        written = fileobj.write(bytes(data))
        copies: tuple[str, ...] = (note_copy("to_file", len(data)),)
    else:
        copies = ()
    while isinstance(written, int) and 0 < written < len(data):
        data = data[written:]
        written = fileobj.write(data)
    if (written == 0 and data) or (written is None and isinstance(fileobj, io.RawIOBase)):
        raise WriteError("to_file: the file object takes no more bytes")
    return copies


def save(path: str, data: memoryview, durable: bool) -> None:
    """Write a file that appears whole or not at all. WriteError (E301) keeps errno."""
    try:
        target = os.path.realpath(path)  # a symbolic link stays, its target is replaced
        status = mode_of(target)
        if status is not None and not stat.S_ISREG(status) and not stat.S_ISDIR(status):
            with open(target, "wb", buffering=0) as device:
                write_all(device.fileno(), data)
            return
        replace(target, data, durable, status)
    except OSError as error:
        raise WriteError(f"{path}: {error.strerror}", errno=error.errno, filename=path) from error


def mode_of(path: str) -> int | None:
    """st_mode of what is there already; None: nothing is."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def replace(target: str, data: memoryview, durable: bool, old_mode: int | None) -> None:
    """Write beside target, then rename over it; the temp file is gone either way."""
    directory = os.path.dirname(target)
    temp = os.path.join(directory, f".lazyimage-{os.urandom(8).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temp, flags, 0o666 if old_mode is None else 0o600)
    try:
        try:
            write_all(descriptor, data)
            if old_mode is not None:
                os.chmod(temp, stat.S_IMODE(old_mode))
            if durable:
                os.fsync(descriptor)
        finally:
            close(descriptor)
        os.replace(temp, target)
    except BaseException:
        with suppress(OSError):  # what went wrong first is the news
            os.unlink(temp)
        raise
    if durable:
        sync_directory(directory)


def write_all(descriptor: int, data: memoryview) -> None:
    """Every byte, however the system cuts it up."""
    while data:
        taken = os.write(descriptor, data)
        if not taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        data = data[taken:]


def close(descriptor: int) -> None:
    """Closed, and the system said so; EINTR: Linux has closed it all the same."""
    with suppress(InterruptedError):
        os.close(descriptor)


def sync_directory(directory: str) -> None:
    """Make the rename itself durable."""
    if os.name != "posix":
        return  # a directory cannot be opened there
    try:
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        # As in base/file.c: no fsync of directories there, or it may be written but not read.
        if error.errno not in (errno.EINVAL, errno.EACCES):
            raise
