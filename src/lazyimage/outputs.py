"""Results: Encoded and Pixels own native memory; Metrics are made from what the core says.

Layer: above records and copies, below engine. The idea: a result is its buffer. Whatever
takes a buffer (a socket, a file, NumPy) takes it without a copy.
"""

from __future__ import annotations

import os
from itertools import compress
from operator import itemgetter

from lazyimage import _core
from lazyimage.copies import counters, note_copy
from lazyimage.records import Metrics, Search, Written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Never

    from lazyimage.engine import Engine
    from lazyimage.source import Origin

MIMES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "avif": "image/avif",
}


class Result:
    """What both results have: they are made by an Engine, once, and do not change."""

    __slots__ = ()

    width: int
    height: int
    metrics: Metrics

    def __new__(cls, *args: Any, **keywords: Any) -> Never:
        """Not for use: outputs are made by engines."""
        raise TypeError(f"{cls.__name__} objects are made by an Engine's outputs")

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set")

    def __reduce__(self) -> Never:
        raise TypeError(
            f"{type(self).__name__} holds native memory and is not pickled: send its bytes"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """One raster for a notebook, 512 px at most; None where it cannot be made."""
        from lazyimage.preview import mimebundle

        return mimebundle(self)


class Encoded(Result, _core.Encoded):
    """An encoded picture in native memory: a read-only buffer of bytes.

    len(), memoryview() and everything that takes a buffer work on it without a copy.

    >>> encoded = Engine.from_path("photo.jpg").resize(320).to_buffer("png")
    >>> encoded.format, encoded.width, encoded.height, len(encoded) > 0
    ('png', 320, 240, True)
    >>> bytes(memoryview(encoded)[1:4])
    b'PNG'
    """

    __slots__ = ("__weakref__", "format", "height", "metrics", "quality", "search", "width")

    format: str
    quality: int | None
    """What was used; None where the format has none."""
    search: Search | None
    """How quality was found; None: it was given, or there is none."""

    @property
    def budget_met(self) -> bool | None:
        """Whether max_bytes and min_ssim are met; None: nobody asked for them."""
        return None if self.search is None else self.search.budget_met

    def to_bytes(self) -> bytes:
        """A bytes object: one copy into the Python heap (copy point "to_bytes")."""
        note_copy("to_bytes", len(self))
        return bytes(self)

    def open(self) -> Engine:
        """An Engine over this memory, without a copy."""
        from lazyimage.engine import Engine

        return Engine.from_bytes(self)

    def save(self, path: str | os.PathLike[str], *, durable: bool = True) -> Written:
        """Write a file that appears whole or not at all, as Engine.to_file() does.

        Raises WriteError (E301), which keeps errno and filename; an old file stays whole.
        """
        from lazyimage import files
        from lazyimage.checks import as_flag
        from lazyimage.source import absolute_path

        flag = as_flag(durable, "save: durable")
        files.save(absolute_path(path, "save()"), memoryview(self), flag)
        return written(os.fspath(path), len(self), self.metrics, self.search)

    @property
    def mime(self) -> str:
        """The MIME type: "image/jpeg" and the like."""
        return MIMES[self.format]

    def __repr__(self) -> str:
        return f"<Encoded {self.format} {self.width}×{self.height}, {len(self)} bytes>"


class Pixels(Result, _core.Pixels):
    """Samples in native memory, or in the array given as out=: a writable 3-D buffer.

    numpy.asarray(pixels) and torch.frombuffer() share the memory. shape is
    (height, width, channels) for layout "HWC", (channels, height, width) for "CHW".

    >>> pixels = Engine.from_path("photo.jpg").to_pixels(mode="RGB")
    >>> pixels.shape, pixels.dtype, pixels.layout
    ((480, 640, 3), 'uint8', 'HWC')
    >>> memoryview(pixels)[0, 0, 0] in range(256)
    True
    """

    __slots__ = ("__weakref__", "height", "layout", "metrics", "mode", "width")

    mode: str
    """"L", "LA", "RGB" or "RGBA"."""
    layout: str
    """"HWC" or "CHW"."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """For PIL.Image.fromarray(): uint8 HWC only. Gray has two dimensions in it, as
        Pillow wants; the memory itself goes through the buffer protocol.
        """
        if self.dtype != "uint8" or self.layout != "HWC":
            raise AttributeError("__array_interface__ is there for uint8 in HWC only")
        shape = self.shape[:2] if self.mode == "L" else self.shape
        return {"version": 3, "shape": shape, "typestr": "|u1"}

    def __repr__(self) -> str:
        shape = "×".join(str(side) for side in self.shape)
        return f"<Pixels {self.mode} {self.layout} {shape} {self.dtype}>"


# --- from what the core says ----------------------------------------------------------

MS = 1e-6  # nanoseconds to milliseconds

TIMES = {
    "decode_ms": "decode_ns",
    "ops_ms": "ops_ns",
    "encode_ms": "encode_ns",
    "total_ms": "total_ns",
    "cpu_ms": "cpu_ns",
}
"""Names that are written out: the interpreter's cache of attributes keeps those that are made."""
AS_THEY_ARE = (
    "bytes_in",
    "bytes_out",
    "format_in",
    "format_out",
    "width_in",
    "height_in",
    "width_out",
    "height_out",
    "mode_out",
    "quality",
    "peak_bytes",
    "decoded_bytes",
    "planned_bytes",
    "planned_out_bytes",
    "shrink",
    "threads",
    "io",
    "rows_real",
    "warnings",
    "steps",
)
KINDS = ("icc", "exif", "xmp")
"""Of metadata, in the order of their bits."""
TIMES_OF = itemgetter(*TIMES.values())
VALUES_OF = itemgetter(*AS_THEY_ARE)
SIZES_OF_KINDS = itemgetter("icc_bytes", "exif_bytes", "xmp_bytes")


def peak_rss() -> int | None:
    """Most resident memory of this process so far, in bytes."""
    try:
        import resource
        from sys import platform
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform == "darwin" else peak * 1024


def make_metrics(raw: Mapping[str, Any], origin: Origin) -> Metrics:
    """Metrics of one finished job on this origin; it is counted here too."""
    counters.add_job(raw["bytes_in"], raw["bytes_out"])
    present = set(compress(KINDS, SIZES_OF_KINDS(raw)))
    kept, denied = kinds_of(raw["kept_kinds"]), kinds_of(raw["denied_kinds"])
    told = dict(zip(AS_THEY_ARE, VALUES_OF(raw), strict=True))
    if origin.rows_real is not None:
        told["rows_real"] = origin.rows_real
    if origin.warnings:
        told["warnings"] = origin.warnings + told["warnings"]
    return Metrics(
        **dict(zip(TIMES, [nanoseconds * MS for nanoseconds in TIMES_OF(raw)], strict=True)),
        **told,
        compression_ratio=raw["bytes_in"] / max(raw["bytes_out"], 1),
        peak_rss=peak_rss(),
        copies=origin.copies,
        icc=(
            *(["kept"] if "icc" in kept else []),
            *(["converted"] if raw["icc_converted"] else []),
            "stripped" if raw["icc_bytes"] else "absent",
        )[0],
        metadata_stripped=bool(present - kept),
        policy_violations=tuple(sorted(denied & present - kept, key=KINDS.index)),
    )


def kinds_of(bits: int) -> set[str]:
    """The names of the bits that are set."""
    return set(compress(KINDS, [bits & 1, bits & 2, bits & 4]))


def with_copies(metrics: Metrics, copies: tuple[str, ...]) -> Metrics:
    """The same metrics with more copy points."""
    if not copies:
        return metrics
    return Metrics(**{**metrics.fields(), "copies": metrics.copies + copies})


def finish(result: Any, **fields: Any) -> None:
    """Set what Python knows of a result; once, before anybody else sees it."""
    for name, value in fields.items():
        object.__setattr__(result, name, value)


def finish_encoded(result: Encoded, metrics: Metrics) -> Encoded:
    """Tell an Encoded what it is."""
    finish(
        result,
        format=metrics.format_out,
        width=metrics.width_out,
        height=metrics.height_out,
        quality=metrics.quality,
        metrics=metrics,
        search=None,
    )
    return result


def finish_pixels(result: Pixels, metrics: Metrics, layout: str) -> Pixels:
    """Tell a Pixels what it is."""
    finish(
        result,
        mode=metrics.mode_out,
        layout=layout,
        width=metrics.width_out,
        height=metrics.height_out,
        metrics=metrics,
    )
    return result


def written(path: str | None, size: int, metrics: Metrics, search: Search | None = None) -> Written:
    """The record of a finished file."""
    return Written(
        path=path,
        bytes_written=size,
        width=metrics.width_out,
        height=metrics.height_out,
        format=metrics.format_out,
        quality=metrics.quality,
        metrics=metrics,
        search=search,
    )
