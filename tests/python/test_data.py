"""The pictures of tests/data: one of each variant, the same claims as over the corpus."""

import hashlib
import struct
import zlib
from pathlib import Path

import checks
import oracle
import pytest
from PIL import Image

import lazyimage as li

INDEXED = oracle.read_index(oracle.DATA)
WEBP = "webp" in li.supported_input_formats()
ENTRIES = [entry for entry in INDEXED if WEBP or entry.format != "webp"]
VALID = [entry for entry in ENTRIES if entry.kind == "valid"]
BROKEN_PNGSUITE = [entry for entry in ENTRIES if entry.file.match("pngsuite/x*.png")]


def test_the_index_and_the_files_agree() -> None:
    lines = (oracle.DATA / "INDEX.tsv").read_text(encoding="utf-8").splitlines()
    column = lines[0].split("\t").index("sha256")
    for entry, line in zip(INDEXED, lines[1:], strict=True):
        digest = hashlib.sha256(entry.file.read_bytes()).hexdigest()
        assert digest == line.split("\t")[column], entry.path
    files = {
        path for path in oracle.DATA.rglob("*") if path.suffix in (".jpg", ".png", ".mpo", ".webp")
    }
    assert files == {entry.file for entry in INDEXED}
    assert sum(path.stat().st_size for path in files) <= 3_000_000


def test_every_png_type_is_there() -> None:
    kinds = {
        struct.unpack_from(">BBxxB", entry.file.read_bytes(), 24)
        for entry in VALID
        if entry.format == "png"
    }
    gray, palette, others = (1, 2, 4, 8, 16), (1, 2, 4, 8), (8, 16)
    types = [(0, gray), (3, palette)] + [(colour, others) for colour in (2, 4, 6)]
    wanted = {
        (depth, colour, interlaced)
        for colour, depths in types
        for depth in depths
        for interlaced in (0, 1)
    }
    assert len(wanted) == 30
    assert wanted <= kinds


def test_the_slow_decoder_equals_the_oracle() -> None:
    for entry in VALID:
        if entry.format == "png":
            samples = oracle.png_samples(entry.file.read_bytes())
            assert oracle.crc32_of(samples) == entry.crc32, entry.path


def test_valid_samples_equal_the_oracle() -> None:
    assert checks.samples_that_differ(VALID, must_open=True) == []


def test_odd_samples_are_refused_or_equal() -> None:
    odd = [entry for entry in ENTRIES if entry.kind == "valid-with-warnings"]
    assert len(odd) >= 5
    assert checks.samples_that_differ(odd, must_open=False) == []


def test_no_file_crashes_or_dawdles() -> None:
    assert checks.sweep_troubles(ENTRIES) == []


def test_broken_pngsuite_files_are_clean_errors() -> None:
    assert len(BROKEN_PNGSUITE) == 14
    for entry, refusal in zip(BROKEN_PNGSUITE, checks.refusals(BROKEN_PNGSUITE), strict=True):
        assert refusal is not None, entry.path
        assert refusal["category"] in ("user", "codec"), refusal


def test_corrupt_and_truncated_files_are_refused() -> None:
    bad = [entry for entry in ENTRIES if entry.kind in ("corrupt", "truncated")]
    assert len(bad) >= 20
    accepted = [
        entry.path
        for entry, refusal in zip(bad, checks.refusals(bad), strict=True)
        if refusal is None
    ]
    assert accepted == []


WEBP_CODES = {
    "corrupt-frame.webp": "E130",
    "corrupt-riff-end.webp": "E132",
    "corrupt-riff-size.webp": "E132",
    "truncated-2454x100.webp": "E130",  # its sides are what was changed
    "truncated-alpha.webp": "E132",
    "truncated-lossless.webp": "E132",
    "truncated-lossy-start.webp": "E132",
    "truncated-lossy.webp": "E132",
    "truncated-riff.webp": "E132",
}


@pytest.mark.skipif(not WEBP, reason="built without WebP")
def test_broken_webp_files_are_refused_with_their_codes() -> None:
    bad = [entry for entry in ENTRIES if entry.format == "webp" and entry not in VALID]
    codes = [(refusal or {}).get("error") for refusal in checks.refusals(bad)]
    assert {entry.file.name: code for entry, code in zip(bad, codes, strict=True)} == WEBP_CODES


