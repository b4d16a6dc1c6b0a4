"""run(): the one scheduler. Many outputs, one decode a source, one budget for all.

Layer: above engine; loaded on use. The idea: the core runs, this module feeds it. One unit
is one source with all that is wanted of it; units are made when the core asks for the next
one, and what a unit gives is settled, in this thread, as it comes.
"""

from __future__ import annotations

import os

from lazyimage import _core, request
from lazyimage.checks import as_choice, as_flag, as_integer, type_name
from lazyimage.engine import Engine
from lazyimage.errors import CancelledError, InvalidArgumentError
from lazyimage.formats import check_format, format_of_path
from lazyimage.machine import default_workers, machine_memory, parse_size
from lazyimage.outputs import (
    Encoded,
    Pixels,
    finish_encoded,
    finish_pixels,
    make_metrics,
    with_copies,
    written,
)
from lazyimage.ranges import check_range
from lazyimage.records import Record, Written
from lazyimage.searches import Searches, Searching
from lazyimage.source import absolute_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any, BinaryIO, Literal, Protocol

    class Flag(Protocol):
        """What cancel= takes: a threading.Event, or another with is_set()."""

        def is_set(self) -> bool:
            """Whether everything is to stop."""
            ...

    from lazyimage import target

    Progress = Callable[[int, int], object]
    OnOutcome = Callable[["Outcome"], object]


MOST_TOGETHER = 64
"""Outputs that one decode feeds: each has a thread."""
OVERSIZES = ("refuse", "alone")
ON_ERRORS = ("return", "raise")


class Output(Record):
    """One output that is described and not made yet: what run() takes.

    >>> output = Engine.from_path("photo.jpg").resize(64).output("small.png")
    >>> output.path, output.format
    ('small.png', 'png')
    """

    __slots__ = ("engine", "path", "format", "quality", "options")  # noqa: RUF023 - their order

    engine: Engine
    path: str | os.PathLike[str] | BinaryIO | None
    """As it was given; None: the result is an Encoded, or Pixels."""
    format: str | None
    """None: Pixels."""
    quality: int | None
    options: Mapping[str, Any]

    def search(self) -> target.Asked | None:
        """The search that finds the quality; None: there is none."""
        if request.GOAL_NAMES.isdisjoint(self.options) or self.format is None:
            return None
        from lazyimage import target
        from lazyimage.goal import make_goal

        goal = make_goal(self.options, self.format, self.quality, "output")
        if goal is None:
            return None
        plain = {k: v for k, v in self.options.items() if k not in request.GOAL_NAMES}
        return target.ask(self.engine, self.format, plain, goal, "output")

    def request(self) -> dict[str, Any]:
        """What the core is asked for, but for `durable`."""
        recipe = self.engine.recipe
        if self.format is None:
            options = {"mode": None, **self.options}
            return {**request.pixels_request(recipe, **options), "type": Pixels}
        if not isinstance(self.path, (str, os.PathLike)):
            asked = request.encode_request(
                recipe, "buffer", self.format, self.quality, self.options, "output"
            )
            return {**asked, "type": Encoded}
        path = absolute_path(self.path, "output()")
        asked = request.encode_request(
            recipe, "file", self.format, self.quality, self.options, "output"
        )
        return {**asked, "path": os.fsencode(path)}

    def finish(self, result: Any, raw: dict[str, Any]) -> Written | Encoded | Pixels:
        """What the core has made, as the caller gets it."""
        origin = self.engine._origin
        if isinstance(result, Pixels):
            raw["bytes_out"] = memoryview(result).nbytes
            layout = self.options.get("layout", "HWC")
            return finish_pixels(result, make_metrics(raw, origin), layout)
        if isinstance(self.path, (str, os.PathLike)):
            return written(os.fspath(self.path), result, make_metrics(raw, origin))
        return self.deliver(finish_encoded(result, make_metrics(raw, origin)), False)

    def deliver(self, encoded: Encoded, durable: bool) -> Written | Encoded:
        """Bytes that are there, to where they are wanted."""
        if self.path is None:
            return encoded
        from lazyimage import files

        if isinstance(self.path, (str, os.PathLike)):
            path = absolute_path(self.path, "output()")
            files.save(path, memoryview(encoded), durable)
            return written(os.fspath(self.path), len(encoded), encoded.metrics, encoded.search)
        more = files.write_to(self.path, memoryview(encoded))
        metrics = with_copies(encoded.metrics, more)
        return written(None, len(encoded), metrics, encoded.search)


