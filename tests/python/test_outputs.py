"""Outputs: files, buffers and file objects; their options, metrics and copies."""

import errno
import io
import os
import pickle
import stat
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lazyimage
from lazyimage import (
    CodecUnavailableError,
    Encoded,
    Engine,
    InvalidArgumentError,
    WriteError,
)

GRADIENT = np.mgrid[0:48, 0:64].sum(0)[..., None].astype(np.uint8) * np.uint8([1, 2, 1])
NOISE = np.random.default_rng(7).integers(0, 255, (64, 64, 3), np.uint8)


@pytest.fixture
def engine():
    return Engine.from_pixels(GRADIENT)


@pytest.fixture
def noise():
    return Engine.from_pixels(NOISE)


def opened(data):
    return Image.open(io.BytesIO(bytes(data)))


# --- buffers -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "format"), [("png", "png"), ("jpeg", "jpeg"), ("JPG", "jpeg"), ("Png", "png")]
)
def test_a_buffer_is_what_its_attributes_say(engine, name, format):
    encoded = engine.resize(32).to_buffer(name)
    picture = opened(encoded)
    assert picture.format.lower() == encoded.format == format
    assert picture.size == (encoded.width, encoded.height) == (32, 24)
    assert encoded.quality == (85 if format == "jpeg" else None)
    assert encoded.mime == f"image/{format}"
    assert encoded.metrics.bytes_out == len(encoded) == len(bytes(encoded))


def test_encoded_is_a_read_only_buffer_over_native_memory():
    noise = Engine.from_pixels(np.tile(NOISE, (8, 8, 1)))
    tracemalloc.start()
    encoded = noise.to_buffer("png", compression=0)
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(encoded) > 500_000 > 50_000 > used
    view = memoryview(encoded)
    assert view.readonly and view.ndim == 1 and view.format == "B"
    assert np.asarray(view).base is not None
    before = lazyimage.stats()["copies"].get("to_bytes", {"count": 0, "bytes": 0})
    assert encoded.to_bytes() == view
    after = lazyimage.stats()["copies"]["to_bytes"]
    assert after == {"count": before["count"] + 1, "bytes": before["bytes"] + len(encoded)}


def test_a_result_is_made_by_engines_and_does_not_change(engine):
    encoded = engine.to_buffer("png")
    with pytest.raises(AttributeError):
        encoded.width = 5
    with pytest.raises(TypeError):
        Encoded()
    with pytest.raises(TypeError, match="send its bytes"):
        pickle.dumps(encoded)
    assert repr(encoded) == f"<Encoded png 64×48, {len(encoded)} bytes>"


def test_open_continues_from_the_buffer(engine):
    again = engine.to_buffer("png").open()
    assert (np.asarray(again.to_pixels()) == GRADIENT).all()
    assert again.to_pixels().metrics.copies == ()


def test_with_metrics_gives_both(engine, tmp_path):
    encoded, metrics = engine.to_buffer_with_metrics("jpeg", 60)
    assert metrics is encoded.metrics and encoded.quality == 60
    written, metrics = engine.to_file_with_metrics(tmp_path / "a.png", durable=False)
    assert metrics is written.metrics and metrics.bytes_out == written.bytes_written


# --- options -------------------------------------------------------------------------


def test_quality_is_honoured(noise):
    sizes = [len(noise.to_buffer("jpeg", quality)) for quality in (1, 30, 60, 85, 100)]
    assert sizes == sorted(sizes) and len(set(sizes)) == len(sizes)
    assert len(noise.to_buffer("jpeg")) == len(noise.to_buffer("jpeg", np.int8(85)))


