"""Records: what calls tell about a picture, a job or a file, as immutable values.

Layer: bottom, beside errors. The idea: a record is its slots, in order; equality, hash,
repr, dict and pickle follow, without the cost of importing dataclasses.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Never, Self


class Record:
    """An immutable value with named fields. Made by lazyimage, not by its users."""

    __slots__: tuple[str, ...] = ()
    _names: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        cls._names = cls.__slots__ or cls._names

    def __new__(cls, **fields: Any) -> Self:
        """Exactly the fields of the class, by name."""
        self = super().__new__(cls)
        if fields.keys() != set(cls._names):
            odd: list[str] = sorted(fields.keys() ^ set(cls._names))
            raise TypeError(f"{cls.__name__}: missing or unexpected: {', '.join(odd)}")
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        return self

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"a {type(self).__name__} does not change; {name} cannot be set")

    def __delattr__(self, name: str) -> Never:
        raise AttributeError(f"a {type(self).__name__} does not change; {name} cannot be deleted")

    def fields(self) -> dict[str, Any]:
        """The fields by name, in order."""
        return {name: getattr(self, name) for name in self._names}

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, in order; what a schema adds goes first."""
        return self.fields()

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.fields().items())
        return f"{type(self).__name__}({fields})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.fields() == other.fields()

    def __hash__(self) -> int:
        return hash(tuple(self.fields().values()))

    def __reduce__(self) -> tuple[Any, ...]:
        return made, (type(self), self.fields())


def made(kind: type[Record], fields: dict[str, Any]) -> Record:
    """Undo __reduce__()."""
    return kind(**fields)


class Info(Record):
    """What a file's header says; no pixel was decoded for it.

    >>> info = Engine.from_path("photo.jpg").info
    >>> info.format, info.width, info.height, info.mode
    ('jpeg', 640, 480, 'RGB')
    """

    __slots__ = (  # noqa: RUF023 - the order of the record
        "format",
        "width",
        "height",
        "stored_width",
        "stored_height",
        "orientation",
        "mode",
        "bit_depth",
        "has_alpha",
        "palette",
        "progressive",
        "frames",
        "icc_bytes",
        "exif_bytes",
        "xmp_bytes",
        "density",
        "variant",
        "bytes",
        "io",
    )

    format: str | None
    """"jpeg", "png"; None for pixels in memory."""
    width: int
    """Of the picture that the first step sees: upright, unless auto_orient(False)."""
    height: int
    stored_width: int
    """As the file has it, before orientation."""
    stored_height: int
    orientation: int
    """EXIF's 1 to 8; 1 where the file says nothing."""
    mode: str
    """"L", "LA", "RGB", "RGBA" or "CMYK"."""
    bit_depth: int
    """Of the file's samples."""
    has_alpha: bool
    palette: bool
    progressive: bool
    """The picture comes in passes (progressive JPEG, interlaced PNG)."""
    frames: int
    icc_bytes: int
    """What the ICC profile takes in the file: of a PNG the whole iCCP chunk, which is
    deflated; elsewhere the profile's size. 0: none. exif_bytes and xmp_bytes likewise. Of a
    picture that decoded() made: what it took along."""
    exif_bytes: int
    xmp_bytes: int
    density: tuple[float, float] | None
    """Pixels per inch across and down, by JFIF or pHYs, else by EXIF; None: not known."""
    variant: str
    """The format's own words, such as "progressive 4:2:0"."""
    bytes: int
    """Size of the source."""
    io: str
    """How it was read: "map", "read", "bytes" or "pixels"."""

    @property
    def has_icc_profile(self) -> bool:
        """Whether icc_bytes is not 0."""
        return self.icc_bytes > 0

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), as Pillow has it."""
        return self.width, self.height


class Estimate(Record):
    """What a job may cost, known before its first pixel."""

    __slots__ = ("peak_bytes", "out_bytes", "decoded_bytes")  # noqa: RUF023 - as above

    peak_bytes: int
    """Bound of the job's memory, its output excluded."""
    out_bytes: int
    """Bound of the output."""
    decoded_bytes: int
    """What the whole decoded picture would take."""


