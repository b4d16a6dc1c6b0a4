"""Every way of a file into a job. Test support.

The one idea: a limit that holds for a path and not for a pipe is no limit.
"""

import io
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

import lazyimage as li
from lazyimage import Recipe

WIDTH, HEIGHT = 60, 40
FORMATS = li.supported_output_formats()


def picture(format: str, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A gradient."""
    rows, columns = np.mgrid[0:height, 0:width]
    array = np.dstack([rows * 2, columns * 2, rows + columns]).astype(np.uint8)
    return li.Engine.from_pixels(array).to_buffer(format).to_bytes()


FILES = {format: picture(format) for format in FORMATS}

Job = Callable[[bytes, Recipe, Path], object]


def by_path(data: bytes, recipe: Recipe, directory: Path) -> object:
    path = directory / "in"
    path.write_bytes(data)
    return recipe.open(path).to_buffer("png")


def by_read(data: bytes, recipe: Recipe, directory: Path) -> object:
    path = directory / "in"
    path.write_bytes(data)
    return li.Engine._make(li.Engine.from_path(path, io="read")._origin, recipe).to_pixels()


def by_bytes(data: bytes, recipe: Recipe, directory: Path) -> object:
    return recipe.open(data).to_buffer("png")


def by_bytearray(data: bytes, recipe: Recipe, directory: Path) -> object:
    return recipe.open(bytearray(data)).to_buffer("png")


def by_file(data: bytes, recipe: Recipe, directory: Path) -> object:
    path = directory / "in"
    path.write_bytes(data)
    with open(path, "rb") as file:
        return recipe.open(file).to_buffer("png")


def by_stream(data: bytes, recipe: Recipe, directory: Path) -> object:
    return recipe.open(io.BytesIO(data)).to_buffer("png")


def by_pipe(data: bytes, recipe: Recipe, directory: Path) -> object:
    name = directory / "pipe"
    os.mkfifo(name)

    def feed() -> None:
        try:
            name.write_bytes(data)
        except BrokenPipeError:
            pass  # its reader has refused the rest

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        return recipe.open(name).to_buffer("png")
    finally:
        thread.join()
        os.unlink(name)


def by_pipeline(data: bytes, recipe: Recipe, directory: Path) -> object:
    with li.StreamingPipeline("png", recipe=recipe) as pipeline:
        for start in range(0, len(data), 1000):
            pipeline.write(data[start : start + 1000])
        pipeline.close()
        return b"".join(pipeline)


def by_batch(data: bytes, recipe: Recipe, directory: Path) -> object:
    path = directory / "in"
    path.write_bytes(data)
    (outcome,) = li.process_batch([path], directory / "out", recipe, format="png")
    if outcome.error:
        raise outcome.error
    return outcome.result


def by_run(data: bytes, recipe: Recipe, directory: Path) -> object:
    """Two outputs of one decode."""
    engine = recipe.open(data)
    outputs = [engine.output(format="png"), engine.grayscale().output(format="jpeg")]
    return li.run(outputs, on_error="raise")[0].result


def by_target(data: bytes, recipe: Recipe, directory: Path) -> object:
    return recipe.open(data).to_buffer("jpeg", max_bytes=100_000)


def by_info(data: bytes, recipe: Recipe, directory: Path) -> object:
    return recipe.open(data).info


WAYS = {
    function.__name__: function
    for function in (
        by_path,
        by_read,
        by_bytes,
        by_bytearray,
        by_file,
        by_stream,
        by_pipe,
        by_pipeline,
        by_batch,
        by_run,
        by_target,
    )
}
HEADER_WAYS = {**WAYS, "by_info": by_info}
