"""Web delivery as methods of Engine: what they do is in modules that are loaded on use.

Layer: below engine, which is one. The idea: the words are here, the work is in delivery,
placeholder and responsive.
"""

from __future__ import annotations

from lazyimage.request import DELIVERY_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from typing import Any, BinaryIO

    from lazyimage.outputs import Encoded
    from lazyimage.records import Written
    from lazyimage.responsive import Responsive


class Web:
    """A part of Engine."""

    __slots__ = ()

    @staticmethod
    def _delivery(options: Mapping[str, object]) -> Any:
        """The module that does it, if one of these options is of web delivery."""
        if DELIVERY_NAMES.isdisjoint(options):
            return None
        from lazyimage import delivery

        return delivery

    def to_buffer_target_bytes(self: Any, format: str, max_bytes: int, **options: Any) -> Encoded:
        """to_buffer(format, max_bytes=max_bytes, …): the highest quality that fits.

        >>> small = Engine.from_path("photo.jpg").resize(160)
        >>> encoded = small.to_buffer_target_bytes("jpeg", 4000)
        >>> len(encoded) <= 4000, encoded.budget_met, 1 <= encoded.quality <= 100
        (True, True, True)
        """
        caller = "to_buffer_target_bytes"
        merged = {**options, "max_bytes": max_bytes}
        return self._encode(caller, format, None, merged)  # type: ignore[no-any-return]

    def to_file_target_bytes(
        self: Any,
        path_or_fileobj: str | os.PathLike[str] | BinaryIO,
        max_bytes: int,
        format: str | None = None,
        *,
        durable: bool = True,
        **options: Any,
    ) -> Written:
        """to_file(path_or_fileobj, format, max_bytes=max_bytes, …).

        >>> small = Engine.from_path("photo.jpg").resize(160)
        >>> small.to_file_target_bytes("small.webp", 4000).bytes_written <= 4000
        True
        """
        caller = "to_file_target_bytes"
        merged = {**options, "max_bytes": max_bytes}
        return self._write(  # type: ignore[no-any-return]
            caller, path_or_fileobj, format, None, durable, merged
        )

    def placeholder(self: Any, size: int = 16, format: str = "webp", quality: int = 20) -> str:
        """A data URL of the picture inside size × size pixels (1 to 256), never enlarged.

        What a page shows while the picture loads, scaled up by CSS. A format that has no
        quality drops it.

        >>> Engine.from_path("photo.jpg").placeholder()[:23]
        'data:image/webp;base64,'
        """
        from lazyimage.placeholder import data_url

        return data_url(self, size, format, quality)

    def dominant_color(self: Any) -> str:
        """The colour that most pixels have, "#rrggbb".

        Of the picture inside 64 × 64, in 16 × 16 × 16 bins: the mean of the fullest bin.
        Pixels with alpha below 128 do not count, unless there are no others.

        >>> Engine.from_pixels(memoryview(bytes([9] * 48)).cast("B", (4, 4, 3))).dominant_color()
        '#090909'
        """
        from lazyimage.placeholder import dominant

        return dominant(self)

    def thumbhash(self: Any) -> bytes:
        """The ThumbHash of the picture inside 100 × 100: about 25 bytes, alpha included.

        github.com/evanw/thumbhash has decoders for browsers.

        >>> len(Engine.from_path("photo.jpg").thumbhash()) < 30
        True
        """
        from lazyimage.placeholder import thumbhash

        return thumbhash(self)

    def responsive(
        self: Any,
        widths: Iterable[int] = (320, 640, 1280),
        formats: Iterable[str] = ("webp",),
        pattern: str | os.PathLike[str] = "img-{width}.{ext}",
        enlarge: bool = False,
        *,
        quality: int | None = None,
        **options: Any,
    ) -> Responsive:
        """Files of several widths and formats from one decode, and the srcset for them.

        pattern: a path with {width}, {ext} and {format} filled in. A width past the picture's
        is the picture's own, once, unless enlarge=True. quality is dropped for formats that
        have none; options: as of output(). Returns Responsive(files, srcset); raises the
        first error of run().

        >>> made = Engine.from_path("photo.jpg").responsive((160, 320, 9999))
        >>> made.srcset["webp"]
        'img-160.webp 160w, img-320.webp 320w, img-640.webp 640w'
        """
        from lazyimage.responsive import make

        return make(self, widths, formats, pattern, enlarge, quality, options)
