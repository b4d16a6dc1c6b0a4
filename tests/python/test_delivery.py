"""Presets, profiles, never larger: output options that become ordinary jobs."""

import io

import numpy as np
import oracle
import pytest
from PIL import Image, PngImagePlugin

import lazyimage as li
from lazyimage import delivery
from lazyimage.errors import InvalidArgumentError


def picture(width=320, height=240, channels=3):
    rows, columns = np.mgrid[0:height, 0:width]
    waves = 127 + 60 * np.sin(rows / 9) + 60 * np.cos(columns / 13)
    return np.dstack([waves] * channels).astype(np.uint8)


def wide(width, height):
    return li.Engine.from_pixels(picture(width, height))


# --- presets -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "size", "format", "quality"),
    [
        ("thumbnail", (150, 75), "webp", 75),
        ("avatar", (200, 100), "webp", 80),
        ("hero", (1920, 960), "jpeg", 85),
        ("social", (1200, 630), "jpeg", 80),
    ],
)
def test_a_preset_is_a_size_a_format_and_a_quality(name, size, format, quality, tmp_path):
    engine = wide(2400, 1200)
    encoded = engine.to_buffer(preset=name)
    assert (encoded.width, encoded.height) == size
    assert (encoded.format, encoded.quality) == (format, quality)
    bare = engine.to_file(tmp_path / "noname", preset=name)
    assert (bare.format, bare.width) == (format, size[0])
    with open(tmp_path / "object", "wb") as file:
        assert engine.to_file(file, preset=name).format == format


def test_what_is_given_beside_a_preset_wins(tmp_path):
    engine = wide(400, 400)
    assert engine.to_buffer(preset="thumbnail", quality=33).quality == 33
    jpeg = engine.to_buffer("jpeg", preset="thumbnail")
    assert (jpeg.format, jpeg.quality, jpeg.width) == ("jpeg", 85, 150)
    png = engine.to_file(tmp_path / "a.png", preset="thumbnail")
    assert (png.format, png.quality, png.width) == ("png", None, 150)
    lossless = engine.to_buffer(preset="thumbnail", lossless=True)
    assert (lossless.format, lossless.width) == ("webp", 150)
    small = engine.to_buffer(preset="thumbnail", max_bytes=900)
    assert len(small) <= 900 and small.budget_met


def test_only_the_card_enlarges():
    engine = wide(100, 80)
    for name in ("thumbnail", "avatar", "hero"):
        assert engine.to_buffer(preset=name).width == 100
    card = engine.to_buffer(preset="social")
    assert (card.width, card.height) == (1200, 630)


def test_a_preset_comes_after_the_steps():
    engine = wide(400, 200).rotate(90)
    assert (engine.to_buffer(preset="thumbnail").width) == 75


def test_an_unknown_preset_is_e401():
    for call in (wide(8, 8).to_buffer, wide(8, 8).explain, wide(8, 8).estimate):
        with pytest.raises(InvalidArgumentError, match="thumbnail") as caught:
            call(preset="poster")
        assert (caught.value.code, caught.value.name) == ("E401", "InvalidPreset")
    with pytest.raises(TypeError):
        wide(8, 8).to_buffer(preset=3)


def test_without_a_preset_a_format_is_needed():
    with pytest.raises(TypeError, match="format"):
        wide(8, 8).to_buffer()
    with pytest.raises(TypeError, match=r"to_buffer.. needs a format, or a preset"):
        wide(8, 8).to_buffer(profile="balanced")
    with pytest.raises(InvalidArgumentError, match="no extension"):
        wide(8, 8).to_file("nothing", never_larger=True)


def test_outputs_of_run_take_presets_and_profiles(tmp_path):
    engine = wide(800, 400)
    outputs = [
        engine.output(preset="thumbnail"),
        engine.output(str(tmp_path / "a.png"), quality=50, preset="avatar"),
        engine.output(tmp_path / "noname", preset="social"),
        engine.output(format="webp", profile="size-first"),
    ]
    small, png, card, webp = (one.result for one in li.run(outputs, on_error="raise"))
    assert (small.format, small.width, small.quality) == ("webp", 150, 75)
    assert (png.format, png.width, png.quality) == ("png", 200, None)
    assert (card.format, card.height, card.quality) == ("jpeg", 630, 80)
    assert (webp.width, webp.quality) == (800, 72)
    with pytest.raises(InvalidArgumentError, match="no never_larger"):
        engine.output(format="webp", never_larger=True)
    with pytest.raises(InvalidArgumentError) as caught:
        engine.output(preset="poster")
    assert caught.value.code == "E401"
    with pytest.raises(TypeError, match=r"output.. needs a format, or a preset"):
        engine.output(profile="balanced")