@pytest.mark.skipif(not WEBP, reason="built without WebP")
def test_every_kind_of_webp_is_there() -> None:
    infos = [li.Engine.from_path(entry.file).info for entry in VALID if entry.format == "webp"]
    variants = {info.variant.removesuffix(" animated") for info in infos}
    assert variants == {"lossy 4:2:0", "lossy 4:2:0 alpha", "lossless", "lossless alpha"}
    assert sum(info.frames > 1 for info in infos) == 3
    for variant in ("lossy 4:2:0", "lossless alpha"):
        assert any(
            info.variant == variant and info.icc_bytes and info.exif_bytes and info.xmp_bytes
            for info in infos
        )
    assert sum(entry.file.stat().st_size for entry in ENTRIES if entry.format == "webp") <= 350_000


@pytest.mark.skipif(not WEBP, reason="built without WebP")
def test_alpha_of_lossy_webp_is_there_raw_packed_and_filtered() -> None:
    found = set()
    for entry in VALID:
        data = entry.file.read_bytes()
        if entry.format == "webp" and data[30:34] == b"ALPH":
            found.add((data[38] & 3, data[38] >> 2 & 3))
    assert found >= {(0, 0), (1, 0), (1, 2), (1, 3)}  # (packed, filter)


def _huge_png(width: int, height: int) -> bytes:
    data = (oracle.DATA / "pngsuite" / "basn2c08.png").read_bytes()
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def _huge_jpeg(width: int, height: int) -> bytes:
    data = bytearray((oracle.DATA / "jpeg" / "444.jpg").read_bytes())
    at = data.index(b"\xff\xc0") + 5
    struct.pack_into(">HH", data, at, height, width)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (_huge_png(40_000, 40_000), "E122"),
        (_huge_png(70_000, 8), "E121"),
        (_huge_png(2**31 - 1, 2**31 - 1), "E121"),
        (_huge_jpeg(65_000, 65_000), "E122"),
    ],
    ids=["png-pixels", "png-side", "png-both", "jpeg-pixels"],
)
def test_huge_dimensions_are_refused_by_their_header(data: bytes, code: str) -> None:
    with pytest.raises(li.errors.LimitError) as caught:
        li.Engine.from_bytes(data).resize(8).to_buffer("png")
    assert caught.value.code == code


ORIENTED = [entry for entry in ENTRIES if "orient=" in entry.notes and entry.pixels > 16]


@pytest.mark.parametrize("entry", ORIENTED, ids=lambda entry: entry.file.name)
def test_orientation_lands_upright(entry: oracle.Entry) -> None:
    with Image.open(entry.file) as opened:
        assert opened.getexif().get(0x0112) in range(2, 9)
    assert checks.upright_difference(entry.file) < 4


@pytest.mark.parametrize("format", ["JPEG", "PNG", *(["WEBP"] if WEBP else [])])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("portrait", [False, True], ids=["landscape", "portrait"])
def test_made_orientations_land_upright(format: str, orientation: int, portrait: bool) -> None:
    with Image.open(oracle.DATA / "jpeg" / "420.jpg") as opened:
        upright = opened.convert("RGB")
    if portrait:
        upright = upright.transpose(Image.Transpose.ROTATE_90)
    encoded = checks.picture_with_orientation(upright, orientation, format)
    assert checks.misplaced_corners(encoded, upright) < 4
    wrong = upright.transpose(Image.Transpose.ROTATE_180)
    assert checks.misplaced_corners(encoded, wrong) > 12


@pytest.mark.skipif(not WEBP, reason="built without WebP")
@pytest.mark.parametrize("number", [2, 7, 8])
def test_orientation_of_webp_is_found_with_and_without_a_prefix(number: int) -> None:
    """The files have the prefix that JPEG puts before EXIF; without it they say the same."""
    data = (oracle.DATA / "webp" / f"orientation-{number}.webp").read_bytes()
    at = data.index(b"EXIF")
    (size,) = struct.unpack_from("<I", data, at + 4)
    assert data[at + 8 : at + 14] == b"Exif\0\0" and at + 8 + size + size % 2 == len(data)
    chunk = (
        b"EXIF" + struct.pack("<I", size - 6) + data[at + 14 : at + 8 + size] + b"\0" * (size % 2)
    )
    body = data[8:at] + chunk
    bare = li.Engine.from_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert bare.info.orientation == li.Engine.from_bytes(data).info.orientation == number
    assert bytes(bare.to_pixels()) == bytes(li.Engine.from_bytes(data).to_pixels())


def test_the_readme_names_every_file() -> None:
    text = Path(oracle.DATA / "README.md").read_text(encoding="utf-8")
    assert [entry.path for entry in INDEXED if f"`{entry.path}`" not in text] == []
