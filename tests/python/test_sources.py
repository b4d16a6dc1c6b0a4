"""Sources: what each way in takes, borrows, copies and refuses."""

import array
import bz2
import errno
import gc
import gzip
import io
import mmap
import os
import pickle
import tempfile
import threading

import numpy as np
import pytest
from PIL import Image

import lazyimage
from lazyimage import Engine, InvalidArgumentError, Recipe, spool
from lazyimage.errors import (
    LimitError,
    SourceNotFoundError,
    SourceReadError,
    TruncatedImageError,
    UnsupportedFormatError,
)

GRADIENT = np.mgrid[0:48, 0:64].sum(0)[..., None].astype(np.uint8) * np.uint8([1, 2, 1])


@pytest.fixture(scope="module")
def encoded():
    return bytes(Engine.from_pixels(GRADIENT).to_buffer("png"))


@pytest.fixture
def photo(tmp_path, encoded):
    path = tmp_path / "photo.png"
    path.write_bytes(encoded)
    return path


def samples(engine):
    return np.asarray(engine.to_pixels(mode="RGB"))


def copies(engine):
    return engine.to_pixels().metrics.copies


# --- paths ---------------------------------------------------------------------------


def test_a_path_is_made_absolute_when_it_is_given(photo, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(photo.parent)
    engine = Engine.from_path("photo.png")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert (samples(engine) == GRADIENT).all()
    assert repr(engine) == f"Engine.from_path({str(photo)!r})"


@pytest.mark.parametrize("io_choice", ["auto", "map", "read"])
def test_io_says_how_a_file_is_read(photo, io_choice):
    os.utime(photo, (1, 1))  # old enough to be mapped
    metrics = Engine.from_path(photo, io=io_choice).to_pixels().metrics
    assert metrics.io == {"auto": metrics.io}.get(io_choice, io_choice)
    assert metrics.copies == ()


def test_a_missing_file_is_known_at_once(tmp_path):
    with pytest.raises(SourceNotFoundError) as caught:
        Engine.from_path(tmp_path / "none.jpg")
    assert caught.value.code == "E100" and caught.value.errno == errno.ENOENT
    assert caught.value.filename == str(tmp_path / "none.jpg")
    with pytest.raises(FileNotFoundError):
        Engine.from_path(tmp_path / "none" / "none.jpg")


def raised(error):
    raise error


@pytest.mark.parametrize("name", ["gone.png", "deep/" * 60 + "gone.png"])
def test_an_error_names_the_file_that_is_gone_at_job_time(tmp_path, encoded, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded)
    engine = Engine.from_path(path)
    path.unlink()

    outputs = [engine.output(format="png"), engine.output(format="jpeg")]
    jobs = (engine.to_pixels, engine.dimensions, lambda: raised(lazyimage.run(outputs)[1].error))
    for job in jobs:
        with pytest.raises(SourceNotFoundError) as caught:
            job()
        assert str(caught.value).endswith("/gone.png: No such file or directory")
        assert (str(path) in str(caught.value)) == (len(str(path)) <= 160)
        assert caught.value.filename == str(path)


def test_a_directory_is_no_picture(tmp_path):
    with pytest.raises(SourceReadError) as caught:
        Engine.from_path(tmp_path)
    assert caught.value.code == "E101" and caught.value.errno == errno.EISDIR


@pytest.mark.parametrize("path", [b"photo.png", bytearray(b"x"), None, 5, memoryview(b"x")])
def test_a_path_is_text(path):
    with pytest.raises(TypeError):
        Engine.from_path(path)


def test_a_path_like_of_bytes_is_refused():
    class Odd:
        def __fspath__(self):
            return b"photo.png"

    with pytest.raises(TypeError, match="type str"):
        Engine.from_path(Odd())


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_what_cannot_be_a_path_is_a_wrong_value(path):
    with pytest.raises(InvalidArgumentError):
        Engine.from_path(path)


def test_an_unknown_io_is_refused(photo):
    with pytest.raises(InvalidArgumentError, match="io"):
        Engine.from_path(photo, io="mmap")
    with pytest.raises(TypeError):
        Engine.from_path(photo, io=None)


def test_a_name_that_is_not_utf8_works(tmp_path, encoded):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.png")
    with open(name, "wb") as file:
        file.write(encoded)
    assert Engine.from_path(name).dimensions() == (64, 48)
    os.unlink(name)
    with pytest.raises(SourceNotFoundError) as caught:
        Engine.from_path(name)
    assert caught.value.filename == name


def test_many_engines_hold_no_descriptor(photo):
    before = len(os.listdir("/proc/self/fd"))
    engines = [Engine.from_path(photo) for _ in range(2000)]
    assert len(os.listdir("/proc/self/fd")) == before
    assert engines[-1].dimensions() == (64, 48)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_pipe_is_read_once(tmp_path, encoded):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(encoded,))
    writer.start()
    engine = Engine.from_path(pipe)
    writer.join()
    assert (samples(engine) == GRADIENT).all() and (samples(engine) == GRADIENT).all()
    assert copies(engine) == ("from_path",)
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(engine)