# --- profiles ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "jpeg", "webp", "avif"),
    [("size-first", 77, 72, 54), ("balanced", 85, 80, 60), ("speed-first", 75, 70, 50)],
)
def test_a_profile_moves_the_quality(profile, jpeg, webp, avif):
    engine = wide(64, 48)
    for format, quality in (("jpeg", jpeg), ("webp", webp), ("avif", avif)):
        encoded = engine.to_buffer(format, profile=profile)
        assert encoded.quality == quality
        moved = quality - engine.to_buffer(format).quality
        assert engine.to_buffer(format, 50, profile=profile).quality == 50 + moved
    assert engine.to_buffer("webp", 3, profile=profile).quality == max(3 + webp - 80, 1)


def test_a_profile_sets_the_effort_and_gives_way_to_options():
    engine = wide(64, 48)
    assert "speed 4" in engine.explain("avif", profile="size-first")
    assert "speed 9" in engine.explain("avif", profile="speed-first")
    assert "speed 6" in engine.explain("avif", profile="balanced")
    assert "speed 2" in engine.explain("avif", profile="size-first", speed=2)
    for format, options in (("webp", {"method": 6}), ("jpeg", {"effort": 9})):
        plain = engine.to_buffer(format, 72, **options).to_bytes()
        assert engine.to_buffer(format, 80, profile="size-first", **options).to_bytes() == plain
    quick = engine.to_buffer("jpeg", 80, profile="speed-first").to_bytes()
    assert quick == engine.to_buffer("jpeg", 70, effort=0).to_bytes()
    fast = engine.to_buffer("png", profile="speed-first").to_bytes()
    assert fast == engine.to_buffer("png", compression=1).to_bytes()


def test_balanced_is_what_happens_anyway():
    engine = wide(64, 48)
    for format in ("jpeg", "png", "webp", "avif"):
        one, other = engine.to_buffer(format), engine.to_buffer(format, profile="balanced")
        assert one.to_bytes() == other.to_bytes()


def test_lossless_has_no_quality_to_move():
    encoded = wide(64, 48).to_buffer("webp", lossless=True, profile="size-first")
    pixels = np.asarray(encoded.open().to_pixels(mode="RGB"))
    assert np.array_equal(pixels, picture(64, 48))


def test_an_unknown_profile_is_e400():
    with pytest.raises(InvalidArgumentError, match="size-first") as caught:
        wide(8, 8).to_buffer("jpeg", profile="best")
    assert caught.value.code == "E400"


def test_the_defaults_are_those_of_the_codecs():
    for format, quality in delivery.DEFAULT_QUALITY.items():
        assert wide(8, 8).to_buffer(format).quality == quality


# --- never larger --------------------------------------------------------------------

EXIF = Image.Exif()
EXIF[0x010F] = "the maker of a camera"
ICC = Image.new("RGB", (1, 1)).info.get("icc_profile") or b"a profile of no use" * 9


def with_metadata(format, **options):
    """A small poor file that is full of metadata."""
    out = io.BytesIO()
    image = Image.fromarray(picture(96, 64))
    if format == "png":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "nobody needs this " * 20)
        options["pnginfo"] = text
    image.save(out, format, exif=EXIF.tobytes(), icc_profile=ICC, **options)
    return out.getvalue()


