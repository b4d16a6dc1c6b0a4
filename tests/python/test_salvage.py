"""Damaged pictures with salvage=True: the height stays, and rows_real tells the truth."""

import io
import itertools
import json
import pickle
import zlib
from pathlib import Path

import numpy as np
import oracle
import pytest
import shell
from PIL import Image

import lazyimage
from lazyimage import CorruptImageError, DecodeError, Engine, Recipe, TruncatedImageError

DATA = Path(__file__).parents[1] / "data"
WIDTH, HEIGHT = 96, 120


def picture() -> Image.Image:
    """As much in every row."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    noise = np.random.default_rng(1).integers(-40, 40, (HEIGHT, WIDTH, 3))
    levels = np.stack([x * 2, y * 2, x + y], axis=2) + noise
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def encoded(kind: str) -> bytes:
    out = io.BytesIO()
    ways = {
        "jpeg": ("JPEG", {"quality": 90, "subsampling": 0}),
        "jpeg-420": ("JPEG", {"quality": 90, "subsampling": 2}),
        "jpeg-progressive": ("JPEG", {"quality": 90, "progressive": True}),
        "png": ("PNG", {"compress_level": 0}),
        "png-packed": ("PNG", {"compress_level": 9}),
        "webp": ("WEBP", {"quality": 90}),
        "webp-lossless": ("WEBP", {"lossless": True}),
    }
    if kind == "png-interlaced":
        return bytes(Engine.from_pixels(np.asarray(picture())).to_buffer("png", interlace=True))
    name, options = ways[kind]
    picture().save(out, name, **options)
    return out.getvalue()


KINDS = (
    *("jpeg", "jpeg-420", "jpeg-progressive", "png", "png-packed", "png-interlaced"),
    *("webp", "webp-lossless"),
)
IN_PASSES = ("jpeg-progressive", "png-interlaced")


def pixels_of(data: bytes, salvage: bool) -> tuple[np.ndarray, int | None, tuple[str, ...]]:
    pixels = Engine.from_bytes(data, salvage=salvage).to_pixels(mode="RGB")
    return np.asarray(pixels).copy(), pixels.metrics.rows_real, pixels.metrics.warnings


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_picture_is_as_it_was(kind: str):
    data = encoded(kind)
    plain, none, _ = pixels_of(data, False)
    same, rows, warnings = pixels_of(data, True)
    assert none is None and rows == HEIGHT and warnings == ()
    assert np.array_equal(plain, same)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_off_is_gray_and_the_rest_is_real(kind: str):
    data = encoded(kind)
    whole, _, _ = pixels_of(data, False)
    found = []
    for part in (0.35, 0.6, 0.85):
        cut = data[: int(len(data) * part)]
        with pytest.raises(TruncatedImageError):
            Engine.from_bytes(cut).to_pixels()
        try:
            image, rows, warnings = pixels_of(cut, True)
        except DecodeError:  # not a row is there
            assert kind == "jpeg-progressive" and part < 0.5
            continue
        assert image.shape == (HEIGHT, WIDTH, 3)
        assert rows is not None and 0 < rows <= HEIGHT and warnings
        if kind in IN_PASSES:  # coarser, but there
            assert abs(image[:rows].astype(int) - whole[:rows]).mean() < 30
        else:
            # The last rows that a lossy decoder gives may lack what comes from below.
            sure = max(rows - (0 if kind.startswith(("png", "webp-l")) else 16), 0)
            assert np.array_equal(image[:sure], whole[:sure])
            assert (image[rows:] == 128).all()
        found.append(rows)
    assert found and found == sorted(found)
    if kind not in IN_PASSES:
        assert len(found) == 3 and found[0] >= HEIGHT // 8 and found[2] < HEIGHT


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_an_interlaced_picture_is_whole_once_its_first_pass_is(dtype: str):
    """In front of that, a row of the pass is eight of the picture."""
    samples = np.random.default_rng(2).integers(0, 256, (120, 96, 4), np.uint8).astype(dtype)
    samples *= 257 if dtype == "uint16" else 1
    data = bytes(Engine.from_pixels(samples).to_buffer("png", interlace=True))
    found = []
    for size in (*range(60, 1700, 30), *range(2000, len(data), 9001)):
        engine = Engine.from_bytes(data[:size], salvage=True)
        with pytest.raises(TruncatedImageError):
            Engine.from_bytes(data[:size]).to_pixels()
        try:
            pixels = engine.to_pixels(dtype=dtype)
        except TruncatedImageError:
            assert not found  # of more bytes there are no fewer rows
            continue
        got, rows = np.asarray(pixels), pixels.metrics.rows_real
        assert rows is not None and (not found or rows >= found[-1])
        assert any(f"{rows} of 120 rows" in text for text in pixels.metrics.warnings)
        assert (got[::8, ::8][: rows // 8] == samples[::8, ::8][: rows // 8]).all()
        gray = 128 if dtype == "uint8" else 0x8080
        assert (got[rows:] == (gray, gray, gray, 0)).all()
        same = engine.crop(0, 100, 96, 20).to_pixels(dtype=dtype)
        assert np.array_equal(np.asarray(same), got[100:]) and same.metrics.rows_real == rows
        found.append(rows)
    assert found[0] < 16 and found[-1] == 120 and len(set(found)) > 10
    assert {rows % 8 for rows in found} == {0}


def png_samples(kind: str) -> np.ndarray:
    """Of a kind whose samples are handed out as they are in the file, or made of it."""
    if kind == "deep":
        return np.random.default_rng(3).integers(0, 65536, (40, 30, 3), np.uint16)
    shape = {"row": (1, 30, 3), "bits": (40, 30)}.get(kind, (40, 30, 3))
    samples = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    return np.where(samples > 127, np.uint8(255), np.uint8(0)) if kind == "bits" else samples


@pytest.mark.parametrize("kind", ["rgb", "deep", "row", "bits", "interlaced"])
def test_a_png_with_damage_behind_its_rows_loses_none(kind: str):
    """Cut in IEND, its head, IDAT's CRC, the check of the stream; or one of them wrong."""
    samples = png_samples(kind)
    options = {"bits": {"bit_depth": 1}, "interlaced": {"interlace": True}}.get(kind, {})
    data = bytes(Engine.from_pixels(samples).to_buffer("png", **options))
    dtype, mode = str(samples.dtype), "L" if kind == "bits" else "RGB"
    damaged = [data[:-size] for size in (1, 4, 12, 13, 16, 17, 20)]
    for back in (13, 17):
        wrong = bytearray(data)
        wrong[-back] ^= 1
        damaged.append(bytes(wrong))
    if kind == "interlaced":  # libpng reads the end of the stream with the last row
        damaged = damaged[:3]
    for broken in damaged:
        with pytest.raises((CorruptImageError, TruncatedImageError)):
            Engine.from_bytes(broken).to_pixels()
        pixels = Engine.from_bytes(broken, salvage=True).to_pixels(mode=mode, dtype=dtype)
        assert np.array_equal(np.asarray(pixels).reshape(samples.shape), samples)
        height = samples.shape[0]
        assert pixels.metrics.rows_real == height
        assert len(pixels.metrics.warnings) == 1
        assert pixels.metrics.warnings[0].startswith(f"salvage: {height} of {height} rows; png: ")


