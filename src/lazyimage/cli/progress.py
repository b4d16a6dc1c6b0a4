"""Progress: how far a batch is, on stderr: a bar by rich on a terminal, else plain lines.

The idea: rich is loaded only where its bar is going to be seen, and starts no thread.
"""

import sys
import time
from types import TracebackType
from typing import Any, Final, Self

from lazyimage.cli.common import say

FIRST: Final = 2.0
"""Seconds before the first plain line: a short batch prints none."""

BETWEEN: Final = {True: 2.0, False: 30.0}
"""Seconds between plain lines, on a terminal and elsewhere."""


class Silent:
    """No progress at all; also what the others have in common."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def show(self, done: int) -> None:
        """So many are done."""


class Lines(Silent):
    """A line now and then."""

    def __init__(self, total: int, between: float) -> None:
        self.total = total
        self.between = between
        self.next = time.monotonic() + FIRST

    def show(self, done: int) -> None:
        """A line, if it is time for one."""
        now = time.monotonic()
        if now >= self.next and done < self.total:
            self.next = now + self.between
            say(f"{done} of {self.total}")


class Bar(Silent):
    """rich's bar, drawn when something is done, ten times a second at most."""

    def __init__(self, rich: Any, console: Any, total: int) -> None:
        self.bar = rich.Progress(
            rich.TextColumn("{task.completed} of {task.total}"),
            rich.BarColumn(),
            rich.TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
        )
        self.task = self.bar.add_task("", total=total)
        self.next = 0.0

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def show(self, done: int) -> None:
        """Draw it, if it is time to."""
        now = time.monotonic()
        if now >= self.next:
            self.next = now + 0.1
            self.bar.update(self.task, completed=done, refresh=True)


def progress_of(total: int, quiet: bool) -> Silent:
    """What shows the progress of so many pictures."""
    if quiet or sys.stderr is None:
        return Silent()
    terminal = sys.stderr.isatty()
    if terminal:
        try:
            from rich import progress
            from rich.console import Console
        except ImportError:
            pass
        else:
            return Bar(progress, Console(stderr=True), total)
    return Lines(total, BETWEEN[terminal])