SOURCES = {
    "jpeg": with_metadata("jpeg", quality=5, comment=b"a comment", optimize=True),
    "progressive": with_metadata("jpeg", quality=5, progressive=True),
    "png": with_metadata("png", optimize=True),
    "webp": with_metadata("webp", quality=1),
    "lossless": with_metadata("webp", lossless=True),
}
BIGGER = {
    "jpeg": {"quality": 100},
    "progressive": {"quality": 100, "effort": 0},
    "png": {"compression": 0},
    "webp": {"quality": 100},
    "lossless": {"quality": 100, "method": 0},
}


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_the_source_is_given_back_without_metadata(name, tmp_path):
    data = SOURCES[name]
    engine = li.open(data)
    format = engine.info.format
    options = dict(BIGGER[name])
    if name == "lossless":
        options = {"lossless": True, "method": 0}
    plain = engine.to_buffer(format, **options)
    own = engine.to_buffer(format, never_larger=True, **options)
    assert len(own) < len(data) and len(own) < len(plain)
    assert b"camera" in data and b"camera" not in own.to_bytes()
    assert b"nobody" not in own.to_bytes() and b"a comment" not in own.to_bytes()
    info = own.open().info
    assert (info.icc_bytes, info.exif_bytes, info.xmp_bytes) == (0, 0, 0)
    assert np.array_equal(own.open().to_pixels(mode="RGB"), engine.to_pixels(mode="RGB"))
    with Image.open(io.BytesIO(own.to_bytes())) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), engine.to_pixels(mode="RGB"))
        assert not image.info.get("icc_profile") and not image.getexif()
    assert own.metrics.bytes_out == len(own)
    assert (own.quality, own.metrics.metadata_stripped) == (None, True)
    written = engine.to_file(tmp_path / f"a.{format}", never_larger=True, **options)
    assert (tmp_path / f"a.{format}").read_bytes() == own.to_bytes()
    assert written.bytes_written == len(own)


def test_a_file_is_held_for_both(tmp_path):
    """One version of the file: it is opened once, though it is read twice."""
    path = tmp_path / "a.jpg"
    path.write_bytes(SOURCES["jpeg"])
    engine = li.open(path)
    run, opened = engine._run, []

    class Watched(li.Engine):
        def _run(self, asked):
            opened.append(self._holds)
            answer = run(asked)
            path.unlink()  # what comes now must not need the name
            return answer

    watched = Watched._make(engine._origin, engine.recipe)
    own = watched.to_buffer("jpeg", 100, never_larger=True)
    assert own.quality is None and len(own) < len(SOURCES["jpeg"])
    assert len(opened) == 1


def test_a_smaller_result_stays():
    out = io.BytesIO()
    Image.fromarray(picture()).save(out, "jpeg", quality=100)
    engine = li.open(out.getvalue())
    kept = engine.to_buffer("jpeg", 30, never_larger=True)
    assert kept.to_bytes() == engine.to_buffer("jpeg", 30).to_bytes()
    assert kept.quality == 30


def test_another_picture_is_never_the_sources_bytes():
    engine = li.open(SOURCES["jpeg"])
    for changed in (
        engine.resize(200),
        engine.flip_h(),
        engine.grayscale(),
        engine.brightness(5),
        engine.crop(0, 0, 95, 64),
    ):
        encoded = changed.to_buffer("jpeg", 100, never_larger=True)
        assert encoded.to_bytes() == changed.to_buffer("jpeg", 100).to_bytes()
    encoded = engine.to_buffer("webp", 100, never_larger=True)
    assert (encoded.format, encoded.quality) == ("webp", 100)


def test_steps_that_change_nothing_do_not_count():
    engine = li.open(SOURCES["jpeg"]).resize(1920, enlarge=False)
    assert engine.to_buffer("jpeg", 100, never_larger=True).quality is None
    assert engine.to_buffer("jpeg", never_larger=True, profile="size-first").width == 96


def test_a_picture_that_exif_turns_is_encoded():
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture(96, 64)).save(out, "jpeg", quality=5, exif=exif)
    engine = li.open(out.getvalue())
    encoded = engine.to_buffer("jpeg", 100, never_larger=True)
    assert (encoded.width, encoded.quality) == (64, 100)


def test_animations_inks_and_pixels_are_encoded(tmp_path):
    out = io.BytesIO()
    frames = [Image.fromarray(picture(32, 32) + shift) for shift in (0, 40)]
    frames[0].save(out, "webp", save_all=True, append_images=frames[1:], quality=1)
    assert li.open(out.getvalue()).to_buffer("webp", 100, never_larger=True).quality == 100
    out = io.BytesIO()
    Image.fromarray(picture(96, 64)).convert("CMYK").save(out, "jpeg", quality=1)
    assert li.open(out.getvalue()).to_buffer("jpeg", 100, never_larger=True).quality == 100
    assert wide(32, 32).to_buffer("jpeg", 100, never_larger=True).quality == 100