def test_jpeg_options_reach_the_file(noise):
    def sampling(**options):
        return opened(noise.to_buffer("jpeg", **options)).layer[0][1:3]

    assert sampling(subsampling="4:4:4") == (1, 1)
    assert sampling(subsampling="4:2:2") == (2, 1)
    assert sampling(subsampling="4:2:0") == sampling(quality=89) == (2, 2)
    assert sampling(quality=90, subsampling="auto") == (1, 1)
    assert "progressive" in opened(noise.to_buffer("jpeg", progressive=True)).info
    assert "progressive" not in opened(noise.to_buffer("jpeg", progressive=False)).info
    plain = noise.to_buffer("jpeg", progressive=False, optimize=False)
    assert len(noise.to_buffer("jpeg", progressive=False, optimize=True)) < len(plain)


def test_png_options_reach_the_file(engine):
    assert len(engine.to_buffer("png", compression=9)) < len(engine.to_buffer("png", compression=0))
    assert len(engine.to_buffer("png", compression=None)) == len(engine.to_buffer("png"))


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ("white", (255, 255, 255)),
        ("Red", (255, 0, 0)),
        ("#0f0", (0, 255, 0)),
        ("#0000fF", (0, 0, 255)),
        ((10, 20, 30), (10, 20, 30)),
        ([np.uint8(1), 2, 3], (1, 2, 3)),
    ],
)
def test_alpha_is_laid_over_the_background(color, expected):
    clear = Engine.from_pixels(np.zeros((16, 16, 4), np.uint8))
    encoded = clear.to_buffer("jpeg", 100, background=color)
    got = np.asarray(opened(encoded).convert("RGB"))[8, 8]
    assert np.abs(got.astype(int) - expected).max() <= 2


WRONG_VALUES = [
    ("E400", {"format": "gif"}),
    ("E400", {"format": ""}),
    ("E400", {"format": "jpeg", "quality": 0}),
    ("E400", {"format": "jpeg", "quality": 101}),
    ("E400", {"format": "png", "quality": 80}),
    ("E400", {"format": "png", "progressive": True}),
    ("E400", {"format": "png", "subsampling": "4:4:4"}),
    ("E400", {"format": "jpeg", "compression": 5}),
    ("E400", {"format": "png", "compression": 10}),
    ("E400", {"format": "png", "compression": -1}),
    ("E400", {"format": "jpeg", "subsampling": "4:1:1"}),
    ("E400", {"format": "jpeg", "background": "blurple"}),
    ("E400", {"format": "jpeg", "background": "#12345"}),
    ("E400", {"format": "jpeg", "background": "#ggg"}),
    ("E400", {"format": "jpeg", "background": (1, 2)}),
    ("E400", {"format": "jpeg", "background": (1, 2, 256)}),
    ("E400", {"format": "jpeg", "shrink": "most"}),
    ("E400", {"format": "webp", "quality": 80, "lossless": True}),
    ("E400", {"format": "webp", "quality": 80, "near_lossless": 50}),
    ("E400", {"format": "webp", "near_lossless": 101}),
    ("E400", {"format": "webp", "method": 7}),
    ("E400", {"format": "webp", "alpha_quality": -1}),
    ("E400", {"format": "png", "low_memory": True}),
]
WRONG_TYPES = [
    {"format": None},
    {"format": 5},
    {"format": "jpeg", "quality": "80"},
    {"format": "jpeg", "quality": 80.0},
    {"format": "jpeg", "quality": True},
    {"format": "jpeg", "progressive": 1},
    {"format": "jpeg", "optimize": "yes"},
    {"format": "png", "compression": "9"},
    {"format": "png", "compression": True},
    {"format": "jpeg", "background": 5},
    {"format": "jpeg", "background": (1.0, 2, 3)},
    {"format": "jpeg", "subsampling": 420},
]


@pytest.mark.parametrize(("code", "options"), WRONG_VALUES)
@pytest.mark.parametrize("where", ["buffer", "file", "object"])
def test_a_wrong_value_is_refused_before_anything_is_written(tmp_path, where, code, options):
    engine, target = Engine.from_pixels(GRADIENT), tmp_path / "out.png"
    calls = {
        "buffer": lambda: engine.to_buffer(**options),
        "file": lambda: engine.to_file(target, **options),
        "object": lambda: engine.to_file(io.BytesIO(), **options),
    }
    with pytest.raises(lazyimage.LazyImageError) as caught:
        calls[where]()
    absent = options["format"] == "webp" and "webp" not in lazyimage.supported_output_formats()
    assert caught.value.code == ("E112" if absent else code)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", WRONG_TYPES)
