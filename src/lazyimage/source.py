"""Sources: from what a user holds to the core's Source, and back into a pickle.

Layer: above copies and checks, below engine. The idea: an Origin is a core Source with what
only Python knows of it: its name, how it was asked to be read, which copies were made.
"""

from __future__ import annotations

import math
import os
import stat
import sys

from lazyimage import _core, settings
from lazyimage.checks import as_choice, as_flag, as_integer, type_name
from lazyimage.copies import note_copy
from lazyimage.errors import InvalidArgumentError, LazyImageError, make_error
from lazyimage.steps import MODES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal, NoReturn, Self

    from typing_extensions import Buffer

    from lazyimage.outputs import Pixels

    Metadata = tuple[bytes | None, bytes | None, bytes | None, float, float, int, int, int, int]
    """ICC, EXIF, XMP; pixels per inch across and down, 0: not known; orientation."""

    Told = tuple[int | None, tuple[str, ...]]
    """rows_real and warnings, as metrics have them."""

IO_CHOICES = ("auto", "map", "read")
SAMPLES = ("uint8", "uint16")
NOTHING_TOLD: Told = (None, ())


class Origin:
    """Where an engine's bytes come from. Immutable; shared by all engines made from it."""

    __slots__ = (
        *("copies", "core", "data", "io", "kind", "metadata", "mode", "path", "rows_real"),
        *("salvage", "warnings"),
    )

    def __init__(
        self,
        core: _core.Source,
        kind: str,
        io: str = "auto",
        *,
        path: str = "",
        data: Any = None,
        mode: str | None = None,
        copies: tuple[str, ...] = (),
        metadata: Metadata | None = None,
        told: Told = NOTHING_TOLD,
    ) -> None:
        self.core = core
        self.kind = kind  # "path", "file", "bytes", "pixels"
        self.io = io  # as the core was told
        self.path = path  # of kind "path": absolute
        self.data = data  # what the core borrows, or the file object that can be asked again
        self.mode = mode  # of kind "pixels"
        self.copies = copies  # the copy points passed on the way in
        self.salvage = False  # what is damaged is filled
        self.metadata = metadata  # of kind "pixels": what goes with them
        self.rows_real, self.warnings = told  # by the job that made the pixels

    def salvaging(self, salvage: object, caller: str) -> Self:
        """The same, just made, told to fill what is damaged if that is wanted."""
        if as_flag(salvage, f"{caller}: salvage"):
            self.core.salvage()
            self.salvage = True
        return self

    def suited(self, policy: str | None) -> Origin:
        """The same origin as an untrusted policy wants it: files read privately, not mapped."""
        if policy not in settings.UNTRUSTED or self.io != "auto":
            return self
        if self.kind == "path":
            return path_origin(self.path, "read").salvaging(self.salvage, "from_path")
        if self.kind == "file" and self.data is not None:
            if self.data.closed:
                raise InvalidArgumentError(
                    "sanitize: the file object is closed and cannot be opened another way",
                    hint='pass io="read" to from_file()',
                )
            core = _core.Source.from_fd(self.data.fileno(), "read")
            origin = Origin(core, "file", "read", data=self.data)
            return origin.salvaging(self.salvage, "from_file")
        return self

    @property
    def identity(self) -> object:
        """What is equal for origins of one source: paths by name, the rest by object."""
        if self.kind == "path":
            return self.path, self.io, self.salvage
        return id(self if self.data is None else self.data), self.salvage

    def code(self) -> str:
        """The call that makes this origin."""
        salvage = ", salvage=True" if self.salvage else ""
        if self.kind == "path":
            option = "" if self.io == "auto" else f', io="{self.io}"'
            return f"Engine.from_path({self.path!r}{option}{salvage})"
        if self.kind == "pixels":
            shape = "×".join(str(side) for side in memoryview(self.data).shape or ())
            return f"Engine.from_pixels(<{shape} {self.mode}>)"
        what = "a file object" if self.kind == "file" else f"{self.core.size} bytes"
        return f"Engine.from_{self.kind}(<{what}>{salvage})"

    def pickled(self) -> tuple[Any, ...]:
        """(kind, io, payload…): a path by its name, bytes and pixels by their value."""
        if self.kind == "path":
            return "path", self.io, self.path, self.salvage
        if self.kind == "bytes":
            return "bytes", self.io, bytes(self.data), self.salvage
        if self.kind == "pixels":
            data, shape, sample = packed(self.data)
            told = (self.rows_real, self.warnings)
            return "pixels", self.io, data, shape, self.mode, self.metadata, sample, told
        raise TypeError(
            "an Engine over a file object cannot be pickled: use from_path(), or "
            "from_bytes() of what it holds"
        )