def test_avif_is_given_back_whole_or_not_at_all():
    engine = wide(96, 64)
    bare = engine.to_buffer("avif", 1).to_bytes()
    own = li.open(bare).to_buffer("avif", 100, never_larger=True, speed=10)
    assert own.to_bytes() == bare
    out = io.BytesIO()
    Image.fromarray(picture(96, 64)).save(out, "avif", quality=1, exif=EXIF.tobytes())
    again = li.open(out.getvalue()).to_buffer("avif", 100, never_larger=True, speed=10)
    assert again.quality == 100


def avif_longer(data: bytes, more: bytes) -> bytes:
    """mdat, which is the last box, with bytes that no item points to."""
    at = data.index(b"mdat") - 4
    size = int.from_bytes(data[at : at + 4], "big") + len(more)
    return data[:at] + size.to_bytes(4, "big") + data[at + 4 :] + more


def test_an_avif_with_anything_beside_its_picture_is_encoded():
    out = io.BytesIO()
    Image.fromarray(picture(96, 64)).save(out, "avif", quality=1)
    bare = out.getvalue()
    place = b'<rdf:Description exif:GPSLatitude="52,31.7N"/>'
    packet = bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + place
    assert li.open(bare).to_buffer("avif", 100, never_larger=True, speed=10).to_bytes() == bare
    for data in (
        bare + (8 + len(packet)).to_bytes(4, "big") + b"uuid" + packet,
        bare + (8 + len(place)).to_bytes(4, "big") + b"free" + place,
        avif_longer(bare, place),
        bare + place,
    ):
        own = li.open(data).to_buffer("avif", 100, never_larger=True, speed=10)
        assert place in data and place not in own.to_bytes() and own.quality == 100


def test_a_search_can_be_never_larger():
    encoded = li.open(SOURCES["jpeg"]).to_buffer("jpeg", max_bytes=10**6, never_larger=True)
    assert encoded.quality is None and len(encoded) < len(SOURCES["jpeg"])
    assert encoded.budget_met and encoded.search.encodes == 1


def test_never_larger_is_told_beforehand():
    engine = li.open(SOURCES["jpeg"])
    assert "never larger" in engine.explain("jpeg", never_larger=True)
    plain, both = engine.estimate("jpeg"), engine.estimate("jpeg", never_larger=True)
    assert both.out_bytes == plain.out_bytes
    assert both.peak_bytes == max(plain.peak_bytes, plain.out_bytes)
    with pytest.raises(TypeError):
        engine.to_buffer("jpeg", never_larger=1)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_source_that_is_cut_anywhere_is_no_result_of_stripping(name):
    """The walk meets what the decoder would have refused: it gives up, it does not fail."""
    data = SOURCES[name]
    asked = {"most": 1 << 20, "type": li.Encoded}
    whole = li._core.strip(li._core.Source.from_buffer(data), asked)
    assert whole is not None
    for cut in range(40, len(data) - 1, 7):
        source = li._core.Source.from_buffer(data[:cut])
        try:
            own = li._core.strip(source, asked)
        except li.LazyImageError:
            continue  # the header is cut
        assert own is None or bytes(own) == bytes(whole), cut


def test_every_picture_of_ours_is_the_same_without_its_metadata(data):
    """What is left decodes to the same samples, or is not given."""
    for entry in oracle.read_index(data):
        if not entry.notes.startswith("valid"):
            continue
        source = li._core.Source.from_buffer(entry.file.read_bytes())
        try:
            own = li._core.strip(source, {"most": 1 << 30, "type": li.Encoded})
            pixels = li.open(entry.file).auto_orient(False).to_pixels(color="keep")
        except li.LazyImageError:
            continue
        if own is not None and not entry.animated:
            again = li.open(bytes(own)).auto_orient(False).to_pixels(color="keep")
            assert np.array_equal(pixels, again), entry.path
