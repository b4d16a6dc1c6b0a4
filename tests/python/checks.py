"""The claims that the corpus and tests/data are both held to. Test support."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import oracle
import process
from PIL import Image, ImageOps
from process import Call

import lazyimage as li

DEFAULT_MAX_PIXELS = 268_402_689
_MIRRORS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What to do to an upright picture so that EXIF's number turns it upright again."""


def samples_that_differ(entries: Sequence[oracle.Entry], must_open: bool) -> list[str]:
    """Decode every entry in its native mode and compare with the index's CRC.

    Returns a line for each that differs, dies, takes over 10 s or, if must_open, is
    refused. Beyond the default of max_pixels a refusal is right, a result is not.
    """
    calls = [
        Call(
            "native_crc",
            {
                "path": str(entry.file),
                "mode": "RGBA" if entry.format == "webp" else None,
                "deep": entry.format == "png" and entry.deep,
            },
        )
        for entry in entries
    ]
    wrong = []
    for entry, answer in zip(entries, process.run_all(calls), strict=True):
        value = answer.value or {}
        if answer.trouble:
            wrong.append(f"{entry.path}: {answer.trouble}")
        elif entry.pixels > DEFAULT_MAX_PIXELS:
            if value.get("error") != "E122":
                wrong.append(f"{entry.path}: {value} where E122 is due")
        elif "error" in value:
            if must_open:
                wrong.append(f"{entry.path}: refused: {value['error']} {value['message']}")
        elif value["crc32"] != expected_crc32(entry):
            wrong.append(f"{entry.path} ({entry.mode}, {entry.notes}): {value}")
    return wrong


def expected_crc32(entry: oracle.Entry) -> str:
    """The index's, but where it is of other samples: it has all frames of an animation
    where we have the first, and alpha of VP8L pictures whose header says that there is
    none. There Pillow says what is right."""
    if entry.format == "webp":
        with Image.open(entry.file) as opened:
            opaque = opened.mode == "RGB"
            pixels = np.asarray(opened.convert("RGBA"))
        differs = entry.animated or (opaque and oracle.crc32_of(pixels) != entry.crc32)
        return oracle.crc32_of(pixels) if differs else entry.crc32
    return entry.crc32


def sweep_troubles(entries: Sequence[oracle.Entry]) -> list[str]:
    """A line for each entry at which a process dies, takes over 10 s, or raises
    something that is no clean LazyImageError."""
    calls = [Call("sweep", {"path": str(entry.file)}) for entry in entries]
    wrong = []
    for answer in process.run_all(calls):
        path = answer.call.arguments["path"]
        if answer.trouble:
            wrong.append(f"{path}: {answer.trouble}")
        elif answer.value.get("category") == "internal":
            wrong.append(f"{path}: {answer.value}")
    return wrong


def refusals(entries: Sequence[oracle.Entry]) -> list[dict[str, str] | None]:
    """For each entry the error that opening and converting it gives, None if it does."""
    calls = [Call("sweep", {"path": str(entry.file)}) for entry in entries]
    answers = process.run_all(calls)
    assert not [answer for answer in answers if answer.trouble]
    return [answer.value if "error" in answer.value else None for answer in answers]


def upright_difference(file: Path, side: int = 96) -> float:
    """Mean difference in levels of our upright thumbnail and Pillow's."""
    engine = li.Engine.from_path(file).resize(side, side)
    pixels = engine.to_pixels(mode="RGB", color="keep")
    ours = np.asarray(pixels, dtype=np.int16)
    height, width = ours.shape[:2]
    with Image.open(file) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    if (upright.width > upright.height) != (width > height) and upright.width != upright.height:
        return 255.0
    theirs = upright.resize((width, height), Image.Resampling.LANCZOS)
    return float(np.abs(ours - np.asarray(theirs, dtype=np.int16)).mean())


def picture_with_orientation(upright: Image.Image, orientation: int, format: str) -> bytes:
    """The picture stored so that EXIF's `orientation` turns it upright."""
    turn = _MIRRORS[orientation]
    stored = upright if turn is None else upright.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    stored.save(out, format, exif=exif, **({"quality": 95} if format == "JPEG" else {}))
    return out.getvalue()


def misplaced_corners(encoded: bytes, upright: Image.Image) -> float:
    """Mean difference in levels between our thumbnail and the upright picture's."""
    pixels = li.Engine.from_bytes(encoded).resize(64, 64).to_pixels(mode="RGB")
    ours = np.asarray(pixels, dtype=np.int16)
    size = (ours.shape[1], ours.shape[0])
    theirs = upright.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return float(np.abs(ours - np.asarray(theirs, dtype=np.int16)).mean())
