"""Engine: a source with a recipe. Nothing is decoded until an output is asked for.

Layer: top of the Python half. An Engine is two immutable things, an output one request of both.
"""

from __future__ import annotations

import os

from lazyimage import _core, request, settings, source
from lazyimage.chain import Chain
from lazyimage.checks import as_flag
from lazyimage.deferred import Deferred
from lazyimage.errors import InvalidArgumentError
from lazyimage.formats import format_of_path
from lazyimage.outputs import (
    Encoded,
    Pixels,
    finish_encoded,
    finish_pixels,
    make_metrics,
    with_copies,
    written,
)
from lazyimage.recipe import Recipe
from lazyimage.records import Estimate, Info, Metrics, Written
from lazyimage.settings import MAX_INPUT_BYTES
from lazyimage.web import Web

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, BinaryIO, Literal, Never, Self, Unpack

    from typing_extensions import Buffer

    from lazyimage.chain import Mode
    from lazyimage.request import EncodeOptions, Normalize

    Io = Literal["auto", "map", "read"]


class Engine(Chain, Deferred, Web):
    """A picture that is described first and run later, in one pass.

    Immutable: each step returns a new Engine, which shares the source. Any number of
    threads may use one. Make it with from_path(), from_bytes(), from_file(),
    from_pixels() or lazyimage.open(); ask it for as many outputs as you like.

    io, on every source of files: "auto" maps regular local files and reads the rest
    through a window, "map" and "read" force it; metrics.io says which it was.

    >>> engine = Engine.from_path("photo.jpg").resize(320)
    >>> engine.to_file("small.png").width
    320
    >>> engine.grayscale().to_buffer("jpeg", 80).format
    'jpeg'
    """

    __slots__ = ("__weakref__", "_cancel", "_holds", "_origin", "_recipe")

    _origin: source.Origin
    _recipe: Recipe
    _holds: list[source.Origin]
    _cancel: _core.Cancel | None

    def __new__(cls, *args: Any, **keywords: Any) -> Self:
        """Not for use: the class methods from_…() make engines."""
        raise TypeError("use Engine.from_path(), from_bytes(), from_file() or from_pixels()")

    @classmethod
    def _make(cls, origin: source.Origin, recipe: Recipe) -> Self:
        self = super().__new__(cls)
        object.__setattr__(self, "_origin", origin.suited(recipe.policy))
        object.__setattr__(self, "_recipe", recipe)
        object.__setattr__(self, "_holds", [])
        object.__setattr__(self, "_cancel", None)
        return self

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"an Engine does not change; {name} cannot be set")

    def __delattr__(self, name: str) -> Never:
        raise AttributeError(f"an Engine does not change; {name} cannot be deleted")

    def _step(self, step: tuple[Any, ...]) -> Self:
        return self._make(self._origin, self._recipe._step(step))

    def _setting(self, **changes: Any) -> Self:
        return self._make(self._origin, self._recipe._setting(**changes))

    # --- sources ---------------------------------------------------------------------

    @classmethod
    def from_path(
        cls, path: str | os.PathLike[str], *, io: Io = "auto", salvage: bool = False
    ) -> Self:
        """A file by its path, which is made absolute now; each job opens it anew.

        The engine holds no descriptor, and the file's bytes never enter the Python heap.
        What is no regular file (a pipe, a device, a file of /proc) can be read only once,
        and is, now: into an unlinked temp file (copy point "from_path").
        salvage=True: of a damaged JPEG, PNG or WebP that has a row at least, the rest is
        gray (without alpha where there is any) instead of an error; metrics.rows_real says
        how many rows of the file are real, and metrics.warnings what was wrong.

        Raises TypeError for bytes (they are data: from_bytes), SourceNotFoundError (E100),
        SourceReadError (E101) for a directory.

        >>> Engine.from_path("photo.jpg").dimensions()
        (640, 480)
        """
        origin = source.from_path(path, io).salvaging(salvage, "from_path")
        return cls._make(origin, Recipe())

    @classmethod
    def from_bytes(cls, data: Buffer, *, io: Io = "auto", salvage: bool = False) -> Self:
        """Encoded bytes: any contiguous buffer.

        A read-only one is borrowed for the engine's life. A writable one (bytearray,
        ndarray) is copied once into native memory (copy point "from_bytes"), unless
        io="map": then it is borrowed, and must not change while a job runs. salvage: as of
        from_path().

        >>> with open("photo.jpg", "rb") as file:
        ...     engine = Engine.from_bytes(file.read())
        >>> engine.info.format
        'jpeg'
        """
        origin = source.from_bytes(data, io).salvaging(salvage, "from_bytes")
        return cls._make(origin, Recipe())

    from_memory = from_bytes

    @classmethod
    def from_file(cls, fileobj: BinaryIO, *, io: Io = "auto", salvage: bool = False) -> Self:
        """A binary file object.

        A file of open() that stands at its start is used through its descriptor, which is
        duplicated, so the object may be closed. From any other object, or from any other
        position, the rest is read now, 1 MiB at a time, into an unlinked temp file (copy
        point "from_file"), up to 1 GiB (then LimitError E123); Recipe.open() of a recipe
        with limits(max_input_bytes=…) has that bound instead. salvage: as of from_path().

        Raises TypeError for text files and for what has no read().

        >>> with open("photo.jpg", "rb") as file:
        ...     engine = Engine.from_file(file)
        >>> engine.info.size
        (640, 480)
        """
        origin = source.from_file(fileobj, io).salvaging(salvage, "from_file")
        return cls._make(origin, Recipe())

    @classmethod
    def from_pixels(cls, obj: Any, *, mode: Mode | None = None) -> Self:
        """Samples: a buffer or __array_interface__ of shape (H, W) or (H, W, C), 8 or 16 bit.

        The inverse of to_pixels(): C is 1 (L), 2 (LA), 3 (RGB) or 4 (RGBA); mode, if
        given, must agree. Packed pixels with any row stride are borrowed and must not
        change while a job runs; others are copied once (copy point "from_pixels").

        Raises TypeError for other samples, InvalidArgumentError for other shapes (E400)
        and for Pillow images of other modes (E210).

        >>> Engine.from_pixels(memoryview(bytes(24)).cast("B", (2, 4, 3))).dimensions()
        (4, 2)
        """
        return cls._make(source.from_pixels(obj, mode), Recipe())

    def decoded(self) -> Self:
        """An Engine over the picture as it is after the steps so far, decoded now.

        Native memory, upright (nothing turns it later); steps are done, settings stay. Outputs of
        it reuse the decode. What keep_metadata() names, metrics.rows_real and warnings come along.

        >>> decoded = Engine.from_path("photo.jpg").resize(64).decoded()
        >>> decoded.recipe, decoded.dimensions()
        (Recipe(), (64, 48))
        """
        dtype = "uint16" if self.info.bit_depth > 8 else "uint8"
        asked = request.pixels_request(self._recipe, None, dtype)
        asked |= settings.native_keep(self._recipe.keeps, self._recipe.policy)
        pixels, raw = self._pixels(asked, "HWC")
        origin = source.decoded_origin(pixels, self._origin.copies, raw["metadata"])
        return self._make(origin, self._recipe.without_steps())

    def clone(self) -> Self:
        """An equal engine, over the same source."""
        return self._make(self._origin, self._recipe)

    __copy__ = clone

    @property
    def recipe(self) -> Recipe:
        """Steps and settings without the source."""
        return self._recipe

    def __enter__(self) -> Self:
        """Open the file now; all outputs until the end of `with` see this version.

        So do engines derived from this one, but for those whose sanitize() reads the file
        in another way: set the policy first.
        """
        self._origin.core.hold()
        self._holds.append(self._origin)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._release_one()

    def close(self) -> None:
        """Let go of what `with` holds. Running jobs keep theirs; a later job opens again."""
        while self._release_one():
            pass

    def _release_one(self) -> bool:
        try:
            origin = self._holds.pop()
        except IndexError:
            return False
        origin.core.release()
        return True

    # --- looking ---------------------------------------------------------------------

    @property
    def info(self) -> Info:
        """What the header says; no pixel is decoded, no step applied."""
        header = _core.inspect(self._origin.core, request.recipe_request(self._recipe))
        if not self._recipe.orients:
            header["width"], header["height"] = header["stored_width"], header["stored_height"]
        return Info(**header)

    def dimensions(self) -> tuple[int, int]:
        """(width, height) of what the first step sees."""
        return self.info.size

    def has_icc_profile(self) -> bool:
        """Whether the file has an ICC profile, or decoded() took one along."""
        return self.info.has_icc_profile

    def explain(
        self,
        format: str | None = None,
        quality: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> str:
        """The plan in words: what to_buffer(format, …) would do, or to_pixels() for None.

        >>> plan = Engine.from_path("photo.jpg").resize(64).explain("png")
        >>> "resize" in plan and "64x48" in plan
        True
        """
        if delivery := self._delivery(options):
            return delivery.explain(self, format, quality, options)  # type: ignore[no-any-return]
        asked = self._planned(format, quality, options, "explain")
        return _core.explain(self._origin.core, asked).rstrip("\n")

    def estimate(
        self,
        format: str | None = None,
        quality: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Estimate:
        """Bounds of what to_buffer(format, …) would take, or to_pixels() for None.

        >>> Engine.from_path("photo.jpg").estimate("png").decoded_bytes == 640 * 480 * 3
        True
        """
        if delivery := self._delivery(options):
            return delivery.estimate(self, format, quality, options)  # type: ignore[no-any-return]
        peak, out, decoded = _core.estimate(
            self._origin.core, self._planned(format, quality, options, "estimate")
        )
        return Estimate(peak_bytes=peak, out_bytes=out, decoded_bytes=decoded)

    def _planned(
        self, format: object, quality: object, options: EncodeOptions, caller: str
    ) -> dict[str, Any]:
        if format is not None:
            asked = request.encode_request(self._recipe, "buffer", format, quality, options, caller)
            return request.alone(asked)
        if quality is not None or options:
            raise InvalidArgumentError(
                f"{caller}: quality and options need a format", hint='pass one, such as "jpeg"'
            )
        return request.alone(request.pixels_request(self._recipe, None))

    # --- outputs ---------------------------------------------------------------------

    def to_buffer(
        self,
        format: str | None = None,
        quality: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> Encoded:
        """Encode into native memory; metadata are what keep_metadata() names, else none.

        format: "jpeg" (or "jpg"), "png", "webp", "avif"; only a preset= has one of its own.
        quality: 1 to 100 (default 85, WebP 80, AVIF 60); PNG and lossless have none: E400.
        Options: docs/api.md has them all, those of each encoder, background= and shrink=,
        and those of web delivery: preset=, profile=, never_larger=, and max_bytes=, min_ssim=
        with min_quality=, max_quality=, strict=, which search for the quality.

        Raises TypeError for unknown options, InvalidArgumentError (E400, E401) for wrong
        values, CodecUnavailableError (E112), EncodeError (E300) for what strict=True cannot
        meet, and whatever a job may: DecodeError, LimitError, …

        >>> encoded = Engine.from_path("photo.jpg").resize(64).to_buffer("jpg", 70)
        >>> encoded.format, encoded.quality, encoded.width, encoded.height
        ('jpeg', 70, 64, 48)
        """
        return self._encode("to_buffer", format, quality, options)

    def to_buffer_with_metrics(
        self,
        format: str | None = None,
        quality: int | None = None,
        **options: Unpack[EncodeOptions],
    ) -> tuple[Encoded, Metrics]:
        """to_buffer(…), and its metrics beside it."""
        encoded = self._encode("to_buffer_with_metrics", format, quality, options)
        return encoded, encoded.metrics

    def to_file(
        self,
        path_or_fileobj: str | os.PathLike[str] | BinaryIO,
        format: str | None = None,
        quality: int | None = None,
        *,
        durable: bool = True,
        **options: Unpack[EncodeOptions],
    ) -> Written:
        """Encode into a file, or into a binary file object.

        A file appears whole or not at all: it is written beside its place and renamed; an
        old file keeps its mode, and may be the source itself. durable: fsync of file and
        directory (12 ms). A file object gets everything in one write(). format: by the
        path's extension if not given; a file object needs it. Options as of to_buffer().

        Raises as to_buffer() does, and WriteError (E301), which keeps errno and filename.

        >>> Engine.from_path("photo.jpg").resize(64).to_file("thumb.png").format
        'png'
        """
        return self._write("to_file", path_or_fileobj, format, quality, durable, options)

    def to_file_with_metrics(
        self,
        path_or_fileobj: str | os.PathLike[str] | BinaryIO,
        format: str | None = None,
        quality: int | None = None,
        *,
        durable: bool = True,
        **options: Unpack[EncodeOptions],
    ) -> tuple[Written, Metrics]:
        """to_file(…), and its metrics beside it."""
        result = self._write(
            "to_file_with_metrics", path_or_fileobj, format, quality, durable, options
        )
        return result, result.metrics

    def to_pixels(
        self,
        *,
        mode: Mode | None = None,
        dtype: Literal["uint8", "uint16", "float32"] = "uint8",
        layout: Literal["HWC", "CHW"] = "HWC",
        normalize: Normalize | None = None,
        out: Buffer | None = None,
        shrink: Literal["safe", "fast", "exact"] = "safe",
        color: Literal["srgb", "keep"] = "srgb",
    ) -> Pixels:
        """Decode into an array of three dimensions, writable, the caller's own.

        mode: "L", "LA", "RGB" or "RGBA"; None: as the picture is. dtype "uint16" gives 0 to
        65535, in full where the source has more than 8 bits; "float32" x / 255, or with
        normalize=(mean, std) (x / 255 − mean) / std, each one number or
        one for each channel; several numbers without mode choose it by their count (3:
        RGB). layout "CHW": planes. out: a writable buffer of the same shape, or a flat one
        of the same number of bytes, to be filled instead of new memory. color: "srgb"
        converts what an ICC profile says, "keep" leaves the samples as they are.

        Raises TypeError for a read-only out or one of another type, InvalidArgumentError
        (E400) for one of another shape and for normalize with integers.

        >>> engine = Engine.from_path("photo.jpg").resize(224, 224, fit="cover")
        >>> engine.to_pixels(dtype="float32", layout="CHW", normalize=(0.5, 0.5)).shape
        (3, 224, 224)
        """
        asked = request.pixels_request(
            self._recipe, mode, dtype, layout, normalize, out, shrink, color
        )
        return self._pixels(asked, layout)[0]

    # --- running ---------------------------------------------------------------------

    def _pixels(self, asked: dict[str, Any], layout: str) -> tuple[Pixels, dict[str, Any]]:
        result, raw = self._run({**asked, "type": Pixels})
        raw["bytes_out"] = memoryview(result).nbytes
        return finish_pixels(result, make_metrics(raw, self._origin), layout), raw

    def _encode(
        self, caller: str, format: object, quality: object, options: EncodeOptions
    ) -> Encoded:
        if delivery := self._delivery(options):
            return delivery.encode(self, caller, format, quality, options)  # type: ignore[no-any-return]
        asked = request.encode_request(self._recipe, "buffer", format, quality, options, caller)
        result, raw = self._run({**asked, "type": Encoded})
        return finish_encoded(result, make_metrics(raw, self._origin))

    def _write(
        self,
        caller: str,
        target: Any,
        format: object,
        quality: object,
        durable: object,
        options: EncodeOptions,
    ) -> Written:
        if delivery := self._delivery(options):
            return delivery.write(self, caller, target, format, quality, durable, options)  # type: ignore[no-any-return]
        durable = as_flag(durable, f"{caller}: durable")
        if not isinstance(target, (str, os.PathLike)):
            return self._write_object(caller, target, format, quality, options)
        path = source.absolute_path(target, f"{caller}()")
        name = format if format is not None else format_of_path(path)
        asked = request.encode_request(self._recipe, "file", name, quality, options, caller)
        size, raw = self._run({**asked, "path": os.fsencode(path), "durable": durable})
        return written(os.fspath(target), size, make_metrics(raw, self._origin))

    def _write_object(
        self, caller: str, target: Any, format: object, quality: object, options: EncodeOptions
    ) -> Written:
        from lazyimage import files

        files.check_writable(target)
        if format is None:
            raise InvalidArgumentError(
                f"{caller}: a file object does not tell the format",
                hint='pass format=, such as "jpeg"',
            )
        encoded = self._encode(caller, format, quality, options)
        copies = files.write_to(target, memoryview(encoded))
        return written(None, len(encoded), with_copies(encoded.metrics, copies))

    def _flagged(self, flag: _core.Cancel) -> Self:
        """The same engine for one call, whose job looks at the flag."""
        engine = self._make(self._origin, self._recipe)
        object.__setattr__(engine, "_cancel", flag)
        return engine

    def _run(self, asked: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """One job."""
        if self._cancel is not None:
            asked["cancel"] = self._cancel
        return _core.run(self._origin.core, request.bounded(asked))

    # --- as a value ------------------------------------------------------------------

    def __repr__(self) -> str:
        return self._origin.code() + self._recipe.code()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Engine):
            return NotImplemented
        mine, theirs = self._origin.identity, other._origin.identity
        return mine == theirs and self._recipe == other._recipe

    def __hash__(self) -> int:
        return hash((self._origin.identity, self._recipe))

    def __reduce__(self) -> tuple[Any, ...]:
        return unpickled, (type(self), self._origin.pickled(), self._recipe)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """One raster for a notebook, 512 px at most; None where it cannot be made."""
        from lazyimage.preview import mimebundle

        return mimebundle(self)


def unpickled(kind: type[Engine], origin: tuple[Any, ...], recipe: Recipe) -> Engine:
    """Undo Engine.__reduce__()."""
    return kind._make(source.unpickled(*origin), recipe)


def open_with(subject: Any, recipe: Recipe, io: str = "auto", salvage: object = False) -> Engine:
    """An engine over anything that source.from_any() knows, with this recipe."""
    if isinstance(subject, Engine):
        raise TypeError("an Engine has a recipe of its own: open what it was made from")
    most = recipe.effective_limits.get("max_input_bytes", MAX_INPUT_BYTES)
    origin = source.from_any(subject, io, most)
    return Engine._make(origin.salvaging(salvage, "open"), recipe)