class Outcome(Record):
    """What came of one Output: a result, or an error.

    >>> (outcome,) = lazyimage.run([Engine.from_path("photo.jpg").output(format="png")])
    >>> outcome.ok, outcome.result.format, outcome.error, outcome.index
    (True, 'png', None, 0)
    """

    __slots__ = ("ok", "output", "result", "error", "index")  # noqa: RUF023 - their order

    ok: bool
    output: Output
    result: Written | Encoded | Pixels | None
    """Written for a path or a file object, Encoded or Pixels for none; None: error."""
    error: Exception | None
    index: int
    """Of the output in the list that was given."""


def make_output(
    engine: Engine,
    path: Any,
    format: str | None,
    quality: int | None,
    options: Mapping[str, Any],
) -> Output:
    """See Engine.output()."""
    from lazyimage import files

    if not request.DELIVERY_NAMES.isdisjoint(options):
        from lazyimage.delivery import plain_output

        engine, format, quality, options = plain_output(engine, path, format, quality, options)
    if path is not None and not isinstance(path, (str, os.PathLike)):
        files.check_writable(path)
    elif path is not None and format is None:
        format = format_of_path(absolute_path(path, "output()"))
    if format is None and path is not None:
        raise InvalidArgumentError(
            "output: a file object does not tell the format", hint='pass format=, such as "jpeg"'
        )
    if format is None and quality is not None:
        raise InvalidArgumentError(
            "output: pixels have no quality", hint="pass path or format, or leave quality out"
        )
    if format is not None:
        format = check_format(format)
        quality = request.drop_quality(quality, format, options)
    output = Output(engine=engine, path=path, format=format, quality=quality, options=options)
    if request.GOAL_NAMES.isdisjoint(options):
        output.request()  # a wrong option is refused here, and of a search in plain_output()
    return output


# --- units -----------------------------------------------------------------------------


class Unit:
    """Outputs of one source, which are fed by one decode."""

    __slots__ = ("engine", "members")

    def __init__(self, members: list[tuple[int, Output]]) -> None:
        self.members = members
        self.engine = members[0][1].engine  # source and limits are the same in all


def source_key(engine: Engine) -> tuple[Any, ...]:
    """Equal for outputs that one decode can feed."""
    origin, recipe = engine._origin, engine.recipe
    named = origin.kind == "path" and not origin.core.held
    return (
        origin.identity if named else id(origin.core),
        recipe.policy,
        tuple(sorted(recipe.effective_limits.items())),
    )


def units_of(outputs: list[Output]) -> Iterator[Unit]:
    """One unit a source, in the order in which the sources first appear; more than
    MOST_TOGETHER outputs of one source are several units.
    """
    groups: dict[tuple[Any, ...], list[tuple[int, Output]]] = {}
    for index, output in enumerate(outputs):
        groups.setdefault(source_key(output.engine), []).append((index, output))
    for members in groups.values():
        for first in range(0, len(members), MOST_TOGETHER):
            yield Unit(members[first : first + MOST_TOGETHER])


# --- the scheduler ---------------------------------------------------------------------