def unpickled(kind: str, io: str, *payload: Any) -> Origin:
    """Undo Origin.pickled()."""
    if kind == "path":
        return path_origin(payload[0], io).salvaging(payload[1], "from_path")
    if kind == "bytes":
        return bytes_origin(payload[0], io).salvaging(payload[1], "from_bytes")
    data, shape, mode, metadata, *later = payload
    sample, told = later or (SAMPLES[0], NOTHING_TOLD)  # of a pickle of the first kind
    view = unpacked(data, shape, sample)
    return pixels_origin(view, mode, metadata=metadata, told=told)


def check_io(io: object) -> str:
    """One of "auto", "map" and "read"."""
    return as_choice(io, "io", IO_CHOICES)


# --- paths ---------------------------------------------------------------------------


def absolute_path(path: str | os.PathLike[str], caller: str) -> str:
    """The path as an absolute str; bytes are data to lazyimage, hence TypeError."""
    if isinstance(path, (bytes, bytearray, memoryview)):
        raise TypeError(f"{caller} needs a str or os.PathLike; for encoded bytes use from_bytes()")
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{caller} needs a str or os.PathLike, not {type_name(path)}")
    name = os.fspath(path)
    if not isinstance(name, str):
        raise TypeError(f"{caller} needs a path of type str, not {type_name(name)}")
    if "\0" in name or not name:
        raise InvalidArgumentError(
            f"{caller}: {name!r} is no path", hint="use a name that is not empty, without NUL"
        )
    return os.path.abspath(name)


def from_path(
    path: str | os.PathLike[str], io: str, most: int = settings.MAX_INPUT_BYTES
) -> Origin:
    """See Engine.from_path. most: bytes of what must be spooled."""
    name, io = absolute_path(path, "from_path()"), check_io(io)
    try:
        status = os.stat(name)
    except OSError as error:
        fail_source(error, name)
    if stat.S_ISDIR(status.st_mode):
        from errno import EISDIR

        raise make_error(101, f"{name}: this is a directory", None, EISDIR, name)
    if stat.S_ISREG(status.st_mode) and (status.st_size > 0 or not has_bytes(name)):
        return path_origin(name, io)
    return spooled_path(name, io, most)


def path_origin(name: str, io: str) -> Origin:
    """A file that each job opens."""
    return Origin(_core.Source.from_path(os.fsencode(name), io), "path", io, path=name)


def fail_source(error: OSError, name: str) -> NoReturn:
    """What the system said of a path, as E100 or E101."""
    code = 100 if isinstance(error, (FileNotFoundError, NotADirectoryError)) else 101
    raise make_error(code, f"{name}: {error.strerror}", None, error.errno, name) from None


def has_bytes(name: str) -> bool:
    """Whether a file of size 0 gives bytes all the same, as those of /proc do."""
    try:
        with open(name, "rb", buffering=0) as file:
            return bool(file.read(1))
    except OSError:
        return False  # the job that opens it will say why


def spooled_path(name: str, io: str, most: int) -> Origin:
    """A pipe, a device, a file of /proc: read once, now."""
    try:
        with open(name, "rb", buffering=0) as file:
            return spooled(file, io, "from_path", most)
    except LazyImageError:
        raise
    except OSError as error:
        fail_source(error, name)


# --- file objects --------------------------------------------------------------------


def from_file(fileobj: Any, io: str, most: int = settings.MAX_INPUT_BYTES) -> Origin:
    """See Engine.from_file. most: bytes of what must be spooled."""
    from lazyimage import spool

    spool.check_readable(fileobj)
    io = check_io(io)
    descriptor = spool.plain_descriptor(fileobj)
    if descriptor is None:
        return spooled(fileobj, io, "from_file", most)
    return Origin(_core.Source.from_fd(descriptor, io), "file", io, data=fileobj)


