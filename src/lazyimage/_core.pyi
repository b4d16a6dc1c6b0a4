"""The native core: bytes and pixels. Names, defaults and words are the package's.

Private: everything here may change without notice. Every call that decodes, encodes or
reads a file runs without the GIL; errors are raised by `lazyimage.errors.make_error`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, final

from typing_extensions import Buffer, disjoint_base

version: Final[str]
kernels: Final[str]
"""The kernel table of all jobs: avx2, sse41, neon or scalar; LAZYIMAGE_SIMD as it was at
import chooses, and where this machine has no such table it is "none" and jobs fail."""
tracemalloc_domain: Final[int]
"""Where results are registered when LAZYIMAGE_TRACEMALLOC=1."""

@final
class Source:
    """Where bytes or pixels come from; immutable but for hold(), safe in any thread."""

    kind: Final[str]
    """"path", "file", "bytes" or "pixels"."""
    size: Final[int]
    """Bytes of a buffer or of pixels; 0 for a file, which is looked at by each job."""
    copied: Final[int]
    """Bytes that making this source copied into native memory; 0: it is borrowed."""
    @property
    def held(self) -> bool:
        """Whether one version of it is open: hold() has been called more often than release()."""

    @classmethod
    def from_path(cls, path: bytes, io: str) -> Source:
        """A file that each job opens; io is "auto", "map" or "read"."""
    @classmethod
    def from_fd(cls, fd: int, io: str) -> Source:
        """An open regular file; the descriptor is duplicated and kept."""
    @classmethod
    def from_buffer(cls, data: Buffer) -> Source:
        """Encoded bytes, borrowed for the source's life."""
    @classmethod
    def from_pixels(
        cls,
        data: Buffer,
        mode: str | None,
        metadata: tuple[bytes | None, bytes | None, bytes | None, float, float, int, int, int, int]
        | None = None,
        numbers: bytes | None = None,
    ) -> Source:
        """A 2-D or 3-D uint8 or uint16 array (H, W) or (H, W, C): borrowed if its pixels
        are packed (any row stride), else copied once. mode None: by C, 1 L, 2 LA, 3 RGB, 4 RGBA.
        metadata: ICC, EXIF, XMP, pixels per inch across and down, orientation, LI_STALE_…,
        where in XMP its extension is. numbers: of a job that left colours as they were."""
    def hold(self) -> None:
        """Open the file now and keep this version for all jobs until release(). Counts."""
    def release(self) -> None: ...
    def salvage(self) -> None:
        """From now on jobs fill what is damaged; before anybody else has it."""

@disjoint_base
class Encoded:
    """Encoded bytes in native memory: a 1-D read-only buffer. Made by run()."""

    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

@disjoint_base
class Pixels:
    """Samples: a 3-D writable buffer of "B", "H" or "f". Made by run()."""

    shape: Final[tuple[int, int, int]]
    dtype: Final[str]
    def __buffer__(self, flags: int, /) -> memoryview: ...

@final
class Cancel:
    """A flag that a running job looks at between rows."""

    def __init__(self) -> None: ...
    def set(self) -> None: ...
    def is_set(self) -> bool: ...

def inspect(source: Source, request: Mapping[str, Any]) -> dict[str, Any]:
    """Read the header. Of the request only "limits" and "timeout" are looked at.

    Keys: format (None for pixels), width, height (upright), stored_width, stored_height,
    orientation, mode, bit_depth, has_alpha, palette, progressive, frames, icc_bytes,
    exif_bytes, xmp_bytes, density ((x, y) in pixels per inch, or None), variant, bytes, io.
    """

