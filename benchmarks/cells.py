"""The cells of the benchmark, as data: which job, on which input, beside whom, and how near.

A job is plain words, handed to a runner as key=value. In the tables "one" (one thread) and
"all" (default threads) everybody is asked for the same; in "defaults" nobody is asked for
anything but the size and the format.
"""

from typing import NamedTuple

OURS = "lazyimage"
PEERS = ("Pillow", "pyvips", "OpenCV", "sharp", "lazy-image")
TABLES = ("one", "all", "defaults")

FAST_AND_SAFE = ("fast", "safe")
"""fast: the decoder shrinks as far as it can; safe: it leaves a factor of two, or what ours
calls safe. Where no decoder shrinks there is one way, called exact."""


class Cell(NamedTuple):
    """One line of the tables. `limit`: ours / best peer, CPU on one thread, that we want."""

    name: str
    title: str
    source: str  # of inputs.py
    op: str = "convert"  # pixels, probe, first
    format: str = ""
    width: int = 0  # 0: full size
    height: int = 0  # given: cover
    quality: int = 0
    paces: tuple[str, ...] = ("exact",)
    limit: float = 1.0
    repeat: int = 1
    tables: tuple[str, ...] = TABLES
    match: str = ""  # "png", "avif": a peer's effort is searched (tune.py)


CELLS = (
    Cell(
        *("jpeg-jpeg", "24 MP JPEG → 800 px JPEG", "jpeg-24", "convert", "jpeg", 800),
        quality=80,
        paces=FAST_AND_SAFE,
        limit=0.85,
    ),
    Cell(
        *("jpeg-webp", "13 MP JPEG → 800 px WebP", "jpeg-13", "convert", "webp", 800),
        quality=80,
        paces=FAST_AND_SAFE,
        limit=0.95,
    ),
    Cell(
        *("progressive-jpeg", "15 MP progressive JPEG → 800 px JPEG", "progressive-15"),
        *("convert", "jpeg", 800),
        quality=80,
        paces=FAST_AND_SAFE,
        limit=1.0,
    ),
    Cell(
        *("png-jpeg", "24 MP PNG → 800 px JPEG", "png-24", "convert", "jpeg", 800),
        quality=80,
        limit=0.6,
    ),
    Cell(
        *("rgba-png", "RGBA 2048×1536 PNG → 720 px PNG", "rgba-3", "convert", "png", 720),
        limit=0.6,
        match="png",
    ),
    Cell(
        *("webp-jpeg", "24 MP WebP → 800 px JPEG", "webp-24", "convert", "jpeg", 800),
        quality=80,
        paces=FAST_AND_SAFE,
        limit=0.85,
    ),
    Cell(
        *("avif-jpeg", "15 MP AVIF → 800 px JPEG", "avif-15", "convert", "jpeg", 800),
        quality=80,
        limit=0.5,
    ),
    Cell(
        *("jpeg-avif", "13 MP JPEG → 800 px AVIF", "jpeg-13", "convert", "avif", 800),
        quality=60,
        paces=("safe",),  # equal quality is asked for: a fast shrink alone costs 5 points
        limit=0.6,
        match="avif",
    ),
    Cell(
        *("jpeg-png", "24 MP JPEG → 1600 px PNG", "jpeg-24", "convert", "png", 1600),
        paces=FAST_AND_SAFE,
        limit=0.5,
        match="png",
    ),
    Cell(
        *("png-webp-full", "24 MP PNG → WebP, full size", "png-24", "convert", "webp"),
        quality=80,
        limit=1.05,
    ),
    Cell(
        *("png-jpeg-full", "24 MP PNG → JPEG, full size", "png-24", "convert", "jpeg"),
        quality=80,
        limit=0.7,
    ),
    Cell(
        *("jpeg-pixels", "12 MP JPEG → 224×224 pixels", "jpeg-12", "pixels", "", 224, 224),
        paces=FAST_AND_SAFE,
        limit=0.85,
    ),
    Cell(
        *("probe", "header probe, 24 MP JPEG", "jpeg-24", "probe"),
        repeat=300,
        tables=("one",),
    ),
    Cell(
        *("first", "import + first picture, 2 MP JPEG → 320 px JPEG", "jpeg-2"),
        *("first", "jpeg", 320),
        quality=80,
        paces=("fast",),
        tables=("one", "defaults"),
    ),
)

WARM = {"jpeg": "warm-jpeg", "progressive": "warm-jpeg", "png": "warm-png", "rgba": "warm-rgba"}
WARM |= {"webp": "warm-webp", "avif": "warm-avif"}


def warm_of(cell: Cell) -> str:
    """The small input that a runner warms up on."""
    return WARM[cell.source.split("-")[0]]


def rows_of(cell: Cell, table: str, peers: tuple[str, ...]) -> list[tuple[str, str]]:
    """(who, pace) of every row; in the defaults the pace is everybody's own, and with
    default threads one pace is shown."""
    paces = {"one": cell.paces, "all": cell.paces[:1], "defaults": ("default",)}[table]
    return [(who, pace) for pace in paces for who in (OURS, *peers)]
