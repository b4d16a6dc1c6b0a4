"""lazyimage: pictures that are described first and run later, in one pass, in flat memory.

>>> engine = lazyimage.open("photo.jpg").resize(320)   # nothing is decoded yet
>>> engine.to_file("small.png").width                  # one pass, file to file
320

Engine is a source with steps; Recipe is steps without a source. Outputs are files, bytes
(Encoded) or arrays (Pixels). Errors are LazyImageError. Nothing else is needed to start.
"""

from __future__ import annotations

from lazyimage._core import version as __version__
from lazyimage.engine import Engine
from lazyimage.errors import (
    CancelledError,
    CodecUnavailableError,
    CorruptImageError,
    DecodeError,
    EncodeError,
    ImageTimeoutError,
    InternalError,
    InvalidArgumentError,
    LazyImageError,
    LimitError,
    MemoryBudgetError,
    SourceChangedError,
    SourceNotFoundError,
    SourceReadError,
    TruncatedImageError,
    UnsupportedFormatError,
    WriteError,
)
from lazyimage.outputs import Encoded, Pixels
from lazyimage.recipe import Recipe
from lazyimage.records import Estimate, Info, Metrics, Search, Written

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any

    from typing_extensions import Buffer

    from lazyimage import quality as quality
    from lazyimage.aio import run_async
    from lazyimage.batch import process_batch, process_batch_with_metrics
    from lazyimage.engine import Io
    from lazyimage.responsive import Responsive
    from lazyimage.scheduler import Outcome, Output, run
    from lazyimage.streaming import StreamingPipeline

__all__ = [
    "CancelledError",
    "CodecUnavailableError",
    "CorruptImageError",
    "DecodeError",
    "EncodeError",
    "Encoded",
    "Engine",
    "Estimate",
    "ImageTimeoutError",
    "Info",
    "InternalError",
    "InvalidArgumentError",
    "LazyImageError",
    "LimitError",
    "MemoryBudgetError",
    "Metrics",
    "Outcome",
    "Output",
    "Pixels",
    "Recipe",
    "Responsive",
    "Search",
    "SourceChangedError",
    "SourceNotFoundError",
    "SourceReadError",
    "StreamingPipeline",
    "TruncatedImageError",
    "UnsupportedFormatError",
    "WriteError",
    "Written",
    "__version__",
    "features",
    "inspect",
    "inspect_file",
    "open",
    "process_batch",
    "process_batch_with_metrics",
    "run",
    "run_async",
    "stats",
    "supported_input_formats",
    "supported_output_formats",
]

# Names whose modules are loaded when they are first used.
LATER = {
    "Outcome": "scheduler",
    "Output": "scheduler",
    "Responsive": "responsive",
    "StreamingPipeline": "streaming",
    "process_batch": "batch",
    "process_batch_with_metrics": "batch",
    "run": "scheduler",
    "run_async": "aio",
}


def __getattr__(name: str) -> Any:
    """Load what is loaded on use: the names of LATER, and the module quality."""
    if name == "quality":
        import lazyimage.quality as module

        return module
    if name not in LATER:
        raise AttributeError(f"module 'lazyimage' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"lazyimage.{LATER[name]}"), name)
    globals()[name] = value
    return value


def open(source: Any, *, io: Io = "auto", salvage: bool = False) -> Engine:
    """An Engine over a path, encoded bytes, a file object or pixels, told apart by type.

    str and os.PathLike are paths; buffers of one dimension are encoded bytes (never a
    path), of two or three pixels; what has __array_interface__ (Pillow images) is pixels;
    what has read() is a file object. An Engine is returned as it is. TypeError otherwise.
    salvage: as of Engine.from_path().

    >>> lazyimage.open("photo.jpg").dimensions()
    (640, 480)
    """
    if isinstance(source, Engine):
        return source
    from lazyimage.engine import open_with

    return open_with(source, Recipe(), io, salvage)


def inspect(data: Buffer) -> Info:
    """What the header of encoded bytes says; nothing is decoded.

    >>> with builtins.open("photo.jpg", "rb") as file:
    ...     lazyimage.inspect(file.read()).mode
    'RGB'
    """
    return Engine.from_bytes(data, io="map").info


def inspect_file(path: str | os.PathLike[str]) -> Info:
    """What the header of a file says; nothing is decoded.

    >>> lazyimage.inspect_file("photo.jpg").size
    (640, 480)
    """
    return Engine.from_path(path).info


def features() -> dict[str, tuple[str, str]]:
    """Codec or library → (version of the header it was built with, version that it runs).

    >>> "jpeg" in lazyimage.features()
    True
    """
    from lazyimage import _core

    return _core.features()


def supported_input_formats() -> tuple[str, ...]:
    """Names of the formats that this build reads.

    >>> "png" in lazyimage.supported_input_formats()
    True
    """
    from lazyimage.formats import supported_formats

    return supported_formats()


def supported_output_formats() -> tuple[str, ...]:
    """Names of the formats that this build writes.

    >>> "jpeg" in lazyimage.supported_output_formats()
    True
    """
    from lazyimage.formats import supported_formats

    return supported_formats()


def stats() -> dict[str, Any]:
    """Totals of this process: jobs, bytes_in, bytes_out, copies by copy point, and
    source_faults: how often a mapped file turned out to be shorter than it was.

    >>> sorted(lazyimage.stats())
    ['bytes_in', 'bytes_out', 'copies', 'jobs', 'source_faults']
    """
    from lazyimage import _core
    from lazyimage.copies import counters

    return {**counters.snapshot(), "source_faults": _core.source_faults()}