def run(source: Source, request: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Run one job. Returns its result and its raw metrics.

    The request; every key may be left out but "output", and "format" where it encodes:
      steps: tuple of steps, each a tuple with everything filled in:
        ("resize", width or 0, height or 0, fit, kernel, enlarge[, position, background,
         linear])
        ("crop", x, y, width, height)    ("rotate", degrees[, color, kernel])
        ("flip_h",)   ("flip_v",)
        ("transpose",)   ("grayscale",)   ("convert", mode)
        ("brightness", v)   ("contrast", v)   ("saturation", v)   ("gamma", g)
        ("flatten", color)   ("pad", left, top, right, bottom, color)
        ("blur", sigma)   ("sharpen", amount, radius, threshold)   ("trim", threshold)
        ("overlay", Source, its request, position or (x, y), opacity 0.0 to 1.0, tile)
        a color is "#rrggbb" or "#rrggbbaa"
      auto_orient: bool = True            shrink: "safe" | "fast" | "exact"
      color: "keep" | "srgb" = "keep"
      background: (r, g, b) = white       limits: {name: int}; 0 switches off, absent: default
      timeout: seconds or None            cancel: Cancel or None
      formats: tuple of those a source may have; None: any
      icc_most: int = 0, bytes of a profile that is kept; 0: any
      keep, denied: int = 0, what LI_KEEP_… of meta/metadata.h has, and what of it a policy
        has taken away
      rules_off: int = 0 (for tests: LI_NO_… of engine/plan.h)
      threads: 0 | 1 | 2 = 0, a second one to decode on: where a CPU is idle, never, always
      output: "buffer" | "file" | "pixels"
      buffer, file: format, quality or None, subsampling, progressive, optimize (None: as
        effort says), effort (None: 5 up to 8 MB of coefficients, else 0), quant_table (None:
        the effort's), compression (None: default), palette: int = 0 (2..256 colours; 0: none),
        dither (None: yes), interlace: bool = False, bit_depth (None: as the picture has),
        lossless: bool = False, near_lossless (0..100, None: off), method, smart_subsample:
        bool = False, alpha_quality, low_memory (None: where it is needed), speed (None: default)
      file: path (bytes), durable: bool = True
      buffer, pixels: type, the subclass of Encoded or Pixels to make
      pixels: mode or None, dtype "uint8" | "uint16" | "float32", layout "HWC" | "CHW",
        scale and bias: four floats each, sample × scale + bias (float32 only),
        out: writable buffer of the right shape (or of the right total size) or None,
        format: in the layout that this codec is fed with, over background, instead of mode;
        quality: decoded as for this one
    The result: an instance of type; for a file the number of bytes written.
    Metrics keys: decode_ns, ops_ns, encode_ns, total_ns, cpu_ns, bytes_in, bytes_out,
    format_in, format_out, width_in, height_in (upright), width_out, height_out, mode_out,
    quality (None if the format has none), peak_bytes, decoded_bytes, shrink (M of M/8),
    icc_bytes, exif_bytes, xmp_bytes (of the source), icc_converted, threads,
    kept_kinds, denied_kinds (LI_KEEP_…), metadata and numbers (of pixels, as from_pixels()
    takes them, or None), rows_real (of the file's rows, where the source salvages, else None),
    io, warnings (tuple of str), planned_bytes, planned_out_bytes, steps (names as run).
    """

def run_many(
    feed: Callable[[], tuple[Any, Source, tuple[Mapping[str, Any], ...]] | None],
    settle: Callable[[Any, int, Any, dict[str, Any] | None], object],
    tick: Callable[[], object],
    cancel: Cancel,
    workers: int,
    max_memory: int,
    alone: bool,
    /,
) -> None:
    """Run units (a token, a source, requests) on `workers` threads until feed() gives None.

    All three are called in this thread: feed() for the next unit, when it is about to be
    needed; settle(token, position, result, metrics), once a job, as run() would answer, or
    with an exception and None; tick() every 50 ms or more often: true sets `cancel`, which
    stops every job. An exception of theirs, or a signal's, stops every job and is raised.
    max_memory: bytes that jobs which run at once may be planned to take, 0 for any; one
    that is larger is refused, or `alone` let in when nothing else runs. feed() is asked
    again after each settle(), which may have made more units.

    Three keys more of a request. hold: bytes that the job takes at least and that stay
    taken after it, metrics["kept"] of them, until settle() of any job returns them, an
    int, to be given back. settle() gets None and None for a job that was not run because
    another of its unit keeps bytes: feed it again. covered: true where what a job takes
    is part of such. reference: the job is compare()'s, the result is as well; with
    structure: bool = True.
    """

def explain(source: Source, request: Mapping[str, Any]) -> str:
    """The plan of run() in words; reads the header, touches no pixel."""

def estimate(source: Source, request: Mapping[str, Any]) -> tuple[int, int, int]:
    """(bytes without the output, bytes of the output at most, decoded bytes)."""

def strip(source: Source, request: Mapping[str, Any]) -> Encoded | None:
    """The source's own bytes without metadata but what request["keep"] names, as
    request["type"]; None if they are request["most"] or more, or cannot be had without
    decoding (AVIF that has metadata)."""

def compare(
    source: Source, request: Mapping[str, Any], reference: Buffer, structure: bool
) -> tuple[float, float, int]:
    """(SSIM, mean squared error, peak bytes) of a picture against packed (H, W, C) samples.

    The request is one of output "pixels"; its steps end in the layout of the reference.
    SSIM is 0 without structure. Sizes that differ are E400.
    """

def features() -> dict[str, tuple[str, str]]:
    """Codec → (version of the header it was built with, version of the library it runs)."""

def source_faults() -> int:
    """How often, in this process, a mapped file had lost the page that was touched."""

def has_codec(name: str) -> bool:
    """Whether there is a codec of this name; "avif" is loaded by asking."""
