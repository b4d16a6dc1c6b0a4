"""Web delivery as methods of Engine: what they do is in modules that are loaded on use.

Layer: below engine, which is one. The idea: the words are here, the work is in delivery,
placeholder and responsive.
"""

from __future__ import annotations

from lazyimage.request import DELIVERY_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any, BinaryIO

    from lazyimage.outputs import Encoded
    from lazyimage.records import Written


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