def test_a_file_of_proc_is_read_though_its_size_is_0():
    with pytest.raises(UnsupportedFormatError):
        _ = Engine.from_path("/proc/self/status").info


def test_an_empty_file_is_seen_by_the_job_that_opens_it(tmp_path, encoded):
    path = tmp_path / "late.png"
    path.touch()
    engine = Engine.from_path(path)
    with pytest.raises(OSError):
        _ = engine.info
    path.write_bytes(encoded)
    assert engine.dimensions() == (64, 48)


# --- bytes ---------------------------------------------------------------------------


def test_read_only_bytes_are_borrowed(encoded):
    engine = Engine.from_bytes(encoded)
    assert copies(engine) == () and engine.info.io == "bytes"
    assert (samples(engine) == GRADIENT).all()
    assert engine.info.bytes == len(encoded)


@pytest.mark.parametrize("kind", [bytearray, lambda b: np.frombuffer(b, np.uint8).copy()])
def test_writable_bytes_are_copied_once(encoded, kind):
    data = kind(encoded)
    engine = Engine.from_bytes(data)
    data[:] = type(data)(len(data)) if kind is bytearray else 0
    assert (samples(engine) == GRADIENT).all()
    assert copies(engine) == ("from_bytes",)
    assert copies(engine.flip_h()) == ("from_bytes",)


def test_io_map_borrows_writable_bytes(encoded):
    data = bytearray(encoded)
    engine = Engine.from_bytes(data, io="map")
    assert copies(engine) == ()
    with pytest.raises(BufferError):
        data.clear()
    data[:8] = bytes(8)
    with pytest.raises(UnsupportedFormatError):
        _ = engine.info


def test_a_copy_is_outside_the_python_heap(encoded):
    import tracemalloc

    data = bytearray(encoded) + bytes(8 << 20)
    Engine.from_bytes(bytearray(encoded))
    tracemalloc.start()
    engine = Engine.from_bytes(data)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert used < 100_000, engine


@pytest.mark.parametrize("data", [None, "photo.png", 5, [1, 2], io.BytesIO(b"x")])
def test_what_is_no_buffer_is_a_type_error(data):
    with pytest.raises(TypeError):
        Engine.from_bytes(data)


def test_scattered_bytes_are_refused(encoded):
    with pytest.raises(TypeError, match="contiguous"):
        Engine.from_bytes(memoryview(encoded)[::2])


