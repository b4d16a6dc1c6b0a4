"""Searches among the jobs of a run(): max_bytes and min_ssim of its outputs.

Layer: beside scheduler; loaded on use. The idea: a search is a generator of jobs (target.py).
Its picture is made like any other output, with the bytes that the whole search may take; they
stay taken until it is over. Its other jobs go to the core one by one, before anything new,
and need no bytes: so whatever else waits for bytes, a search that has begun comes to its end.
"""

from __future__ import annotations

from lazyimage.errors import CancelledError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lazyimage import _core, target
    from lazyimage.outputs import Encoded
    from lazyimage.scheduler import Output

    Note = Callable[[int, Output, Any, Exception | None], None]


class Searching:
    """A search that has begun: what the core calls each of its jobs."""

    __slots__ = ("index", "kept", "output", "step", "steps")

    def __init__(self, index: int, output: Output, kept: int, steps: target.Steps[Encoded]) -> None:
        self.index = index
        self.output = output
        self.kept = kept  # bytes of the budget, which are given back at its end
        self.steps = steps
        self.step: target.Step | None = None  # to be given to the core


class Searches:
    """All of one run()."""

    def __init__(self, note: Note, durable: bool) -> None:
        self.note = note
        self.durable = durable
        self.asked: dict[int, target.Asked] = {}
        self.begun: dict[int, Searching] = {}

    def first(self, index: int, asked: target.Asked) -> dict[str, Any]:
        """The request for the picture of a search."""
        self.asked[index] = asked
        return {**asked.first, "hold": asked.planned + asked.planned_out}

    def begin(self, index: int, output: Output, pixels: Any, raw: dict[str, Any]) -> int | None:
        """The picture is there. Returns bytes that are free again, as advance() does."""
        from lazyimage import target

        steps = target.find(self.asked.pop(index), pixels, raw)
        search = self.begun[index] = Searching(index, output, raw["kept"], steps)
        return self.advance(search, None, None)

    def next_step(self) -> tuple[Searching, _core.Source, dict[str, Any]] | None:
        """A job of one of them, if one is due."""
        for search in self.begun.values():
            if (step := search.step) is not None:
                search.step = None
                return search, step.source, {**step.request, "covered": True}
        return None

    def advance(self, search: Searching, result: Any, raw: Any) -> int | None:
        """The next step of a search, or its end. result: of the step before, or an exception."""
        try:
            if isinstance(result, Exception):
                search.step = search.steps.throw(result)
            else:
                search.step = search.steps.send(None if raw is None else (result, raw))
        except StopIteration as end:
            return self.end(search, end.value, None)
        except Exception as error:
            return self.end(search, None, error)
        return None

    def end(self, search: Searching, encoded: Encoded | None, error: Exception | None) -> int:
        """Of a search, in one way or the other."""
        del self.begun[search.index]
        result = None
        if encoded is not None:
            try:
                result = search.output.deliver(encoded, self.durable)
            except Exception as failure:  # of the file, or of a file object's write()
                error = failure
        self.note(search.index, search.output, result, error)
        return search.kept

    def cancel(self) -> None:
        """Those that were not done when everything ended."""
        for search in list(self.begun.values()):
            self.end(search, None, CancelledError("cancelled"))