def ink_profile() -> bytes:
    """Inks that print a dull brown at best: two grid points an ink, by A2B0 into Lab."""
    levels = bytearray()
    for inks in itertools.product((0, 1), repeat=4):
        levels += bytes((200 - 40 * sum(inks), 140, 150))
    one = (1 << 16).to_bytes(4, "big")
    matrix = b"".join(one if cell % 4 == 0 else bytes(4) for cell in range(9))
    table = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + matrix
    table += bytes(range(256)) * 4 + levels + bytes(range(256)) * 3
    head = bytearray(128)
    head[8:24] = b"\x02\x10\0\0prtrCMYKLab "
    head[36:40] = b"acsp"
    head[68:80] = bytes.fromhex("0000f6d6000100000000d32d")
    tag = b"\0\0\0\1A2B0" + (144).to_bytes(4, "big") + len(table).to_bytes(4, "big")
    head[0:4] = (144 + len(table)).to_bytes(4, "big")
    return bytes(head) + tag + table


@pytest.mark.parametrize("profile", [False, True])
def test_what_is_lost_of_inks_is_gray_too(profile: bool):
    """Not the colour that half of every ink makes: (64, 64, 64), or what a profile says."""
    if profile and "lcms2" not in lazyimage.features():
        pytest.skip("a build without lcms2")
    out = io.BytesIO()
    picture().convert("CMYK").save(
        out, "JPEG", quality=90, icc_profile=ink_profile() if profile else None
    )
    engine = Engine.from_bytes(out.getvalue()[: len(out.getvalue()) * 2 // 3], salvage=True)
    assert ("its profile" in engine.explain("png")) == profile
    pixels = engine.to_pixels(mode="RGB")
    rows = pixels.metrics.rows_real
    assert rows is not None and 0 < rows < HEIGHT
    assert (np.asarray(pixels)[rows:] == 128).all() and (np.asarray(pixels)[:rows] != 128).any()
    with Image.open(io.BytesIO(bytes(engine.resize(48).to_buffer("png")))) as image:
        assert image.getpixel((0, image.height - 1)) == (128, 128, 128)


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_every_output_of_it_has_its_height(kind: str, tmp_path: Path):
    data = encoded(kind)[:-3000] if kind == "png" else encoded(kind)[:-800]
    engine = Engine.from_bytes(data, salvage=True)
    for format in lazyimage.supported_output_formats():
        result, metrics = engine.resize(48).to_buffer_with_metrics(format)
        assert (result.width, result.height) == (48, 60)
        assert metrics.rows_real is not None and 0 < metrics.rows_real < HEIGHT
    outputs = [engine.resize(size).output(format="png") for size in (20, 40, 60)]
    for outcome in lazyimage.run(outputs, workers=2):
        assert outcome.ok and 0 < outcome.result.metrics.rows_real < HEIGHT
        assert any("salvage" in text for text in outcome.result.metrics.warnings)
    found = engine.crop(0, 60, 96, 60).rotate(90).to_buffer("png")
    assert (found.width, found.height) == (60, 96)
    assert engine.to_buffer("jpeg", max_bytes=5000).metrics.rows_real is not None
    path = tmp_path / "cut"
    path.write_bytes(data)
    for one in (
        Engine.from_path(path, salvage=True),
        Engine.from_path(path, salvage=True).sanitize("strict"),
        pickle.loads(pickle.dumps(Engine.from_path(path, salvage=True))),
        lazyimage.open(data, salvage=True),
    ):
        assert one.to_pixels().metrics.rows_real == engine.to_pixels().metrics.rows_real
    assert "salvage=True" in repr(Engine.from_path(path, salvage=True))
    with pytest.raises(TypeError):
        Engine.from_path(path, salvage="yes")  # type: ignore[arg-type]


def test_the_picture_laid_over_is_salvaged_if_it_says_so():
    cut = encoded("jpeg")[:-800]
    alone, rows, said = pixels_of(cut, True)
    under = Engine.from_pixels(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    plain, salvaged = Engine.from_bytes(cut), Engine.from_bytes(cut, salvage=True)
    with pytest.raises(TruncatedImageError):
        under.overlay(plain).to_buffer("png")
    both = under.overlay(salvaged)
    found = both.to_pixels()
    assert np.array_equal(np.asarray(found), alone)
    assert found.metrics.rows_real is None and found.metrics.warnings == said
    assert rows is not None and f"{rows} of {HEIGHT} rows" in said[0]
    tiled = under.overlay(salvaged, tile=True).to_pixels()
    assert tiled.metrics.warnings == said
    outputs = [both.output(format=format) for format in ("png", "webp")]
    for outcome in lazyimage.run(outputs):
        assert outcome.ok and outcome.result.metrics.warnings == said


def test_the_pictures_of_an_overlay_are_salvaged_each_for_itself():
    cut, more = encoded("jpeg")[:-800], encoded("png")[:-3000]
    _, rows, _ = pixels_of(cut, True)
    below = Engine.from_bytes(cut, salvage=True)
    with pytest.raises(TruncatedImageError) as caught:
        below.overlay(Engine.from_bytes(more)).to_pixels()
    assert caught.value.step == "overlay"
    metrics = below.overlay(Engine.from_bytes(more, salvage=True)).to_pixels().metrics
    assert metrics.rows_real == rows and len(metrics.warnings) == 2


def test_a_recipe_keeps_that_what_lies_over_it_is_salvaged(tmp_path: Path):
    path = tmp_path / "cut.jpg"
    path.write_bytes(encoded("jpeg")[:-800])
    under = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for open_source in (
        lambda salvage: Engine.from_path(path, salvage=salvage),
        lambda salvage: Engine.from_bytes(path.read_bytes(), salvage=salvage),
    ):
        plain = Recipe().overlay(open_source(False))
        recipe = Recipe().overlay(open_source(True))
        assert recipe == Recipe().overlay(open_source(True)) != plain
        assert recipe.fingerprint() != plain.fingerprint()
        assert "salvage" not in plain.to_json() and "salvage=True" in repr(recipe)
        for same in (Recipe.from_json(recipe.to_json()), pickle.loads(pickle.dumps(recipe))):
            assert same == recipe and same.fingerprint() == recipe.fingerprint()
            assert same.open(under).to_pixels().metrics.warnings
    with open(path, "rb") as file:
        assert Engine.from_file(file) != Engine.from_file(file, salvage=True)


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_what_is_decoded_once_still_tells_what_was_lost(kind: str):
    data = encoded(kind)[:-3000] if kind == "png" else encoded(kind)[:-800]
    _, rows, said = pixels_of(data, True)
    decoded = Engine.from_bytes(data, salvage=True).decoded()
    for engine in (decoded, decoded.resize(20).decoded(), pickle.loads(pickle.dumps(decoded))):
        for result in (
            engine.to_buffer("webp"),
            engine.to_pixels(),
            engine.to_buffer("jpeg", max_bytes=5000),
            lazyimage.run([engine.output(format="png")])[0].result,
        ):
            assert (result.metrics.rows_real, result.metrics.warnings) == (rows, said)


def jpeg_segments(data: bytes) -> list[tuple[int, int, int]]:
    """Marker, start and end of each segment but bare ones."""
    found, at = [], 2
    while True:
        at = data.index(b"\xff", at)
        marker = data[at + 1]
        if marker == 0xD9:
            return found
        if marker in (0, 0xFF) or 0xD0 <= marker <= 0xD7:
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        found.append((marker, at, end))
        at = end


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("max_scans", [None, 0])
def test_a_jpeg_in_passes_may_be_cut_in_a_segment(subsampling: int, max_scans: int | None):
    """Between scans stand their tables and headers: every byte of them may be the last."""
    out = io.BytesIO()
    picture().save(out, "JPEG", quality=90, progressive=True, subsampling=subsampling)
    data, coarse = out.getvalue(), []
    whole, _, _ = pixels_of(data, False)
    segments = jpeg_segments(data)
    first = next(end for marker, _, end in segments if marker == 0xDA)
    for marker, start, end in segments:
        if start < first:
            continue
        assert marker in (0xC4, 0xDA)
        seen = set()
        for size in range(start, end):
            engine = Engine.from_bytes(data[:size], salvage=True)
            if max_scans is not None:
                engine = engine.limits(max_scans=max_scans)
            pixels = engine.to_pixels()
            assert pixels.metrics.rows_real == HEIGHT
            assert any("coarser" in text for text in pixels.metrics.warnings)
            seen.add(abs(np.asarray(pixels).astype(int) - whole).mean())
        assert len(seen) == 1  # no byte of it counts
        coarse += seen
    assert len(coarse) > 9 and coarse[0] < 30 and coarse[-1] < 10


@pytest.mark.parametrize("kind", ["jpeg-progressive", "webp", "webp-lossless"])
def test_a_file_without_its_last_byte_is_whole_but_has_a_warning(kind: str):
    data = encoded(kind)
    if kind.startswith("webp"):  # an unused chunk: what is cut is no part of the picture
        data += b"NONE" + (2).to_bytes(4, "little") + b"xy"
        data = data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:]
    whole, _, _ = pixels_of(data, False)
    image, rows, warnings = pixels_of(data[:-1], True)
    assert np.array_equal(image, whole) and rows == HEIGHT
    ends = {"jpeg-progressive": "jpeg: the file ends without an end marker"}
    said = f"webp: the file ends too early, after {len(data) - 1} bytes of {len(data)}"
    assert warnings == (ends.get(kind, said),)


def test_damage_that_the_job_does_not_come_to_is_not_told():
    data = encoded("png")[: len(encoded("png")) // 2]
    engine = Engine.from_bytes(data, salvage=True)
    top = engine.crop(0, 0, WIDTH, 20).to_pixels()
    assert top.metrics.rows_real == HEIGHT and top.metrics.warnings == ()
    low = engine.crop(0, HEIGHT - 20, WIDTH, 20).to_pixels()
    assert low.metrics.rows_real is not None and low.metrics.rows_real < HEIGHT - 20


def test_recipes_batches_and_the_command_line_salvage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("cut.jpg").write_bytes(encoded("jpeg")[:-800])
    recipe = Recipe().resize(48)
    metrics = recipe.open("cut.jpg", io="read", salvage=True).to_pixels().metrics
    assert metrics.rows_real is not None and metrics.rows_real < HEIGHT
    assert not lazyimage.process_batch(["cut.jpg"], "a", recipe, format="png")[0].ok
    outcome = lazyimage.process_batch(["cut.jpg"], "a", recipe, format="png", salvage=True)[0]
    assert outcome.ok and (outcome.output.engine.info.width, outcome.result.width) == (WIDTH, 48)
    with pytest.raises(TypeError):
        lazyimage.process_batch([], "a", recipe, format="png", salvage=1)  # type: ignore[arg-type]
    _, found = lazyimage.process_batch_with_metrics(
        ["cut.jpg"], "a", recipe, format="png", salvage=True
    )
    assert found[0] is not None and found[0].rows_real == metrics.rows_real
    rows = f"salvage: {metrics.rows_real} of {HEIGHT} rows"
    for words in (
        "convert cut.jpg out.png -s 48x60",
        "batch cut.jpg -o b -s 48x60 -f png --json",
        "thumb cut.jpg -o t.png -s 48x60",
    ):
        assert shell.lazyimage(*words.split()).returncode == 1
        done = shell.lazyimage(*words.split(), "--salvage")
        assert done.returncode == 0 and rows in done.stderr.decode()
        same = next(name for name in ("out.png", "t.png", "b/cut.png") if Path(name).exists())
        assert Path(same).read_bytes() == Path("a/cut.png").read_bytes()
        Path(same).unlink()
        assert "batch" not in words or rows in json.loads(done.stdout)["warnings"][0]


def in_pieces(data: bytes, size: int) -> bytes:
    """A PNG of one IDAT, its stream cut into many."""
    at = data.index(b"IDAT") - 4
    length = int.from_bytes(data[at : at + 4], "big")
    stream = data[at + 8 : at + 8 + length]
    pieces = []
    for start in range(0, length, size):
        body = b"IDAT" + stream[start : start + size]
        check = zlib.crc32(body).to_bytes(4, "big")
        pieces.append((len(body) - 4).to_bytes(4, "big") + body + check)
    return data[:at] + b"".join(pieces) + data[at + 12 + length :]


def test_damage_in_the_middle_ends_the_real_rows():
    data = bytearray(in_pieces(encoded("png"), 4000))
    data[len(data) // 2] ^= 0x55  # of a stored block: only a checksum tells, in its place
    with pytest.raises(CorruptImageError):
        Engine.from_bytes(bytes(data)).to_pixels()
    _, rows, warnings = pixels_of(bytes(data), True)
    assert rows is not None and HEIGHT // 4 < rows < HEIGHT and "CRC" in warnings[0]


def test_a_header_that_is_cut_off_is_an_error():
    for kind in KINDS:
        for size in (0, 1, 10, 20):
            with pytest.raises((DecodeError, lazyimage.UnsupportedFormatError)):
                Engine.from_bytes(encoded(kind)[:size], salvage=True).to_pixels()


def test_what_cannot_be_salvaged_is_an_error_as_ever():
    avif = bytes(Engine.from_bytes(encoded("png")).to_buffer("avif", speed=10))
    interlaced = (DATA / "pngsuite" / "basi2c08.png").read_bytes()
    for data in (avif[:-40], interlaced[:75]):
        with pytest.raises(DecodeError):
            Engine.from_bytes(data, salvage=True).to_pixels()


def test_the_plan_says_so_and_covers_it():
    engine = Engine.from_bytes(encoded("png")[:-3000], salvage=True)
    assert "damaged rows gray" in engine.explain("jpeg")
    _, metrics = engine.to_buffer_with_metrics("jpeg")
    assert metrics.peak_bytes <= metrics.planned_bytes + metrics.planned_out_bytes


BROKEN = sorted(
    path
    for folder in ("jpeg", "png", "webp")
    for path in (DATA / folder).iterdir()
    if path.name.startswith(("truncated", "corrupt"))
)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.name)
def test_damaged_files_are_salvaged_or_refused(path: Path):
    check_salvaged(path)


def check_salvaged(path: Path) -> int | None:
    engine = Engine.from_path(path, salvage=True)
    try:
        encoded = engine.to_buffer("png")
    except (DecodeError, lazyimage.LimitError):
        return None
    info, rows = engine.info, encoded.metrics.rows_real
    assert (encoded.width, encoded.height) == info.size
    assert rows is not None and 0 < rows <= info.stored_height
    return rows


@pytest.mark.corpus
def test_most_of_the_damaged_corpus_is_salvaged():
    directory = oracle.corpus_directory()
    assert directory is not None
    found: dict[str, list[bool]] = {}
    for entry in oracle.read_index(directory):
        if entry.kind not in ("truncated", "corrupt") or not 0 < entry.pixels < 1e6:
            continue
        found.setdefault(entry.format, []).append(check_salvaged(entry.file) is not None)
    for format in ("jpeg", "png", "webp"):
        assert sum(found[format]) > 0, (format, len(found[format]))
