"""process_batch(): one recipe over many files, into a directory.

Layer: above scheduler; loaded on use. The idea: names first, for all inputs, so that they
depend on nothing but the list; then engines, one by one, as the core asks for them.
"""

from __future__ import annotations

import os

from lazyimage.checks import as_flag, type_name
from lazyimage.engine import Engine
from lazyimage.formats import check_format
from lazyimage.recipe import Recipe
from lazyimage.records import Written
from lazyimage.request import drop_quality, encode_request
from lazyimage.scheduler import Outcome, Output, Unit, run_units
from lazyimage.source import absolute_path, path_origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from lazyimage.records import Metrics

EXTENSIONS = {"jpeg": "jpg"}
"""Of the files that are made; other formats are called by their names."""


class FileOutput(Output):
    """An output of a batch. Its engine is made whenever it is asked for: the outcomes of a
    long batch keep two names each, and no sources.
    """

    __slots__ = ()

    @classmethod
    def of(cls, source: str, recipe: Recipe, salvage: bool, **fields: Any) -> FileOutput:
        """With everything checked."""
        self = object.__new__(cls)
        ENGINE.__set__(self, (source, recipe, salvage))
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        return self

    @property
    def engine(self) -> Engine:  # type: ignore[override]
        """Over the input, with the recipe of the batch."""
        source, recipe, salvage = ENGINE.__get__(self)
        origin = path_origin(source, "auto").salvaging(salvage, "process_batch")
        return Engine._make(origin, recipe)

    def finish(self, result: Any, raw: dict[str, Any]) -> Written:
        """What the core has made, without its metrics."""
        whole = super().finish(result, raw)
        assert isinstance(whole, Written)
        return Written(**{**whole.fields(), "metrics": None})


class MeteredOutput(FileOutput):
    """The same, with metrics."""

    __slots__ = ()

    def finish(self, result: Any, raw: dict[str, Any]) -> Written:
        """What the core has made."""
        whole = Output.finish(self, result, raw)
        assert isinstance(whole, Written)
        return whole


ENGINE: Any = Output.__dict__["engine"]
"""The slot, in which a FileOutput keeps what makes the engine."""


def output_names(inputs: list[str], extension: str) -> list[str]:
    """A name for each input: its stem with this extension. Equal stems, whatever the case,
    become a.webp, a-2.webp, a-3.webp in the order of the inputs.
    """
    taken: set[str] = set()
    used: dict[str, int] = {}
    names = []
    for path in inputs:
        stem = os.path.splitext(os.path.basename(path))[0]
        name = f"{stem}.{extension}"
        while name.casefold() in taken:
            used[stem] = used.get(stem, 1) + 1
            name = f"{stem}-{used[stem]}.{extension}"
        taken.add(name.casefold())
        names.append(name)
    return names


RUN_OPTIONS = (
    "workers",
    "max_memory",
    "oversize",
    "on_error",
    "progress",
    "on_outcome",
    "cancel",
    "durable",
)


def run_files(
    kind: type[FileOutput],
    inputs: Iterable[str | os.PathLike[str]],
    output_dir: str | os.PathLike[str],
    recipe: Recipe,
    format: str,
    quality: int | None,
    skip_existing: bool,
    salvage: bool,
    options: dict[str, Any],
) -> list[Outcome]:
    """process_batch() with outputs of this kind."""
    if not isinstance(recipe, Recipe):
        raise TypeError(f"process_batch() needs a Recipe, not {type_name(recipe)}")
    name = check_format(format)
    wanted = {key: options.pop(key) for key in RUN_OPTIONS if key in options}
    quality = drop_quality(quality, name, options)
    encode_request(recipe, "buffer", name, quality, options, "process_batch")  # checks
    as_flag(salvage, "process_batch: salvage")
    paths = [absolute_path(path, "process_batch()") for path in inputs]
    directory = absolute_path(output_dir, "process_batch()")
    os.makedirs(directory, exist_ok=True)
    targets = output_names(paths, EXTENSIONS.get(name, name))
    jobs = list(zip(paths, (os.path.join(directory, target) for target in targets), strict=True))
    if as_flag(skip_existing, "process_batch: skip_existing"):
        jobs = [job for job in jobs if not os.path.lexists(job[1])]

    def units() -> Iterator[Unit]:
        fields = {"format": name, "quality": quality, "options": options}
        for index, (path, target) in enumerate(jobs):
            yield Unit([(index, kind.of(path, recipe, salvage, path=target, **fields))])

    return run_units(units(), len(jobs), **wanted)


def process_batch(
    inputs: Iterable[str | os.PathLike[str]],
    output_dir: str | os.PathLike[str],
    recipe: Recipe,
    *,
    format: str,
    quality: int | None = None,
    skip_existing: bool = False,
    salvage: bool = False,
    **options: Any,
) -> list[Outcome]:
    """One recipe over many files: the outcome of each, in input order.

    Outputs go into output_dir, which is made if need be, under the stem of their input:
    "photo.png" gives "photo.webp"; equal stems become "a.webp", "a-2.webp" in input order.
    skip_existing: inputs whose output is there already are left out, of the outcomes too.
    salvage: as of Engine.from_path(), for every input.
    options: run()'s (workers, max_memory, oversize, on_error, progress, on_outcome,
    cancel, durable) and the encoder's. A file that is not there or is damaged is an outcome
    with its error; the others are made. A result is a Written whose metrics are left out
    (None), so that a long list stays small: process_batch_with_metrics() has them.

    >>> recipe = lazyimage.Recipe().resize(64)
    >>> outcomes = lazyimage.process_batch(["photo.jpg"], "small", recipe, format="png")
    >>> outcomes[0].ok, outcomes[0].result.width
    (True, 64)
    """
    return run_files(
        FileOutput, inputs, output_dir, recipe, format, quality, skip_existing, salvage, options
    )


def process_batch_with_metrics(
    inputs: Iterable[str | os.PathLike[str]],
    output_dir: str | os.PathLike[str],
    recipe: Recipe,
    *,
    format: str,
    quality: int | None = None,
    skip_existing: bool = False,
    salvage: bool = False,
    **options: Any,
) -> tuple[list[Outcome], list[Metrics | None]]:
    """process_batch(…), and the metrics of each outcome beside it; None for an error.

    >>> recipe = lazyimage.Recipe().resize(64)
    >>> _, metrics = lazyimage.process_batch_with_metrics(
    ...     ["photo.jpg"], "small", recipe, format="png")
    >>> metrics[0].format_in
    'jpeg'
    """
    outcomes = run_files(
        MeteredOutput, inputs, output_dir, recipe, format, quality, skip_existing, salvage, options
    )
    return outcomes, [outcome.result.metrics if outcome.result else None for outcome in outcomes]
