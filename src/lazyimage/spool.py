"""Streams: what can be read only once goes to an unlinked temp file, then is an ordinary one.

Layer: above copies, below source; loaded on use. The idea: after this, the core sees a
descriptor of a regular file and nothing else, and the Python heap saw 1 MiB at a time.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import tempfile

from lazyimage.checks import type_name
from lazyimage.errors import LimitError, WriteError, make_error
from lazyimage.settings import MAX_INPUT_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

PIECE = 1 << 20


def check_readable(fileobj: Any) -> None:
    """TypeError unless this is a binary file object, open for reading."""
    if isinstance(fileobj, io.TextIOBase):
        raise TypeError('from_file() needs a binary file object: open it with mode "rb"')
    if not callable(getattr(fileobj, "read", None)):
        raise TypeError(f"from_file() needs a file object, not {type_name(fileobj)}")
    readable = getattr(fileobj, "readable", None)
    if callable(readable) and not readable():
        raise TypeError("from_file() needs a file object that is open for reading")


def plain_descriptor(fileobj: Any) -> int | None:
    """The descriptor whose bytes, from 0 on, are what fileobj would read; else None.

    Only the types of open() are believed: GzipFile and its like have a fileno() too, but
    that of the compressed file.
    """
    if type(fileobj).__module__ == "tempfile":
        fileobj = getattr(fileobj, "file", fileobj)
    if type(fileobj) not in (io.FileIO, io.BufferedReader, io.BufferedRandom):
        return None
    raw = getattr(fileobj, "raw", fileobj)
    if type(raw) is not io.FileIO:
        return None
    status = os.fstat(fileobj.fileno())
    if not stat.S_ISREG(status.st_mode) or status.st_size == 0 or fileobj.tell() != 0:
        return None
    if type(fileobj) is io.BufferedRandom:
        fileobj.flush()  # the descriptor must see what was written through the object
    return int(fileobj.fileno())


def check_start(fileobj: Any, what: str) -> None:
    """Of an object that gave nothing: E132 if that is because all of it was read before."""
    try:
        position = fileobj.tell()
    except (AttributeError, OSError):
        return  # a pipe: the job says that there is nothing
    if isinstance(position, int) and position > 0:
        raise make_error(
            132,
            f"{what}: nothing is left to read: the file object stands at byte {position}",
            hint="it stands at its end: seek(0) first",
        )


def spool(
    read: Callable[[int], Any], what: str, most: int = MAX_INPUT_BYTES
) -> tuple[BinaryIO, int]:
    """Read to the end into an unlinked temp file. Returns it and the number of bytes.

    Raises LimitError (E123) past `most` bytes (0: any number), TypeError if read() gives
    text, WriteError if the directory for temp files has no room.
    """
    total = 0
    target = new_temp()
    try:
        while piece := read_piece(read, what):
            total += len(piece)
            if most and total > most:
                raise LimitError(
                    f"{what}: {total} bytes, and there are more: limits(max_input_bytes={most})",
                    code=123,
                    hint="a Recipe with limits(max_input_bytes=…).open(stream) takes more",
                )
            write_piece(target, piece)
    except BaseException:
        target.close()
        raise
    return target, total


def new_temp() -> BinaryIO:
    """A temp file that has no name."""
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError as error:
        raise temp_error(error) from error


def read_piece(read: Callable[[int], Any], what: str) -> memoryview:
    """The next bytes of the stream; none at its end."""
    piece = read(PIECE)
    if piece is None:
        raise make_error(101, f"{what}: nothing to read yet: the stream does not block")
    if isinstance(piece, str):
        raise TypeError(f"{what}: read() gave text: open the file in binary mode")
    return memoryview(piece).cast("B")


def write_piece(target: BinaryIO, piece: memoryview) -> None:
    """All of the piece."""
    try:
        while piece:
            taken = target.write(piece)
            if not taken:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            piece = piece[taken:]
    except OSError as error:
        raise temp_error(error) from error


def temp_error(error: OSError) -> WriteError:
    """A full disk is the caller's to mend: say where."""
    return WriteError(
        f"cannot spool a stream to a temp file: {error.strerror}",
        errno=error.errno,
        filename=tempfile.gettempdir(),
        hint="make room, or set TMPDIR to a directory that has some",
    )
