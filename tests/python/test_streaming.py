"""StreamingPipeline: bytes in pieces both ways, flat memory, nothing left behind."""

import asyncio
import os
import tempfile

import numpy as np
import process
import pytest

import lazyimage as li
from lazyimage.errors import InvalidArgumentError


@pytest.fixture
def temp(tmp_path, monkeypatch):
    """The directory of temp files, empty and ours alone."""
    directory = tmp_path / "temp"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def encoded(format="png", side=300, **options):
    array = np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return li.Engine.from_pixels(array).to_buffer(format, **options).to_bytes()


def pieces(data, size=10_000):
    return [data[start : start + size] for start in range(0, len(data), size)]


def test_what_comes_out_is_what_to_buffer_gives(temp):
    data, recipe = encoded(), li.Recipe().resize(200).rotate(90)
    with li.StreamingPipeline("jpeg", 70, recipe=recipe, subsampling="4:4:4") as pipeline:
        for piece in pieces(data):
            assert pipeline.write(piece) == len(piece)
        assert pipeline.bytes_in == len(data)
        assert pipeline.result is None
        pipeline.close()
        out = list(pipeline)
    assert b"".join(out) == recipe.open(data).to_buffer("jpeg", 70, subsampling="4:4:4").to_bytes()
    assert all(type(piece) is bytes and 0 < len(piece) <= 65536 for piece in out)
    written = pipeline.result
    assert (written.path, written.bytes_written) == (None, len(b"".join(out)))
    assert (written.width, written.format, written.quality) == (200, "jpeg", 70)
    assert os.listdir(temp) == []


def test_any_buffer_is_taken(temp):
    data = encoded()
    with li.StreamingPipeline("png") as pipeline:
        pipeline.write(bytearray(data[:100]))
        pipeline.write(memoryview(data)[100:5000])
        pipeline.write(np.frombuffer(data[5000:], np.uint8))
        pipeline.write(b"")
        with pytest.raises(TypeError):
            pipeline.write("text")
        assert pipeline.bytes_in == len(data)
        pipeline.close()
        assert li.open(b"".join(pipeline)).dimensions() == (300, 300)


def test_presets_and_targets_are_options_here_too(temp):
    with li.StreamingPipeline(preset="thumbnail", max_bytes=4000) as pipeline:
        pipeline.write(encoded())
        pipeline.close()
        out = b"".join(pipeline)
    assert len(out) <= 4000 and pipeline.result.budget_met
    assert li.open(out).info.size == (150, 150)


def leaves_nothing(temp, pipeline):
    assert os.listdir(temp) == []
    with pytest.raises(ValueError):
        pipeline.write(b"more")
    with pytest.raises(ValueError):
        iter(pipeline)
    pipeline.abort()


def test_an_abort_at_any_point_leaves_nothing(temp):
    data = encoded()
    for point in ("new", "written", "closed", "reading"):
        pipeline = li.StreamingPipeline("png")
        if point != "new":
            pipeline.write(data)
        if point in ("closed", "reading"):
            pipeline.close()
            assert os.listdir(temp) == []  # it has no name even while it is there
        if point == "reading":
            reader = iter(pipeline)
            next(reader)
        pipeline.abort()
        leaves_nothing(temp, pipeline)
        if point == "reading":
            assert list(reader) == []


def test_an_exception_inside_with_leaves_nothing(temp):
    with pytest.raises(ZeroDivisionError), li.StreamingPipeline("png") as pipeline:
        pipeline.write(encoded()[:1000])
        raise ZeroDivisionError
    leaves_nothing(temp, pipeline)


@pytest.mark.parametrize("kept", [0, 3, 100, 20_000])
def test_damaged_input_is_its_own_error_and_leaves_nothing(temp, kept):
    pipeline = li.StreamingPipeline("jpeg")
    pipeline.write(encoded()[:kept])
    with pytest.raises(InvalidArgumentError if kept == 0 else li.LazyImageError) as caught:
        pipeline.close()
    assert caught.value.category != "internal"
    leaves_nothing(temp, pipeline)
    with pytest.raises(ValueError, match="aborted"):
        pipeline.close()


def test_an_encoder_that_fails_leaves_nothing(temp):
    recipe = li.Recipe().limits(max_memory=100_000)
    pipeline = li.StreamingPipeline("avif", recipe=recipe)
    pipeline.write(encoded())
    with pytest.raises(li.MemoryBudgetError):
        pipeline.close()
    leaves_nothing(temp, pipeline)


def test_a_stream_past_its_limit_is_refused_as_it_comes(temp):
    data = encoded()
    exact = li.Recipe().limits(max_input_bytes=len(data))
    with li.StreamingPipeline("png", recipe=exact) as pipeline:
        pipeline.write(data)
        pipeline.close()
    small = li.Recipe().limits(max_input_bytes=len(data) - 1)
    pipeline = li.StreamingPipeline("png", recipe=small)
    pipeline.write(data[:-1])
    with pytest.raises(li.LimitError, match=f"more than {len(data) - 1} bytes") as caught:
        pipeline.write(data[-1:])
    assert caught.value.code == "E123"
    leaves_nothing(temp, pipeline)


def test_close_again_is_nothing_and_reading_is_once(temp):
    with li.StreamingPipeline("png") as pipeline:
        pipeline.write(encoded())
        with pytest.raises(ValueError, match="after close"):
            iter(pipeline)
        pipeline.close()
        pipeline.close()
        with pytest.raises(ValueError, match="after the end"):
            pipeline.write(b"x")
        assert b"".join(pipeline)
        with pytest.raises(ValueError, match="once"):
            iter(pipeline)


def test_wrong_arguments_are_told_at_once():
    with pytest.raises(TypeError, match="Recipe"):
        li.StreamingPipeline("png", recipe="resize")
    with pytest.raises(InvalidArgumentError, match="gif"):
        li.StreamingPipeline("gif")
    with pytest.raises(TypeError):
        li.StreamingPipeline()


def test_in_an_event_loop(temp):
    data = encoded()

    async def convert():
        async with li.StreamingPipeline("webp", recipe=li.Recipe().resize(64)) as pipeline:
            for piece in pieces(data):
                await pipeline.write_async(piece)
            await pipeline.close_async()
            return b"".join([piece async for piece in pipeline])

    assert li.open(asyncio.run(convert())).dimensions() == (64, 64)
    assert os.listdir(temp) == []


def test_cancelling_the_task_stops_the_job_and_leaves_nothing(temp):
    data = encoded("png", 1500, compression=0)

    async def cancelled():
        async with li.StreamingPipeline("png", recipe=li.Recipe().resize(6000)) as pipeline:
            await pipeline.write_async(data)
            task = asyncio.create_task(pipeline.close_async())
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return pipeline

    pipeline = asyncio.run(cancelled())
    leaves_nothing(temp, pipeline)
    assert pipeline.result is None


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("LAZYIMAGE_SANITIZED") == "1", reason="a sanitizer's memory is not ours"
)
@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_a_hundred_megabytes_grow_the_process_by_24_at_most(format, tmp_path):
    answer = process.run_fresh("stream_growth", directory=str(tmp_path), format=format)
    assert answer["bytes_in"] > 100_000_000
    assert answer["growth"] <= 24_000_000
    assert answer["left"] == []
