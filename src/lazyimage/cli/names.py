"""Names: where each input's output goes.

The idea: names are given to all inputs at once and in order, before any work, so that they
depend on nothing but the list, and a clash or an overwritten source is seen in time.
"""

import argparse
import os
from collections.abc import Iterable
from typing import Final, NamedTuple

from lazyimage.cli.common import UsageError
from lazyimage.cli.inputs import Input
from lazyimage.errors import InvalidArgumentError, LazyImageError
from lazyimage.formats import format_of_path

EXTENSION_OF: Final = {"jpeg": "jpg"}
"""Of the files that are made; other formats are called by their names."""


class Job(NamedTuple):
    """One picture to make."""

    input: str
    output: str
    format: str
    error: LazyImageError | None = None
    """Why there is no work to be done for it."""


def parse_pattern(text: str) -> str:
    """A name with {stem} and {ext}, no directory."""
    if "{stem}" not in text or "/" in text or os.sep in text or "\0" in text:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no pattern for names: it has {{stem}}, perhaps {{ext}}, and no /"
        )
    return text


def plan(
    inputs: Iterable[Input], output_dir: str | None, named: str | None, pattern: str
) -> list[Job]:
    """A job for each input. output_dir None: beside the input. named None: the input's own
    format, by its extension.

    Equal names, whatever the case, become a.webp, a-2.webp, a-3.webp in input order.
    """
    taken: set[str] = set()
    jobs = []
    for path, place in inputs:
        folder, own = os.path.split(place)
        folder = os.path.dirname(path) if output_dir is None else os.path.join(output_dir, folder)
        stem, extension = os.path.splitext(own)
        try:
            output_format = named or format_of_path(path)
        except LazyImageError as error:
            jobs.append(Job(path, "", "", no_format(error)))
            continue
        made = EXTENSION_OF.get(output_format, output_format) if named else extension[1:]
        name = pattern.replace("{ext}", made).replace("{stem}", stem)
        jobs.append(Job(path, free_name(os.path.join(folder, name), taken), output_format))
    return jobs


def no_format(error: LazyImageError) -> LazyImageError:
    """The same, said of an input."""
    if not isinstance(error, InvalidArgumentError):
        return error
    words = "it has no extension that names a format"
    return InvalidArgumentError(words, hint=error.hint.replace("pass format=", "give --format"))


def free_name(path: str, taken: set[str]) -> str:
    """The path, or with the first number that makes it one of its own."""
    root, extension = os.path.splitext(path)
    number, name = 1, path
    while name.casefold() in taken:
        number += 1
        name = f"{root}-{number}{extension}"
    taken.add(name.casefold())
    return name


def own_sources(jobs: list[Job]) -> set[str]:
    """The inputs that an output of these jobs would overwrite, links seen through."""
    folders: dict[str, str] = {}

    def resolved(path: str) -> str:
        if os.path.islink(path):
            return os.path.realpath(path)
        folder, name = os.path.split(path)
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        return os.path.join(folders[folder], name)

    outputs = {resolved(job.output) for job in jobs if job.output}
    return {job.input for job in jobs if resolved(job.input) in outputs}


def refuse_overwriting(jobs: list[Job]) -> None:
    """Status 2 where a source would be lost."""
    lost = own_sources(jobs)
    first = next((job.input for job in jobs if job.input in lost), None)
    if first is not None:
        raise UsageError(
            f"{len(lost)} of the inputs would be overwritten, {first!r} first: "
            "choose another --output-dir, --name or --format, or give --in-place"
        )