class Scheduler:
    """One run(): feeds the core with units and collects outcomes by index."""

    def __init__(
        self,
        units: Iterator[Unit],
        total: int,
        *,
        single: bool,
        durable: bool,
        raises: bool,
        progress: Progress | None,
        on_outcome: OnOutcome | None,
        cancel: Flag | None,
    ) -> None:
        self.units = units
        self.total = total
        # Many jobs need no second thread each. Looked up here and not for every job:
        # os.environ.get() ends in SystemError where there is no memory for its key.
        self.threads = request.check_threads() if single else 1
        self.durable = durable
        self.raises = raises
        self.progress = progress
        self.on_outcome = on_outcome
        self.cancel = cancel
        self.again: list[Unit] = []
        self.searches = Searches(self.note, durable)
        self.flag = _core.Cancel()
        self.done = 0
        self.outcomes: dict[int, Outcome] = {}
        self.first: Exception | None = None

    def run(self, workers: int, max_memory: int, alone: bool) -> list[Outcome]:
        """Everything; outcomes in the order of their indexes."""
        _core.run_many(self.feed, self.settle, self.tick, self.flag, workers, max_memory, alone)
        self.searches.cancel()
        for unit in (*self.again, *self.units):
            self.refuse(unit, CancelledError("cancelled"))
        outcomes = [outcome for _, outcome in sorted(self.outcomes.items())]
        if self.first is not None and self.raises:
            self.first.outcomes = outcomes  # type: ignore[attr-defined]
            raise self.first
        return outcomes

    def feed(
        self,
    ) -> tuple[Unit | Searching, _core.Source, tuple[dict[str, Any], ...]] | None:
        """The next unit for the core; a search that has begun goes before."""
        while not self.flag.is_set():
            if (step := self.searches.next_step()) is not None:
                search, source, asked_next = step
                return search, source, (self.alone(asked_next),)
            unit = self.again.pop() if self.again else next(self.units, None)
            if unit is None:
                return None
            try:
                asked = self.requests_of(unit)
            except Exception as error:
                self.refuse(unit, error)
                continue
            return unit, unit.engine._origin.core, asked
        return None

    def requests_of(self, unit: Unit) -> tuple[dict[str, Any], ...]:
        """Of each member, in order.

        By a loop: CPython loses the items of a tuple(generator) that cannot be cut to size.
        """
        asked = []
        for index, output in unit.members:
            asked.append(self.request_of(index, output))
        return tuple(asked)

    def request_of(self, index: int, output: Output) -> dict[str, Any]:
        """The request of one output of many; of a search, its picture's, with bytes that
        stay taken until it is over.
        """
        if (search := output.search()) is not None:
            return self.alone(self.searches.first(index, search))
        return self.alone({**output.request(), "durable": self.durable})

    def alone(self, asked: dict[str, Any]) -> dict[str, Any]:
        """As each of these jobs is asked for."""
        return {**asked, "threads": self.threads}

    def settle(self, unit: Unit | Searching, position: int, result: Any, raw: Any) -> int | None:
        """One job is done; result is an exception where raw is None, and None too where it
        is to be done later. Returns the bytes of the budget that are free again.
        """
        if isinstance(unit, Searching):
            return self.searches.advance(unit, result, raw)
        index, output = unit.members[position]
        if raw is None:
            if result is None:
                self.again.append(Unit([unit.members[position]]))
            else:
                self.note(index, output, None, result)
            return None
        if index in self.searches.asked:
            return self.searches.begin(index, output, result, raw)
        try:
            finished = output.finish(result, raw)
        except Exception as error:  # of a file object's write()
            self.note(index, output, None, error)
        else:
            self.note(index, output, finished, None)
        return None

    def refuse(self, unit: Unit, error: Exception) -> None:
        """No job of the unit is run."""
        for index, output in unit.members:
            self.note(index, output, None, error)

    def note(self, index: int, output: Output, result: Any, error: Exception | None) -> None:
        """An outcome is there."""
        outcome = self.outcomes[index] = Outcome(
            ok=error is None, output=output, result=result, error=error, index=index
        )
        if error is not None and self.first is None:
            self.first = error
        self.done += 1
        if self.on_outcome is not None:
            self.on_outcome(outcome)
        if self.progress is not None:
            self.progress(self.done, self.total)

    def tick(self) -> bool:
        """Every 50 ms at least, and the core stops where it says so."""
        if self.raises and self.first is not None:
            return True
        return self.cancel is not None and self.cancel.is_set()


def check_workers(value: object) -> int:
    """0: as many as there are CPUs to use."""
    workers = as_integer(value, "run: workers")
    check_range(workers, "run: workers")
    return workers or default_workers()


