"""Streaming: bytes in as they come, bytes out in pieces, both staged on disk.

Layer: above engine and spool; loaded on use. The idea: decoders read where they like, so what
comes in waits in a temp file without a name; what goes out waits in another. Memory is that of
one job, whatever the sizes.
"""

from __future__ import annotations

import os
import tempfile

from lazyimage import _core, spool
from lazyimage.checks import type_name
from lazyimage.engine import Engine
from lazyimage.errors import InvalidArgumentError, LimitError
from lazyimage.formats import check_format
from lazyimage.recipe import Recipe
from lazyimage.records import Written
from lazyimage.settings import MAX_INPUT_BYTES
from lazyimage.source import Origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import TracebackType
    from typing import Any, BinaryIO, Self

    from typing_extensions import Buffer

PIECE = 64 << 10
"""Bytes of a piece at most."""


class StreamingPipeline:
    """A conversion that is fed with write(), ended with close(), and read by iterating.

    format, quality and options: as of Engine.to_file(). recipe: what is done to the picture.
    The input is spooled to a temp file that has no name, up to limits(max_input_bytes=…) or
    1 GiB (then LimitError E123); the picture is made by close(). Leaving `with`, abort() and
    any error remove everything. Not for several threads at once.

    In an event loop: `async with`, write_async(), close_async() and `async for`; cancelling
    close_async() stops the job.

    >>> recipe = lazyimage.Recipe().resize(64)
    >>> with lazyimage.StreamingPipeline("png", recipe=recipe) as pipeline:
    ...     with open("photo.jpg", "rb") as source:
    ...         while piece := source.read(4096):
    ...             _ = pipeline.write(piece)
    ...     pipeline.close()
    ...     encoded = b"".join(pipeline)
    >>> encoded[1:4], pipeline.result.width
    (b'PNG', 64)
    """

    def __init__(
        self,
        format: str | None = None,
        quality: int | None = None,
        *,
        recipe: Recipe | None = None,
        **options: Any,
    ) -> None:
        if recipe is not None and not isinstance(recipe, Recipe):
            raise TypeError(f"recipe must be a Recipe, not {type_name(recipe)}")
        if options.get("preset") is None or format is not None:
            check_format(format)
        self._recipe = Recipe() if recipe is None else recipe
        self._job = {"format": format, "quality": quality, **options}
        limit = self._recipe.effective_limits.get("max_input_bytes", MAX_INPUT_BYTES)
        self._most: int = limit or 1 << 63
        self._input: BinaryIO | None = spool.new_temp()
        self._output: BinaryIO | None = None
        self.bytes_in: int = 0
        """Bytes that write() has taken."""
        self.result: Written | None = None
        """What was made; its path is None. None before close()."""

    # --- in --------------------------------------------------------------------------

    def write(self, data: Buffer) -> int:
        """Take the next bytes of the input; returns how many.

        Raises ValueError after close(), LimitError (E123) past the limit, WriteError (E301)
        if there is no room for temp files; the last two abort.
        """
        if self._input is None:
            raise ValueError("write() after the end of a StreamingPipeline")
        piece = memoryview(data).cast("B")
        size = len(piece)
        try:
            if self.bytes_in + size > self._most:
                raise LimitError(
                    f"stream: more than {self._most} bytes (limits(max_input_bytes={self._most}))",
                    code=123,
                    hint="limits(max_input_bytes=…) of the recipe allows more",
                )
            self.bytes_in += size
            spool.write_piece(self._input, piece)
        except BaseException:
            self.abort()
            raise
        return size

    async def write_async(self, data: Buffer) -> int:
        """write(data) on another thread."""
        from lazyimage.aio import in_thread

        return await in_thread(lambda flag: self.write(data))

    def close(self) -> None:
        """End the input and make the picture. Again: nothing happens.

        Raises what to_file() does; then everything is gone. After abort(): ValueError.
        """
        self._finish(None)

    async def close_async(self) -> None:
        """close() on another thread; cancelling the task stops the job and aborts."""
        from lazyimage.aio import in_thread

        await in_thread(self._finish)

    def _finish(self, flag: _core.Cancel | None) -> None:
        if self.result is not None:
            return
        if self._input is None:
            raise ValueError("close() of a StreamingPipeline that was aborted")
        try:
            self._make(self._input, flag)
        except BaseException:
            self.abort()
            raise
        self._input.close()
        self._input = None

    def _make(self, source: BinaryIO, flag: _core.Cancel | None) -> None:
        if not self.bytes_in:
            raise InvalidArgumentError(
                "stream: close() before anything was written", hint="write() the file's bytes first"
            )
        core = _core.Source.from_fd(source.fileno(), "auto")
        engine = Engine._make(Origin(core, "file"), self._recipe)
        if flag is not None:
            engine = engine._flagged(flag)
        path = os.path.join(tempfile.gettempdir(), f".lazyimage-{os.urandom(8).hex()}")
        try:
            written = engine.to_file(path, durable=False, **self._job)
            self._output = open(path, "rb", buffering=0)  # noqa: SIM115 - read by the caller
        finally:
            if os.path.exists(path):
                os.unlink(path)
        self.result = Written(**{**written.fields(), "path": None})

    # --- out -------------------------------------------------------------------------

    def __iter__(self) -> Iterator[bytes]:
        """The encoded picture in pieces of 64 KiB; once. ValueError before close()."""
        if self._output is None:
            raise ValueError("a StreamingPipeline is read after close(), and once")
        return self._pieces(self._output)

    def _pieces(self, output: BinaryIO) -> Iterator[bytes]:
        while not output.closed and (piece := output.read(PIECE)):
            yield piece
        self.abort()

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The same for `async for`."""
        if self._output is None:
            raise ValueError("a StreamingPipeline is read after close_async(), and once")
        return self._pieces_async(self._output)

    async def _pieces_async(self, output: BinaryIO) -> AsyncIterator[bytes]:
        from lazyimage.aio import in_thread

        while not output.closed and (piece := await in_thread(lambda flag: output.read(PIECE))):
            yield piece
        self.abort()

    # --- the end ---------------------------------------------------------------------

    def abort(self) -> None:
        """Let go of everything, now. May be called at any time, and again."""
        for file in (self._input, self._output):
            if file is not None:
                file.close()
        self._input = self._output = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.abort()
