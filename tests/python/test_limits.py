"""Limits: each at its value and one beyond it, for every format and every kind of source."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import bombs
import numpy as np
import pytest
from PIL import Image
from ways import (
    FILES,
    FORMATS,
    HEADER_WAYS,
    HEIGHT,
    WAYS,
    WIDTH,
    Job,
    by_batch,
    by_bytes,
    by_file,
    by_info,
    by_path,
    by_pipeline,
    by_read,
    by_run,
    by_stream,
    by_target,
)

import lazyimage as li
from lazyimage import LimitError, Recipe
from lazyimage.machine import default_memory, machine_memory


def check_border(
    way: Job, data: bytes, directory: Path, limit: str, value: int, code: str = "E123"
) -> None:
    """Passes at `value`, refused one below, off at 0 and None."""
    way(data, Recipe().limits(**{limit: value}), directory)
    with pytest.raises(LimitError) as caught:
        way(data, Recipe().limits(**{limit: value - 1}), directory)
    message = str(caught.value)
    assert caught.value.code == code, message
    assert f"limits({limit}={value - 1})" in message
    assert caught.value.hint
    tight = Recipe().limits(**{limit: value - 1})
    for off in (0, None):
        way(data, tight.limits(**{limit: off}), directory)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("way", HEADER_WAYS)
def test_the_header_limits_bite_one_beyond(way: str, format: str, tmp_path: Path) -> None:
    check_border(HEADER_WAYS[way], FILES[format], tmp_path, "max_side", WIDTH, "E121")
    check_border(HEADER_WAYS[way], FILES[format], tmp_path, "max_pixels", WIDTH * HEIGHT, "E122")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("way", HEADER_WAYS)
def test_the_size_of_the_input_bites_one_beyond(way: str, format: str, tmp_path: Path) -> None:
    data = FILES[format]
    check_border(HEADER_WAYS[way], data, tmp_path, "max_input_bytes", len(data))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_made_bites_one_beyond(way: str, format: str, tmp_path: Path) -> None:
    check_border(WAYS[way], FILES[format], tmp_path, "max_output_pixels", WIDTH * HEIGHT, "E122")
    recipe = Recipe().resize(WIDTH * 10, HEIGHT * 10, fit="fill").crop(0, 0, 5, 5)
    with pytest.raises(LimitError, match="max_output_pixels"):
        WAYS[way](FILES[format], recipe.limits(max_output_pixels=WIDTH * HEIGHT * 99), tmp_path)


@pytest.mark.parametrize("way", HEADER_WAYS)
def test_formats_are_refused_by_name(way: str, tmp_path: Path) -> None:
    for format in FORMATS:
        others = [name for name in FORMATS if name != format]
        HEADER_WAYS[way](FILES[format], Recipe().limits(formats=[format]), tmp_path)
        with pytest.raises(LimitError, match=rf"{format} is not among limits\(formats"):
            HEADER_WAYS[way](FILES[format], Recipe().limits(formats=others), tmp_path)


# --- metadata ------------------------------------------------------------------------


def with_metadata(format: str, kind: str, size: int) -> bytes:
    """A picture with `size` bytes of ICC, EXIF or XMP, as its header will say."""
    body = bytes(size)
    if format == "webp":
        flag, name = {"icc": (0x20, b"ICCP"), "exif": (8, b"EXIF"), "xmp": (4, b"XMP ")}[kind]
        return bombs.webp(8, 8, (name, body), flags=flag)
    if format == "png":
        chunks = {
            "icc": bombs.chunk(b"iCCP", b"x\0\0" + bytes(size - 3)),
            "exif": bombs.chunk(b"eXIf", body),
            "xmp": bombs.chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + body),
        }
        return bombs.png(front=chunks[kind])
    if format == "jpeg":
        return bombs.with_segments(bombs.jpeg(), jpeg_metadata(kind, size))
    out = io.BytesIO()
    names = {"icc": "icc_profile", "exif": "exif", "xmp": "xmp"}
    if kind == "exif":
        body = b"II*\0\x08\0\0\0".ljust(size, b"\0")
    Image.new("RGB", (16, 16)).save(out, "AVIF", **{names[kind]: body})
    return out.getvalue()


def jpeg_metadata(kind: str, size: int) -> bytes:
    if kind == "exif":
        return bombs.segment(0xE1, b"Exif\0\0" + bytes(size))
    if kind == "xmp":  # half of it in an extension
        first = bombs.segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + bytes(size // 2))
        more = b"http://ns.adobe.com/xmp/extension/\0" + bytes(40 + size - size // 2)
        return first + bombs.segment(0xE1, more)
    head = b"ICC_PROFILE\0"
    return b"".join(
        bombs.segment(0xE2, head + bytes([number, 2]) + bytes(part))
        for number, part in ((1, size // 2), (2, size - size // 2))
    )


@pytest.mark.parametrize("kind", ["icc", "exif", "xmp"])
@pytest.mark.parametrize("format", FORMATS)
def test_metadata_bites_one_beyond(format: str, kind: str, tmp_path: Path) -> None:
    data = with_metadata(format, kind, 5000)
    found = getattr(li.inspect(data), f"{kind}_bytes")
    assert found in (5000, 5004)  # AVIF's EXIF has the offset of its header in front
    for way in (by_path, by_bytes, by_batch, by_info):
        check_border(way, data, tmp_path, "max_metadata", found)


@pytest.mark.parametrize(("make", "name"), [(bombs.iccp, "ICC profile"), (bombs.itxt, "XMP")])
def test_deflated_metadata_counts_as_what_it_inflates_to(
    make: Callable[[int], bytes], name: str, tmp_path: Path
) -> None:
    data = bombs.png(front=make(2_000_000))
    assert len(data) < 5000
    for way in (by_path, by_stream, by_batch, by_info):
        way(data, Recipe().limits(max_metadata=2_000_000), tmp_path)
        with pytest.raises(LimitError, match=rf"bytes of {name} are .* limits\(max_metadata=19"):
            way(data, Recipe().limits(max_metadata=1_999_999), tmp_path)
    with pytest.raises(LimitError, match="max_metadata=10485760"):
        li.inspect(bombs.png(front=make((10 << 20) + 1)))
    assert li.inspect(bombs.png(front=make(10 << 20)))


# --- lists ---------------------------------------------------------------------------


SEGMENTS = {
    "jpeg": lambda count: bombs.with_segments(bombs.jpeg(), bombs.segment(0xFE) * count),
    "png": lambda count: bombs.png(front=bombs.chunk(b"prVt") * count),
    "webp": lambda count: bombs.webp(8, 8, *([(b"prVt", b"")] * count)),
}


def border_of(limit: str, make: Callable[[int], bytes], tmp_path: Path) -> None:
    """The limit n lets the largest file pass that has n of them, and not the next."""
    for way in (by_path, by_read, by_bytes, by_file, by_pipeline, by_batch, by_run):
        passing = {
            count: _passes(way, make(count), Recipe().limits(**{limit: 40}), tmp_path)
            for count in range(25, 50)
        }
        first = min(count for count, passes in passing.items() if not passes)
        assert all(passes == (count < first) for count, passes in passing.items())
        assert 25 < first <= 41  # some are the picture's own
        way(make(first), Recipe().limits(**{limit: 41}), tmp_path)
        way(make(60), Recipe().limits(**{limit: 0}), tmp_path)


def _passes(way: Job, data: bytes, recipe: Recipe, tmp_path: Path) -> bool:
    try:
        way(data, recipe, tmp_path)
    except LimitError as error:
        assert error.code == "E123" and "=40)" in str(error), str(error)
        return False
    return True


@pytest.mark.parametrize("format", SEGMENTS)
def test_segments_bite_one_beyond(format: str, tmp_path: Path) -> None:
    border_of("max_segments", SEGMENTS[format], tmp_path)


def test_scans_bite_one_beyond(tmp_path: Path) -> None:
    border_of("max_scans", bombs.in_scans, tmp_path)
    for recipe in (Recipe().resize(8), Recipe().resize(64)):  # by our decoder, by libjpeg
        recipe.limits(max_scans=12).open(bombs.in_scans(12)).to_buffer("jpeg")
        with pytest.raises(LimitError, match=r"limits\(max_scans=12\)"):
            recipe.limits(max_scans=12).open(bombs.in_scans(13)).to_buffer("jpeg")


@pytest.mark.skipif("avif" not in FORMATS, reason="no AVIF in this build")
def test_items_bite_one_beyond(tmp_path: Path) -> None:
    data = FILES["avif"]
    counts = [
        count for count in range(1, 40) if _refusal(li.open(data).limits(max_items=count)) is None
    ]
    assert counts == list(range(counts[0], 40)) and counts[0] > 2
    check_border(by_path, data, tmp_path, "max_items", counts[0])
    check_border(by_info, data, tmp_path, "max_items", counts[0])
    with pytest.raises(LimitError, match=r"1025 items are more than limits\(max_items=1024\)"):
        li.inspect(bombs.avif_items(1025))


def _refusal(engine: li.Engine) -> str | None:
    try:
        engine.to_pixels()
    except LimitError as error:
        return str(error)
    return None


# --- pixels for bytes ----------------------------------------------------------------


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
def test_pixels_per_byte_bite_one_beyond(format: str, tmp_path: Path) -> None:
    gray = np.zeros((2000, 2002), np.uint8)  # just above 4 MP
    data = li.Engine.from_pixels(gray).to_buffer(format, **_LEVEL.get(format, {})).to_bytes()
    ratio = -(-gray.size // len(data))  # rounded up: the smallest limit that passes
    for way in (by_info, by_path):
        check_border(way, data, tmp_path, "max_pixels_per_byte", ratio)
    small = li.Engine.from_pixels(gray[:, :2000]).to_buffer(format).to_bytes()
    assert li.open(small).limits(max_pixels_per_byte=1).info


_LEVEL = {"png": {"compression": 1}}


# --- memory and time -----------------------------------------------------------------


@pytest.mark.parametrize("way", [by_path, by_bytes, by_batch, by_run, by_pipeline])
@pytest.mark.parametrize("format", FORMATS)
def test_memory_is_refused_before_the_decode(format: str, way: Job, tmp_path: Path) -> None:
    with pytest.raises(LimitError) as caught:
        way(FILES[format], Recipe().limits(max_memory=20_000), tmp_path)
    assert caught.value.code == "E124"
    assert "limits(max_memory=20000)" in str(caught.value)
    assert isinstance(caught.value, MemoryError)
    way(FILES[format], Recipe().limits(max_memory=100_000_000), tmp_path)


@pytest.mark.parametrize("format", FORMATS)
def test_memory_bites_one_beyond(format: str) -> None:
    engine = li.open(FILES[format])
    estimate = engine.estimate("png")
    need = estimate.peak_bytes + estimate.out_bytes
    assert engine.limits(max_memory=need).to_buffer("png")
    with pytest.raises(li.MemoryBudgetError) as caught:
        engine.limits(max_memory=need - 1).to_buffer("png")
    assert f"may need {need} bytes, limits(max_memory={need - 1})" in str(caught.value)


def test_a_job_may_take_half_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    half = (machine_memory() or 0) // 2
    assert default_memory() == half > 0
    engine = li.open(FILES["jpeg"])
    monkeypatch.setattr("lazyimage.machine._half", [20_000])
    for job in (
        lambda: engine.to_buffer("png"),
        lambda: engine.to_pixels(),
        lambda: engine.to_file(os.devnull + "-none", "png"),
        lambda: engine.to_buffer("jpeg", max_bytes=9000),
        lambda: engine.to_buffer("jpeg", never_larger=True),
        lambda: li.quality.ssim(engine, FILES["png"]),
    ):
        with pytest.raises(li.MemoryBudgetError, match=r"limits\(max_memory=20000\)"):
            job()
    assert engine.info and engine.estimate("png") and engine.explain("png")
    for off in (None, 0, 10**8):
        assert engine.limits(max_memory=off).to_buffer("png")
    # run() has a budget of its own, and lets the caller say what is too large for it.
    assert li.run([engine.output(format="png")])[0].ok
    assert li.run([engine.output(format="png")], max_memory=20_000, oversize="alone")[0].ok


@pytest.mark.parametrize("way", [by_path, by_bytes, by_batch, by_run, by_pipeline, by_target])
def test_time_is_up_in_every_way(way: Job, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1500, 1500, 3), np.uint8)
    data = li.Engine.from_pixels(noise).to_buffer("jpeg", 95).to_bytes()
    with pytest.raises(li.ImageTimeoutError) as caught:
        way(data, Recipe().limits(timeout=0.003), tmp_path)
    assert caught.value.code == "E125" and "timeout=0.003" in str(caught.value)
    assert isinstance(caught.value, TimeoutError)
    small = Recipe().limits(timeout=0.003).limits(timeout=None).resize(20)
    way(data, small, tmp_path)
