"""Outputs of an Engine that are made later: by run(), or beside an event loop.

Layer: below engine, which is one. The idea: what is here costs nothing until it is called;
scheduler and aio are loaded then.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any, BinaryIO, Unpack

    from lazyimage.outputs import Encoded, Pixels
    from lazyimage.records import Written
    from lazyimage.request import EncodeOptions
    from lazyimage.scheduler import Output


class Deferred:
    """A part of Engine."""

    __slots__ = ()

    def output(
        self: Any,
        path: str | os.PathLike[str] | BinaryIO | None = None,
        format: str | None = None,
        quality: int | None = None,
        **options: Any,
    ) -> Output:
        """An output to be made by lazyimage.run(), together with others.

        A path or a binary file object: as to_file(); a format alone: as to_buffer();
        neither: as to_pixels(). options are theirs. Unlike there, a quality given for a
        format that has none is dropped.

        >>> engine = Engine.from_path("photo.jpg")
        >>> sizes = [engine.resize(width).output(format="jpeg") for width in (64, 32)]
        >>> [outcome.result.width for outcome in lazyimage.run(sizes)]
        [64, 32]
        """
        from lazyimage.scheduler import make_output

        return make_output(self, path, format, quality, options)

    async def to_buffer_async(
        self: Any, format: str, quality: int | None = None, **options: Unpack[EncodeOptions]
    ) -> Encoded:
        """to_buffer(…) without blocking the event loop; cancelling the task stops the job.

        >>> import asyncio
        >>> engine = Engine.from_path("photo.jpg").resize(32)
        >>> asyncio.run(engine.to_buffer_async("png")).width
        32
        """
        from lazyimage.aio import in_thread

        return await in_thread(
            lambda flag: self._flagged(flag).to_buffer(format, quality, **options)
        )

    async def to_file_async(
        self: Any,
        path_or_fileobj: str | os.PathLike[str] | BinaryIO,
        format: str | None = None,
        quality: int | None = None,
        *,
        durable: bool = True,
        **options: Unpack[EncodeOptions],
    ) -> Written:
        """to_file(…) without blocking the event loop; a file object is written by another
        thread. Cancelling the task stops the job; then there is no file.

        >>> import asyncio
        >>> engine = Engine.from_path("photo.jpg").resize(32)
        >>> asyncio.run(engine.to_file_async("small.png")).width
        32
        """
        from lazyimage.aio import in_thread

        return await in_thread(
            lambda flag: self._flagged(flag).to_file(
                path_or_fileobj, format, quality, durable=durable, **options
            )
        )

    async def to_pixels_async(self: Any, **options: Any) -> Pixels:
        """to_pixels(…) without blocking the event loop; cancelling the task stops the job.

        >>> import asyncio
        >>> engine = Engine.from_path("photo.jpg").resize(32)
        >>> asyncio.run(engine.to_pixels_async(mode="L")).shape
        (24, 32, 1)
        """
        from lazyimage.aio import in_thread

        return await in_thread(lambda flag: self._flagged(flag).to_pixels(**options))