class Metrics(Record):
    """What a job took and did; metrics.schema.json, version "1.0", describes to_dict().

    Times are milliseconds of one monotonic clock; total_ms ≥ decode_ms + ops_ms +
    encode_ms. cpu_ms is the job's, on all of its `threads`. Sizes are bytes.

    >>> encoded, metrics = Engine.from_path("photo.jpg").to_buffer_with_metrics("png")
    >>> metrics.format_in, metrics.format_out, metrics.bytes_out == len(encoded)
    ('jpeg', 'png', True)
    """

    __slots__ = (  # noqa: RUF023 - the order of the record
        "decode_ms",
        "ops_ms",
        "encode_ms",
        "total_ms",
        "cpu_ms",
        "bytes_in",
        "bytes_out",
        "compression_ratio",
        "format_in",
        "format_out",
        "width_in",
        "height_in",
        "width_out",
        "height_out",
        "mode_out",
        "quality",
        "peak_bytes",
        "peak_rss",
        "decoded_bytes",
        "planned_bytes",
        "planned_out_bytes",
        "copies",
        "shrink",
        "threads",
        "io",
        "icc",
        "metadata_stripped",
        "policy_violations",
        "rows_real",
        "warnings",
        "steps",
    )

    decode_ms: float
    ops_ms: float
    encode_ms: float
    total_ms: float
    cpu_ms: float
    bytes_in: int
    bytes_out: int
    compression_ratio: float
    """bytes_in / bytes_out."""
    format_in: str | None
    format_out: str | None
    """None for pixels."""
    width_in: int
    """Upright: what the first step sees."""
    height_in: int
    width_out: int
    height_out: int
    mode_out: str
    quality: int | None
    """None where the format has none."""
    peak_bytes: int
    """Most memory that this job held at once, codecs included."""
    peak_rss: int | None
    """Most resident memory of the process so far; None where the system does not say."""
    decoded_bytes: int
    """What the whole decoded picture would take."""
    planned_bytes: int
    """The bound on peak_bytes without the output that the plan gave."""
    planned_out_bytes: int
    copies: tuple[str, ...]
    """Named copy points that the data passed; empty: none."""
    shrink: int
    """M where the decoder scaled to M/8; 8: it did not."""
    threads: int
    io: str
    """"map", "read", "bytes" or "pixels"."""
    icc: str
    """"absent", "stripped", "kept" or "converted" (to sRGB, then stripped)."""
    metadata_stripped: bool
    """The source had ICC, EXIF or XMP data, and the output has not all three kinds of them. What is
    taken out of a kind that is kept, as maker notes always are and places usually, does not count.
    """
    policy_violations: tuple[str, ...]
    """Kinds of metadata that sanitize() removed: what keep_metadata() asked for, and of
    public-upload a profile that is not valid or above 512 KiB."""
    rows_real: int | None
    """With salvage=True: how many of the file's rows, from the first on, are not filled.
    What the job does not read counts as whole: a crop that ends above the damage has all."""
    warnings: tuple[str, ...]
    steps: tuple[str, ...]
    """Names of the operations as they were run."""

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, with "version": "1.0"."""
        return {"version": "1.0", **self.fields()}

    def to_json(self) -> str:
        """to_dict() as JSON."""
        import json

        return json.dumps(self.to_dict())


class Search(Record):
    """What max_bytes and min_ssim came to: how the quality of an output was found.

    >>> engine = Engine.from_path("photo.jpg").resize(160)
    >>> engine.to_buffer("webp", max_bytes=2000).search.budget_met
    True
    """

    __slots__ = ("budget_met", "encodes", "ssim")

    budget_met: bool
    """Whether the output is within max_bytes and at or above min_ssim."""
    encodes: int
    """How many candidates were made."""
    ssim: float | None
    """Of the output against what was encoded; None: nobody asked for min_ssim."""


class Written(Record):
    """A finished output file."""

    __slots__ = (  # noqa: RUF023 - the order of the record
        "path",
        "bytes_written",
        "width",
        "height",
        "format",
        "quality",
        "metrics",
        "search",
    )

    path: str | None
    """As it was given; None for a file object."""
    bytes_written: int
    width: int
    height: int
    format: str
    quality: int | None
    metrics: Metrics
    search: Search | None
    """How quality was found; None: it was given, or there is none."""

    @property
    def budget_met(self) -> bool | None:
        """Whether max_bytes and min_ssim are met; None: nobody asked for them."""
        return None if self.search is None else self.search.budget_met