def spooled(fileobj: Any, io: str, name: str, most: int) -> Origin:
    """The temp file is ours alone, so no policy needs it read in another way."""
    from lazyimage import spool

    file, size = spool.spool(fileobj.read, name, most)
    with file:
        if not size:
            spool.check_start(fileobj, name)
        core = _core.Source.from_fd(file.fileno(), io)
    return Origin(core, "file", io, copies=(note_copy(name, size),))


# --- memory --------------------------------------------------------------------------


def from_bytes(data: Buffer, io: str) -> Origin:
    """See Engine.from_bytes."""
    if isinstance(data, str):
        raise TypeError("from_bytes() needs encoded bytes; for a path use from_path()")
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(f"from_bytes() needs a buffer, not {type_name(data)}") from None
    if not view.c_contiguous:
        raise TypeError("from_bytes() needs a contiguous buffer")
    return bytes_origin(view.cast("B"), check_io(io))


def bytes_origin(view: Buffer, io: str) -> Origin:
    """Borrow bytes that do not change, copy those that may."""
    view = memoryview(view)
    if view.readonly or io == "map":
        return Origin(_core.Source.from_buffer(view), "bytes", io, data=view)
    copy = native_copy(view)
    copies = (note_copy("from_bytes", len(view)),)
    return Origin(_core.Source.from_buffer(copy), "bytes", io, data=copy, copies=copies)


def native_copy(view: memoryview) -> memoryview:
    """These bytes in pages of their own, outside the Python heap, read-only from here on."""
    import mmap

    if not view.nbytes:
        return memoryview(b"")
    pages = mmap.mmap(-1, view.nbytes)
    pages[:] = view
    return memoryview(pages).toreadonly()


# --- pixels --------------------------------------------------------------------------


SHAPE_HINT = "use (height, width) or (height, width, channels), no planes and no batch"


def from_pixels(obj: Any, mode: str | None) -> Origin:
    """See Engine.from_pixels."""
    view, copied = pixel_view(obj)
    shape = view.shape or ()
    if view.ndim not in (2, 3):
        raise InvalidArgumentError(
            f"from_pixels: {view.ndim} dimensions are neither (H, W) nor (H, W, C)",
            hint=SHAPE_HINT,
        )
    if not is_sample(view.format):
        raise TypeError(f'from_pixels() needs uint8 or uint16 samples, not format "{view.format}"')
    channels = shape[2] if view.ndim == 3 else 1
    if 0 in shape or channels > 4:
        raise InvalidArgumentError(
            f"from_pixels: shape {shape} is neither (H, W) nor (H, W, 1 to 4)", hint=SHAPE_HINT
        )
    natural = MODES[channels - 1]
    if mode is not None and as_choice(mode, "from_pixels: mode", MODES, 210) != natural:
        raise InvalidArgumentError(
            f'from_pixels: mode="{mode}" does not fit {channels} channels ("{natural}")',
            hint=f'use mode="{natural}", leave it out, or convert() afterwards',
        )
    copies = (note_copy("from_pixels", view.nbytes),) if copied else ()
    return pixels_origin(view, natural, copies)


def pixels_origin(
    view: memoryview,
    mode: str,
    copies: tuple[str, ...] = (),
    metadata: Metadata | None = None,
    told: Told = NOTHING_TOLD,
) -> Origin:
    """Samples whose shape has been checked, what goes with them, and what was said of them."""
    core = _core.Source.from_pixels(view, mode, metadata)
    if core.copied and not copies:
        copies = (note_copy("from_pixels", core.copied),)
    return Origin(core, "pixels", data=view, mode=mode, copies=copies, metadata=metadata, told=told)


def decoded_origin(pixels: Pixels, copies: tuple[str, ...], metadata: Metadata | None) -> Origin:
    """What a job made, as the source of others."""
    told = (pixels.metrics.rows_real, pixels.metrics.warnings)
    return pixels_origin(memoryview(pixels), pixels.mode, copies, metadata, told)


