"""XMP of a JPEG that was too long for one segment: in any order, joined, or left out whole."""

import hashlib
import io
import json
import random
import struct
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import needs
import places
import pytest
from PIL import Image

import lazyimage
from lazyimage import Engine

OUT = ("jpeg", "png", "webp", "avif")
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAME = b"http://ns.adobe.com/xmp/extension/\0"
ALTITUDE = "352341/1009"


def extension(size: int) -> bytes:
    """So many bytes of a history; a place, a picture of its own, an older thumbnail."""
    history = random.Random(size).randbytes(size // 2).hex()
    return (
        f"<x:xmpmeta xmlns:x='adobe:ns:meta/' x:xmptk='a tool'><rdf:RDF xmlns:rdf='{RDF}'>"
        "<rdf:Description rdf:about='' xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' "
        "xmlns:exif='http://ns.adobe.com/exif/1.0/' "
        "xmlns:GImage='http://ns.google.com/photos/1.0/image/' "
        f"GImage:Mime='image/jpeg' GImage:Data='c2VjcmV0' exif:GPSAltitude='{ALTITUDE}'>"
        f"<photoshop:History>{history}</photoshop:History></rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def history_of(more: bytes) -> bytes:
    return more.split(b"History>")[1].removesuffix(b"</photoshop:")


def naming(digest: bytes, text: bytes = places.XMP) -> bytes:
    """The packet with a word of what extends it."""
    space = b' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="%s"' % digest
    return text.replace(b' tiff:Orientation="6"', b' tiff:Orientation="6"' + space)


def segment(name: bytes, body: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", 2 + len(name) + len(body)) + name + body


def pieces_of(more: bytes, size: int = 40_000, digest: bytes | None = None) -> list[bytes]:
    digest = digest or hashlib.md5(more).hexdigest().upper().encode()
    return [
        segment(NAME, digest + struct.pack(">II", len(more), at) + more[at : at + size])
        for at in range(0, len(more), size)
    ]


def jpeg(segments: list[bytes]) -> bytes:
    out = io.BytesIO()
    places.picture().save(out, "JPEG", quality=90)
    data = out.getvalue()
    return data[:2] + b"".join(segments) + data[2:]


def made(more: bytes, pieces: list[bytes] | None = None) -> bytes:
    standard = naming(hashlib.md5(more).hexdigest().upper().encode())
    packet = segment(b"http://ns.adobe.com/xap/1.0/\0", standard)
    return jpeg([packet, *(pieces_of(more) if pieces is None else pieces)])


def encode(data: bytes, format: str) -> tuple[bytes, tuple[str, ...]]:
    engine = Engine.from_bytes(data).keep_metadata(xmp=True)
    options = {"speed": 10} if format == "avif" else {}
    encoded, metrics = engine.to_buffer_with_metrics(format, **options)  # type: ignore[arg-type]
    assert metrics.peak_bytes <= metrics.planned_bytes + metrics.planned_out_bytes
    assert len(encoded) <= metrics.planned_out_bytes
    return bytes(encoded), tuple(text for text in metrics.warnings if "extends" in text)


def packet_of(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        text = image.info.get("xmp") or image.info["XML:com.adobe.xmp"]
    return text.encode() if isinstance(text, str) else text


BARE = made(b"-", [])
"""The packet alone, which names what is not there."""


@pytest.mark.parametrize("format", OUT)
@pytest.mark.parametrize("size", [900, 60_000, 300_000])
def test_the_two_become_one_packet(format: str, size: int):
    more = extension(size)
    data = made(more)
    assert lazyimage.inspect(data).xmp_bytes > size
    out, warnings = encode(data, format)
    packet = packet_of(out)
    if format == "jpeg" and size == 300_000:
        assert warnings == ("metadata: what extends the XMP packet is more than fits: left out",)
        assert packet == packet_of(encode(BARE, "jpeg")[0]) and b"Somebody" in packet
        return
    assert warnings == () and history_of(more) in packet
    assert b"Somebody</rdf:li>" in packet and b"GImage:Mime" in packet
    assert places.found_in(packet, [ALTITUDE.encode(), b"c2VjcmV0", b"HasExtendedXMP"]) == []
    assert places.found_in(out, places.traces([places.LATITUDE, places.LONGITUDE])) == []
    (rdf,) = ElementTree.fromstring(packet).iter(f"{{{RDF}}}RDF")
    assert [child.tag for child in rdf] == [f"{{{RDF}}}Description"] * 2
    kept = Engine.from_bytes(data).keep_metadata(xmp=True, strip_gps=False)
    if format == "png":
        assert ALTITUDE.encode() in packet_of(bytes(kept.to_buffer("png")))


def test_pieces_may_stand_in_any_order_and_among_others():
    more, other = extension(100_000), extension(90_000)
    wanted = encode(made(more), "png")
    pieces = pieces_of(more, 7_001)
    for shuffled in (pieces[::-1], random.Random(1).sample(pieces, len(pieces))):
        assert encode(made(more, shuffled), "png") == wanted
        assert encode(made(more, [*pieces_of(other), *shuffled]), "png") == wanted
        assert encode(made(more, [pieces_of(other)[0], *shuffled]), "png") == wanted


def test_what_is_not_there_just_once_is_left_out_with_a_word():
    more = extension(100_000)
    pieces = pieces_of(more)
    short = pieces_of(more[:-1])
    digest = hashlib.md5(more).hexdigest().upper().encode()
    over = segment(NAME, digest + struct.pack(">II", len(more), 39_999) + more[39_999:80_000])
    beyond = segment(NAME, digest + struct.pack(">II", len(more), 0xFFFFFFF0) + more[:40_000])
    hole = segment(NAME, digest + struct.pack(">II", len(more), 0) + b"\0" * 40_000)
    spaces = more.replace(b" xmlns:rdf", b" xmlns:more='a:b' xmlns:rdf")
    wanted = packet_of(encode(BARE, "png")[0])
    for odd in (
        pieces[1:],
        pieces[:-1],
        [*pieces, pieces[1]],
        [pieces[0], over, pieces[2]],
        [pieces[0], pieces[0], pieces[2]],
        [beyond, *pieces[1:]],
        [hole, *pieces[1:]],
        [*pieces[:-1], short[-1]],
        pieces_of(more, digest=b"0" * 32),
        pieces_of(more.replace(b"</rdf:RDF>", b"</rdf:RDG>"), digest=digest),
        pieces_of(b"no XML at all, and as long as it likes to be", digest=digest),
        pieces_of(spaces, digest=digest),
        [],
    ):
        data = made(more, odd)
        out, warnings = encode(data, "png")
        assert packet_of(out) == wanted
        assert len(warnings) == bool(odd), odd[:1]
        assert all("not there whole" in text for text in warnings)


def test_damage_in_the_extension_leaves_the_packet():
    more = extension(100_000).replace(b"</photoshop:History>", b"")
    for format in ("png", "webp"):
        out, warnings = encode(made(more), format)
        assert packet_of(out) == packet_of(encode(BARE, format)[0])
        assert warnings == ("metadata: what extends the XMP packet is damaged: left out",)


def test_every_way_to_an_output_joins_and_leaves_out_alike():
    more = extension(300_000)
    engine = Engine.from_bytes(made(more)).keep_metadata(xmp=True)
    for format, whole in (("jpeg", False), ("webp", True)):
        wanted = packet_of(bytes(engine.to_buffer(format)))  # type: ignore[arg-type]
        assert (history_of(more) in wanted) == whole
        most = len(wanted) + 5_000
        [outcome] = lazyimage.run([engine.output(format=format, max_bytes=most)])
        for out in (
            engine.decoded().to_buffer(format),  # type: ignore[arg-type]
            engine.to_buffer(format, max_bytes=most),  # type: ignore[arg-type]
            outcome.result,
        ):
            assert packet_of(bytes(out)) == wanted


def test_it_counts_against_the_limit():
    data = made(extension(300_000))
    engine = Engine.from_bytes(data).keep_metadata(xmp=True)
    with pytest.raises(lazyimage.LimitError):
        engine.limits(max_metadata=250_000).to_buffer("png")
    assert engine.limits(max_metadata=310_000).to_buffer("png")


def test_what_exiftool_has_split_comes_together(tmp_path: Path):
    needs.need_program("exiftool", "libimage-exiftool-perl")
    source, text = tmp_path / "in.jpg", tmp_path / "text"
    words = random.Random(3).randbytes(60_000).hex()
    text.write_text(words)
    places.picture().save(source)
    command = ["exiftool", "-q", "-overwrite_original", "-XMP-dc:Creator=Somebody"]
    subprocess.run([*command, f"-XMP-photoshop:History<={text}", str(source)], check=True)
    assert source.read_bytes().count(NAME) >= 2
    for format in ("png", "webp", "avif"):
        path = tmp_path / f"out.{format}"
        path.write_bytes(encode(source.read_bytes(), format)[0])
        done = subprocess.run(["exiftool", "-j", str(path)], capture_output=True, check=True)
        (read,) = json.loads(done.stdout)
        assert (read["Creator"], read["History"]) == ("Somebody", words)
        said = places.exiftool_warnings([path, source])
        assert set(said[path]) <= set(said[source])