def check_memory(value: object) -> int:
    """Bytes; 0: no budget. None: half of what this process may use."""
    if value is None:
        return (machine_memory() or 0) // 2
    if isinstance(value, str):
        return parse_size(value, "run: max_memory")
    size = as_integer(value, "run: max_memory")
    if not 0 <= size < 1 << 63:
        raise InvalidArgumentError(
            f"run: max_memory={size} is not 0 (no budget) or more",
            hint='use a number of bytes, "512MB", or None for half of the memory',
        )
    return size


def run_units(
    units: Iterator[Unit],
    total: int,
    *,
    workers: int = 0,
    max_memory: int | str | None = None,
    oversize: str = "refuse",
    on_error: str = "return",
    progress: Progress | None = None,
    on_outcome: OnOutcome | None = None,
    cancel: Flag | None = None,
    durable: bool = False,
    flag: _core.Cancel | None = None,
) -> list[Outcome]:
    """run() over units that need not exist yet; the arguments are checked here."""
    count, budget = check_workers(workers), check_memory(max_memory)
    alone = as_choice(oversize, "run: oversize", OVERSIZES) == "alone"
    raises = as_choice(on_error, "run: on_error", ON_ERRORS) == "raise"
    for name, call in (("progress", progress), ("on_outcome", on_outcome)):
        if call is not None and not callable(call):
            raise TypeError(f"run: {name} must be callable, not {type_name(call)}")
    if cancel is not None and not callable(getattr(cancel, "is_set", None)):
        raise TypeError(f"run: cancel must be a threading.Event, not {type_name(cancel)}")
    scheduler = Scheduler(
        units,
        total,
        single=total == 1 and count > 1,
        durable=as_flag(durable, "run: durable"),
        raises=raises,
        progress=progress,
        on_outcome=on_outcome,
        cancel=cancel,
    )
    if flag is not None:
        scheduler.flag = flag
    return scheduler.run(count, budget, alone)


def run_outputs(outputs: list[Output], **options: Any) -> list[Outcome]:
    """run() over a list, with the options of run_units()."""
    for output in outputs:
        if not isinstance(output, Output):
            raise TypeError(f"run() needs outputs, as engine.output() makes, not {output!r:.60}")
    return run_units(units_of(outputs), len(outputs), **options)


def run(
    outputs: Iterable[Output],
    *,
    workers: int = 0,
    max_memory: int | str | None = None,
    oversize: Literal["refuse", "alone"] = "refuse",
    on_error: Literal["return", "raise"] = "return",
    progress: Progress | None = None,
    on_outcome: OnOutcome | None = None,
    cancel: Flag | None = None,
    durable: bool = False,
) -> list[Outcome]:
    """Make many outputs; those of one source are fed by one decode. In input order.

    workers: how many run at once; 0: LAZYIMAGE_NUM_THREADS, or as many as there are CPUs
    to use. max_memory: bytes, or a text such as "512MB", that all jobs may take together,
    by their plans; None: half of what the process may use; 0: no budget. A job that is
    larger than the whole budget is refused (E124), or with oversize="alone" runs when
    nothing else does. on_error="raise": the first error cancels the rest and is raised,
    with .outcomes. on_outcome(outcome) is called in this thread as soon as an output is
    made or has failed, in the order in which that happens, and progress(done, total) after
    it; what they raise stops everything and leaves run(). cancel: a
    threading.Event; jobs that it stops, or that had not begun, are E500. durable: as in
    Engine.to_file(). A quality given for a format that has none is dropped.

    >>> engine = Engine.from_path("photo.jpg")
    >>> outcomes = lazyimage.run([
    ...     engine.resize(320).output("small.jpg", quality=75),
    ...     engine.resize(160).output(format="webp"),
    ... ])
    >>> [outcome.result.width for outcome in outcomes]
    [320, 160]
    """
    return run_outputs(
        list(outputs),
        workers=workers,
        max_memory=max_memory,
        oversize=oversize,
        on_error=on_error,
        progress=progress,
        on_outcome=on_outcome,
        cancel=cancel,
        durable=durable,
    )