def test_a_wrong_type_is_a_type_error(engine, options):
    with pytest.raises(TypeError):
        engine.to_buffer(**options)


def test_unknown_options_are_told_as_python_tells_them(engine, tmp_path):
    for call, name in [
        (lambda: engine.to_buffer("png", colours=5), "to_buffer"),
        (lambda: engine.to_buffer_with_metrics("png", colours=5), "to_buffer_with_metrics"),
        (lambda: engine.to_file(tmp_path / "a.png", colours=5), "to_file"),
    ]:
        pattern = rf"^{name}\(\) got an unexpected keyword argument 'colours'$"
        with pytest.raises(TypeError, match=pattern):
            call()


def test_a_refusal_says_what_to_do(engine):
    with pytest.raises(InvalidArgumentError) as caught:
        engine.to_buffer("png", 80)
    assert "leave quality out" in caught.value.hint
    with pytest.raises(InvalidArgumentError) as unknown:
        engine.to_buffer("gif")
    assert '"png"' in unknown.value.hint


@pytest.mark.skipif("webp" not in lazyimage.features(), reason="no WebP in this build")
def test_webp_takes_less_memory_where_the_limit_needs_it():
    engine = Engine.from_pixels(np.tile(NOISE, (4, 6, 1)))
    whole, low = (engine.estimate("webp", low_memory=low) for low in (False, True))
    assert low.peak_bytes < whole.peak_bytes / 2
    tight = engine.limits(max_memory=low.peak_bytes + low.out_bytes)
    assert "low memory" in tight.explain("webp")
    assert "low memory" not in engine.explain("webp")
    assert tight.estimate("webp").peak_bytes == low.peak_bytes
    encoded = tight.to_buffer("webp")
    assert encoded.metrics.peak_bytes <= low.peak_bytes + low.out_bytes
    with pytest.raises(lazyimage.LazyImageError) as caught:
        tight.to_buffer("webp", low_memory=False)
    assert caught.value.code == "E124"


# --- files ---------------------------------------------------------------------------


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_is_written_whole(engine, tmp_path, durable, kind):
    path = kind(tmp_path / "out.jpg")
    written = engine.to_file(path, quality=70, durable=durable)
    assert opened(Path(path).read_bytes()).size == (written.width, written.height) == (64, 48)
    assert (written.path, written.format, written.quality) == (str(path), "jpeg", 70)
    assert written.bytes_written == os.path.getsize(path) == written.metrics.bytes_out
    assert os.listdir(tmp_path) == ["out.jpg"]
    assert pickle.loads(pickle.dumps(written)) == written


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.jpe", "a.jfif", "a.b.png", "a.PNG"])
def test_the_extension_names_the_format(engine, tmp_path, name):
    written = engine.to_file(tmp_path / name, durable=False)
    assert written.format == ("png" if name.lower().endswith("png") else "jpeg")
    assert opened((tmp_path / name).read_bytes()).format.lower() == written.format


@pytest.mark.parametrize(("name", "code"), [("a", 400), (".png", 400), ("a.gif", 400), ("a.", 400)])
def test_without_an_extension_the_format_is_needed(engine, tmp_path, name, code):
    with pytest.raises(InvalidArgumentError) as caught:
        engine.to_file(tmp_path / name)
    assert caught.value.code == f"E{code}" and "format=" in caught.value.hint
    assert engine.to_file(tmp_path / name, "png", durable=False).format == "png"