def packed(data: Buffer) -> tuple[bytes, tuple[int, ...], str]:
    """Samples as a pickle and JSON have them: without gaps, those of 16 bits low byte first."""
    view = memoryview(data)
    deep = view.itemsize == 2
    values = swapped(view.tobytes()) if deep and sys.byteorder == "big" else view.tobytes()
    return values, tuple(view.shape or ()), SAMPLES[deep]


def unpacked(data: bytes, shape: Sequence[int], sample: str) -> memoryview:
    """Undo packed(). ValueError where bytes and shape do not fit."""
    if as_choice(sample, "dtype", SAMPLES) == "uint8":
        return memoryview(data).cast("B", tuple(shape))
    values = memoryview(swapped(data) if sys.byteorder == "big" else data)
    sides, size = tuple(as_integer(side, "shape") for side in shape), values.nbytes
    if math.prod(sides) * 2 != size:
        raise ValueError(f"{size} bytes are no uint16 samples of shape {sides}")
    return values.cast("B").cast("H", sides)


def swapped(data: bytes) -> bytes:
    """The two bytes of every sample in the other order."""
    other = bytearray(data)
    other[::2], other[1::2] = data[1::2], data[::2]
    return bytes(other)


def is_sample(format: str) -> bool:
    """A byte, or two in the machine's order."""
    other = "<" if sys.byteorder == "big" else ">!"
    return format.lstrip("@=<>!") == "B" or (format[-1:] == "H" and format[0] not in other)


def pixel_view(obj: Any) -> tuple[memoryview, bool]:
    """The samples as a buffer, and whether the object made a copy of them to give it."""
    try:
        return memoryview(obj), False
    except TypeError:
        pass
    check_pillow_mode(obj)
    interface = getattr(obj, "__array_interface__", None)
    if not isinstance(interface, dict):
        raise TypeError(
            f"from_pixels() needs a buffer or __array_interface__, not {type_name(obj)}"
        )
    kind = interface.get("typestr")
    native = ">u2" if sys.byteorder == "big" else "<u2"
    if kind not in ("|u1", "<u1", ">u1", native):
        raise TypeError(f"from_pixels() needs uint8 or uint16 samples, not {kind}")
    data, shape = interface.get("data"), tuple(interface["shape"])
    if isinstance(data, (bytes, bytearray)) and interface.get("strides") is None:
        if 0 in shape:
            raise InvalidArgumentError(f"from_pixels: shape {shape} has no pixels", hint=SHAPE_HINT)
        letter: Literal["B", "H"] = "H" if kind == native else "B"
        return memoryview(data).cast("B").cast(letter, shape), True
    try:
        import numpy
    except ImportError:
        raise TypeError(
            f"from_pixels() needs NumPy to reach the memory of {type_name(obj)}"
        ) from None
    array: Any = numpy.asarray(obj)
    return memoryview(array), False


def check_pillow_mode(obj: Any) -> None:
    """Palette indices and inks look like gray and RGBA in an array interface."""
    mode = getattr(obj, "mode", "L")
    if not type(obj).__module__.startswith("PIL.") or mode in (*MODES, "I;16"):
        return
    deep = 'use numpy.asarray(image).astype("uint16"), or image.convert("L") for 8 bits'
    flat = 'use image.convert("RGB") or another of "L", "LA", "RGBA" first'
    raise InvalidArgumentError(
        f'from_pixels: a Pillow image of mode "{mode}"',
        code=210,
        hint=deep if mode.startswith("I") else flat,
    )


# --- anything ------------------------------------------------------------------------


def from_any(subject: Any, io: str, most: int = settings.MAX_INPUT_BYTES) -> Origin:
    """See lazyimage.open. most: bytes of what must be spooled."""
    if isinstance(subject, (str, os.PathLike)):
        return from_path(subject, io, most)
    try:
        dimensions = memoryview(subject).ndim
    except TypeError:
        dimensions = 0
    if dimensions == 1:
        return from_bytes(subject, io)
    # Of the type, because asking a Pillow image for it copies its pixels.
    if dimensions or hasattr(type(subject), "__array_interface__"):
        return from_pixels(subject, None)
    if callable(getattr(subject, "read", None)):
        return from_file(subject, io, most)
    raise TypeError(
        f"a path, encoded bytes, a file object or pixels are needed, not {type_name(subject)}"
    )