@pytest.mark.parametrize("data", [b"", bytearray(), b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_too_few_bytes_are_an_error_of_their_own(data):
    with pytest.raises(lazyimage.LazyImageError):
        _ = Engine.from_bytes(data).info


def test_from_memory_is_from_bytes(encoded):
    assert Engine.from_memory(encoded).dimensions() == (64, 48)


# --- file objects --------------------------------------------------------------------


def test_a_file_of_open_is_used_through_its_descriptor(photo):
    with open(photo, "rb") as file:
        engine = Engine.from_file(file)
        assert file.tell() == 0
    assert (samples(engine) == GRADIENT).all()
    assert copies(engine) == ()
    photo.unlink()
    assert engine.dimensions() == (64, 48)


@pytest.mark.parametrize(("mode", "buffering"), [("rb", 0), ("r+b", -1)])
def test_other_files_of_open_are_used_directly_too(photo, mode, buffering):
    with open(photo, mode, buffering=buffering) as file:
        assert copies(Engine.from_file(file)) == ()


def test_what_was_written_through_the_object_is_seen(encoded):
    with tempfile.NamedTemporaryFile() as file:
        file.write(encoded)
        file.seek(0)
        engine = Engine.from_file(file)
        assert (samples(engine) == GRADIENT).all()
        assert copies(engine) == ()


def test_a_file_that_is_not_at_its_start_is_spooled_from_there(tmp_path, encoded):
    path = tmp_path / "offset"
    path.write_bytes(b"header" + encoded)
    with open(path, "rb") as file:
        file.seek(6)
        engine = Engine.from_file(file)
    assert (samples(engine) == GRADIENT).all()
    assert copies(engine) == ("from_file",)


@pytest.mark.parametrize("module", [gzip, bz2], ids=["gzip", "bz2"])
def test_the_descriptor_of_a_compressed_file_is_not_believed(tmp_path, encoded, module):
    path = tmp_path / "packed"
    with module.open(path, "wb") as file:
        file.write(encoded)
    with module.open(path, "rb") as file:
        engine = Engine.from_file(file)
    assert (samples(engine) == GRADIENT).all()


def test_a_stream_is_spooled(encoded):
    stream = io.BytesIO(encoded)
    engine = Engine.from_file(stream)
    stream.close()
    assert (samples(engine) == GRADIENT).all() and (samples(engine) == GRADIENT).all()
    assert copies(engine) == ("from_file",)
    reader, writer = os.pipe()
    with open(writer, "wb") as sink:
        sink.write(encoded)
    with open(reader, "rb") as file:
        assert Engine.from_file(file).dimensions() == (64, 48)


def test_an_object_that_stands_at_its_end_is_told_to_go_back(photo, encoded):
    stream = io.BytesIO()
    stream.write(encoded)
    with (
        open(photo, "rb") as file,
        gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(b"x"))) as packed,
    ):
        file.seek(0, 2)
        packed.read()
        for object in (stream, file, packed):
            with pytest.raises(TruncatedImageError, match=f"at byte {object.tell()}") as caught:
                Engine.from_file(object)
            assert caught.value.code == "E132" and "seek(0)" in caught.value.hint
    stream.seek(0)
    assert Engine.from_file(stream).dimensions() == (64, 48)


def test_an_object_that_never_had_a_byte_is_empty():
    class Bare:
        def read(self, size):
            return b""

    for object in (io.BytesIO(), Bare()):
        with pytest.raises(TruncatedImageError, match="empty"):
            _ = Engine.from_file(object).info


def test_an_object_with_nothing_but_read_is_enough(encoded):
    class Bare:
        def __init__(self):
            self.rest = encoded

        def read(self, size):
            piece, self.rest = self.rest[: min(size, 100)], self.rest[100:]
            return bytearray(piece)

    assert (samples(Engine.from_file(Bare())) == GRADIENT).all()


def test_a_stream_is_capped(monkeypatch):
    recipe = Recipe().limits(max_input_bytes=1000)
    assert recipe.open(io.BytesIO(bytes(1000)))
    with pytest.raises(LimitError) as caught:
        recipe.open(io.BytesIO(bytes(1001)))
    assert caught.value.code == "E123" and "max_input_bytes=1000" in str(caught.value)
    written = []
    monkeypatch.setattr(spool, "write_piece", lambda file, piece: written.append(len(piece)))
    with pytest.raises(LimitError, match="max_input_bytes=1073741824"):
        spool.spool(io.BufferedReader(Endless()).read, "from_file")
    assert sum(written) == 1 << 30


class Endless(io.RawIOBase):
    """Zeros without end."""

    def readable(self):
        return True

    def readinto(self, buffer):
        return len(buffer)


