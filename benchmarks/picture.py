"""Make large pictures that compress like photographs, with lazyimage itself and no other help.

The one idea: a few random colours grown by cubic resizing are the light, hard-edged blocks
are the things, bytes of noise are the grain; a picture of up to 6 MP is made of them, and
resizing it up gives any size in flat memory.
"""

import random
from pathlib import Path

import lazyimage as li

BASE_WIDTH = 3000
AVIF_WHOLE, AVIF_TILE = 24_100_000, 2048
GRAIN = bytes(byte & 15 for byte in range(256))
HALF = bytes(byte // 2 for byte in range(256))
THIRD = bytes(byte * 3 // 8 for byte in range(256))


def make_picture(
    path: str | Path, width: int, height: int, *, alpha: bool = False, seed: int = 1
) -> Path:
    """Write a picture of this size to `path`, in the format of its suffix.

    The same arguments give the same pixels. PNG and JPEG need about 50 MB, whatever the
    size; WebP 5 bytes a pixel more; AVIF over 24 MP is a grid of one tile, repeated.
    """
    path = Path(path)
    base_width = min(width, BASE_WIDTH)
    base_height = max(1, height * base_width // width)
    channels = 4 if alpha else 3
    pixels = _base(base_width, base_height, channels, random.Random(seed))
    view = memoryview(pixels).cast("B", (base_height, base_width, channels))
    engine = li.Engine.from_pixels(view).limits(
        max_pixels=0, max_output_pixels=0, max_input_bytes=0
    )
    engine = engine.resize(width, height, fit="fill", kernel="cubic")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        engine.to_file(path, "png", compression=1, durable=False)
    elif path.suffix == ".webp":
        engine.to_file(path, "webp", 80, durable=False, method=0, low_memory=True)
    elif path.suffix == ".avif":
        engine.to_file(path, "avif", 60, durable=False, speed=10)
    else:
        engine.to_file(path, "jpeg", 88, durable=False)
    return path


def make_source(
    directory: Path, format: str, width: int, height: int, *, alpha: bool = False, seed: int = 1
) -> Path:
    """A picture of a format in `directory`, made unless it is there already."""
    name = f"{'rgba' if alpha else 'rgb'}-{seed}-{width}x{height}"
    path = directory / f"{name}.{'jpg' if format == 'jpeg' else format}"
    if not path.exists():
        half = path.with_name(f"half-{path.name}")
        if format == "avif" and width * height > AVIF_WHOLE:
            _make_grid(half, width, height, seed)
        else:
            make_picture(half, width, height, alpha=alpha, seed=seed)
        half.rename(path)
    return path


def _make_grid(path: Path, width: int, height: int, seed: int) -> None:
    """An AVIF of one tile, repeated: the encoder would need 32 bytes a pixel of the whole."""
    import avif_grid

    columns, rows = (-(-side // AVIF_TILE) for side in (width, height))
    # The last column and row may stick out, by less than a tile; chroma wants even sides.
    sides = (2 * -(-width // (2 * columns)), 2 * -(-height // (2 * rows)))
    tile = make_picture(path.with_name(f"tile-{path.name}"), *sides, seed=seed)
    path.write_bytes(avif_grid.repeated(tile.read_bytes(), columns, rows, width, height))
    tile.unlink()


def sides(megapixels: float) -> tuple[int, int]:
    """Width and height of a 3:2 picture of so many million pixels: 24 is 6000 × 4000."""
    width = round((megapixels * 1.5e6) ** 0.5)
    return width, round(width / 1.5)


def _base(width: int, height: int, channels: int, source: random.Random) -> bytearray:
    """Light + things + grain; sums of bytes that cannot carry are sums of big integers."""
    light = _grown(source, width, height, channels, columns=24, kernel="cubic")
    things = _grown(source, width, height, channels, columns=90, kernel="nearest")
    size = width * channels
    grainy = int.from_bytes((b"\xff" * 3 + b"\0" * (channels - 3)) * width, "little")
    pixels = bytearray()
    for y in range(height):
        row = slice(y * size, (y + 1) * size)
        total = (
            int.from_bytes(light[row].translate(HALF), "little")
            + int.from_bytes(things[row].translate(THIRD), "little")
            + (int.from_bytes(source.randbytes(size).translate(GRAIN), "little") & grainy)
        )
        pixels += total.to_bytes(size, "little")
    return pixels


def _grown(
    source: random.Random, width: int, height: int, channels: int, *, columns: int, kernel: str
) -> bytes:
    rows = max(1, columns * height // width)
    seeds = memoryview(source.randbytes(columns * rows * channels))
    engine = li.Engine.from_pixels(seeds.cast("B", (rows, columns, channels)))
    grown = engine.resize(width, height, fit="fill", kernel=kernel).to_pixels()
    return bytes(memoryview(grown).cast("B"))