def test_a_missing_codec_is_told_with_what_to_install(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(lazyimage._core, "has_codec", lambda name: name != "webp")
    calls = (lambda: engine.to_buffer("webp"), lambda: engine.to_file(tmp_path / "a.webp"))
    for call in calls:
        with pytest.raises(CodecUnavailableError) as missing:
            call()
        assert missing.value.code == "E112" and isinstance(missing.value, ImportError)
        assert "libwebp-dev" in missing.value.hint
    assert not list(tmp_path.iterdir())


def test_a_relative_path_is_relative_to_now(engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert engine.to_file("out.png", durable=False).path == "out.png"
    assert (tmp_path / "out.png").exists()


def test_writing_over_the_source_works(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(GRADIENT).save(path)
    path.chmod(0o640)
    Engine.from_path(path).flip_h().to_file(path)
    assert (np.asarray(opened(path.read_bytes())) == GRADIENT[:, ::-1]).all()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("way", ["to_file", "save"])
def test_what_cannot_be_written_is_told_with_errno(engine, tmp_path, way):
    def write(path):
        return engine.to_file(path) if way == "to_file" else engine.to_buffer("png").save(path)

    for path, number in [
        (tmp_path / "none" / "a.png", errno.ENOENT),
        (tmp_path / ("a" * 300 + ".png"), errno.ENAMETOOLONG),
    ]:
        with pytest.raises(WriteError) as caught:
            write(path)
        assert caught.value.code == "E301" and caught.value.errno == number
        assert caught.value.filename == str(path)
    (tmp_path / "dir.png").mkdir()
    with pytest.raises(WriteError) as caught:
        write(tmp_path / "dir.png")
    assert caught.value.errno == errno.EISDIR
    assert os.listdir(tmp_path) == ["dir.png"]


@pytest.mark.parametrize("target", [None, 5, b"out.png", ["out.png"], object()])
def test_a_target_of_another_type_is_a_type_error(engine, target):
    with pytest.raises(TypeError):
        engine.to_file(target, "png")


# --- save ----------------------------------------------------------------------------


def test_save_writes_what_to_file_writes(engine, tmp_path):
    encoded = engine.to_buffer("png")
    written = encoded.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == bytes(encoded)
    assert written.bytes_written == len(encoded) and written.path == str(tmp_path / "a.png")
    assert os.listdir(tmp_path) == ["a.png"]


def test_save_checks_its_arguments(engine, tmp_path):
    encoded = engine.to_buffer("png")
    for arguments in ((tmp_path / "a", 1), (b"a", True), (io.BytesIO(), True)):
        with pytest.raises(TypeError):
            encoded.save(arguments[0], durable=arguments[1])
    with pytest.raises(TypeError):
        engine.to_file(tmp_path / "a.png", durable=1)
    assert not list(tmp_path.iterdir())


def test_save_keeps_the_old_file_s_mode_and_the_umask(engine, tmp_path):
    encoded, old = engine.to_buffer("png"), tmp_path / "old.png"
    old.write_bytes(b"old")
    old.chmod(0o604)
    encoded.save(old, durable=False)
    assert stat.S_IMODE(old.stat().st_mode) == 0o604
    before = os.umask(0o027)
    try:
        encoded.save(tmp_path / "new.png", durable=False)
        engine.to_file(tmp_path / "other.png", durable=False)
    finally:
        os.umask(before)
    for name in ("new.png", "other.png"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o640


def test_save_follows_a_symbolic_link(engine, tmp_path):
    (tmp_path / "real.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to("real.png")
    encoded = engine.to_buffer("png")
    encoded.save(tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "real.png").read_bytes() == bytes(encoded)


def test_save_that_fails_leaves_the_old_file(engine, tmp_path, monkeypatch):
    old = tmp_path / "old.png"
    old.write_bytes(b"old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError) as caught:
        engine.to_buffer("png").save(old)
    assert caught.value.errno == errno.ENOSPC
    assert old.read_bytes() == b"old" and os.listdir(tmp_path) == ["old.png"]


def test_save_to_a_device_writes_through(engine):
    assert engine.to_buffer("png").save("/dev/null").bytes_written > 0
    assert not os.path.isfile("/dev/null")
    with pytest.raises(WriteError) as caught:
        engine.to_buffer("png").save("/dev/full")
    assert caught.value.errno == errno.ENOSPC


# --- file objects --------------------------------------------------------------------


class Writes:
    """Takes `most` bytes at a time, as a raw file may."""

    def __init__(self, most=10**9, kind=memoryview):
        self.data, self.calls, self.most, self.kind = b"", 0, most, kind

    def write(self, piece):
        if not isinstance(piece, self.kind):
            raise TypeError("a bytes-like object is required")
        self.calls += 1
        self.data += piece[: self.most]
        return min(len(piece), self.most)


def test_a_file_object_gets_everything_in_one_write(engine):
    target = Writes()
    written = engine.to_file(target, "png")
    assert target.calls == 1 and target.data == bytes(engine.to_buffer("png"))
    assert written.path is None and written.bytes_written == len(target.data)
    assert written.metrics.copies == ()


def test_short_writes_are_continued(engine):
    target = Writes(most=100)
    engine.to_file(target, "png")
    assert target.data == bytes(engine.to_buffer("png")) and target.calls > 1
    with pytest.raises(WriteError):
        engine.to_file(Writes(most=0), "png")


def test_an_object_that_insists_on_bytes_gets_a_copy(engine):
    target = Writes(kind=bytes)
    written = engine.to_file(target, "png")
    assert target.data == bytes(engine.to_buffer("png"))
    assert written.metrics.copies == ("to_file",)


def test_a_write_that_returns_nothing_is_believed(engine):
    class Silent(Writes):
        def write(self, piece):
            super().write(piece)

    target = Silent()
    engine.to_file(target, "png")
    assert target.data == bytes(engine.to_buffer("png"))


def test_real_files_and_pipes_are_written(engine, tmp_path):
    for buffering in (0, -1):
        with open(tmp_path / "a", "wb", buffering=buffering) as file:
            engine.to_file(file, "png")
        assert (tmp_path / "a").read_bytes() == bytes(engine.to_buffer("png"))


def test_a_file_object_needs_a_format_and_must_be_binary(engine, tmp_path):
    with pytest.raises(InvalidArgumentError, match="format"):
        engine.to_file(io.BytesIO())
    with pytest.raises(TypeError, match="binary"):
        engine.to_file(io.StringIO(), "png")
    with (
        open(tmp_path / "a", "w", encoding="utf-8") as file,
        pytest.raises(TypeError, match="binary"),
    ):
        engine.to_file(file, "png")


def test_the_object_s_own_error_comes_through(engine):
    class Broken:
        def write(self, piece):
            raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        engine.to_file(Broken(), "png")


# --- what this build has -------------------------------------------------------------


def test_the_build_tells_what_it_has():
    assert lazyimage.supported_input_formats() == lazyimage.supported_output_formats()
    for name in lazyimage.supported_output_formats():
        header, run_time = lazyimage.features()[name]
        assert header and run_time
        assert Engine.from_pixels(GRADIENT).to_buffer(name).format == name


@pytest.mark.skipif("webp" not in lazyimage.supported_output_formats(), reason="no WebP here")
def test_webp_takes_little_memory_where_the_promise_needs_it() -> None:
    large = Engine.from_pixels(memoryview(bytes(2100 * 2100 * 3)).cast("B", (2100, 2100, 3)))
    small = Engine.from_pixels(memoryview(bytes(300 * 300 * 3)).cast("B", (300, 300, 3)))
    promised = large.resize(2000, 2000)
    assert "low memory" in promised.explain("webp")
    assert "low memory" not in promised.explain("webp", low_memory=False)
    assert "low memory" not in large.explain("webp")  # larger than what the promise is of
    assert "low memory" not in large.resize(400).explain("webp")
    assert "low memory" not in small.explain("webp")