def test_what_is_no_binary_reader_is_a_type_error(photo, tmp_path):
    with open(photo, encoding="latin-1") as file, pytest.raises(TypeError, match="binary"):
        Engine.from_file(file)
    with pytest.raises(TypeError, match="binary"):
        Engine.from_file(io.StringIO("x"))
    with open(tmp_path / "out", "wb") as file, pytest.raises(TypeError, match="reading"):
        Engine.from_file(file)

    class Text:
        def read(self, size):
            return "text"

    with pytest.raises(TypeError, match="text"):
        Engine.from_file(Text())
    for other in (None, 5, b"bytes", str(photo)):
        with pytest.raises(TypeError):
            Engine.from_file(other)


def test_a_stream_s_own_error_comes_through_and_nothing_leaks():
    class Broken:
        def read(self, size):
            raise ConnectionResetError("gone")

    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ConnectionResetError):
        Engine.from_file(Broken())
    assert len(os.listdir("/proc/self/fd")) == before


def test_descriptors_go_with_the_engine(photo):
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    with open(photo, "rb") as file:
        engine = Engine.from_file(file)
    assert engine.dimensions() == (64, 48)
    del engine
    assert len(os.listdir("/proc/self/fd")) == before


# --- policies ------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["strict", "public-upload"])
def test_untrusted_files_are_read_privately(photo, policy):
    os.utime(photo, (1, 1))
    assert Engine.from_path(photo).sanitize(policy).to_pixels().metrics.io == "read"
    assert Recipe().sanitize(policy).open(photo).to_pixels().metrics.io == "read"
    with open(photo, "rb") as file:
        engine = Engine.from_file(file).sanitize(policy)
    assert engine.to_pixels().metrics.io == "read"
    forced = Engine.from_path(photo, io="map").sanitize(policy)
    assert forced.to_pixels().metrics.io == "map"


def test_a_file_object_that_is_closed_cannot_be_opened_another_way(photo):
    with open(photo, "rb") as file:
        engine = Engine.from_file(file)
    with pytest.raises(InvalidArgumentError, match="closed"):
        engine.sanitize("strict")
    assert engine.sanitize("lenient").dimensions() == (64, 48)


# --- open ----------------------------------------------------------------------------


def test_open_tells_sources_apart(photo, encoded):
    engine = lazyimage.open(photo)
    assert lazyimage.open(engine) is engine
    with open(photo, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        ways = [
            str(photo),
            encoded,
            bytearray(encoded),
            memoryview(encoded),
            array.array("B", encoded),
            np.frombuffer(encoded, np.uint8),
            engine.to_buffer("png"),
            GRADIENT,
            memoryview(GRADIENT),
            Image.fromarray(GRADIENT),
            engine.to_pixels(),
            file,
            io.BytesIO(encoded),
            mapped,
        ]
        for way in ways:
            assert (samples(lazyimage.open(way)) == GRADIENT).all(), way
            if isinstance(way, io.BytesIO):
                way.seek(0)
            assert (samples(Recipe().flip_h().open(way)) == GRADIENT[:, ::-1]).all(), way


def test_open_never_takes_bytes_for_a_path(photo):
    with pytest.raises(UnsupportedFormatError):
        _ = lazyimage.open(os.fsencode(photo)).info


@pytest.mark.parametrize("other", [None, 5, object(), ["a"], 3.5])
def test_open_refuses_the_rest(other):
    with pytest.raises(TypeError):
        lazyimage.open(other)
    with pytest.raises(TypeError):
        Recipe().open(other)


def test_a_recipe_opens_sources_not_engines(photo):
    with pytest.raises(TypeError, match="recipe of its own"):
        Recipe().open(lazyimage.open(photo))


def test_open_passes_io_on(photo):
    assert lazyimage.open(photo, io="read").to_pixels().metrics.io == "read"


def test_inspect_reads_headers(photo, encoded):
    for info in (lazyimage.inspect(encoded), lazyimage.inspect(bytearray(encoded))):
        assert (info.format, info.size, info.mode) == ("png", (64, 48), "RGB")
    assert lazyimage.inspect_file(photo).bytes == len(encoded)
    before = lazyimage.stats()["copies"]
    lazyimage.inspect(bytearray(encoded))
    assert lazyimage.stats()["copies"] == before
