"""The calls of asyncio: the same work on a thread of its own, and a task that can be cancelled.

Layer: above scheduler; loaded on use, because asyncio takes 40 ms. The idea: cancelling the
task sets the flag that the C loop looks at between rows; the task ends when the job has.
Meanwhile the loop is woken now and then: a signal handler may have cancelled a task without
waking it (Jupyter's does), and a loop in which nothing happens would not see that.
"""

from __future__ import annotations

import asyncio
import threading

from lazyimage import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    from lazyimage.scheduler import Outcome, Output

    T = TypeVar("T")


WAKE = 0.05
"""Seconds between two looks of the loop at what may have been cancelled."""


async def in_thread(call: Callable[[_core.Cancel], T]) -> T:
    """call(flag) on a thread of its own. Cancelled, it sets the flag and waits for the end,
    so that when the task is over no file of it is open and none is half made.
    """
    loop = asyncio.get_running_loop()
    flag = _core.Cancel()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, error = None, None
        try:
            result = call(flag)
        except BaseException as raised:
            error = raised
        loop.call_soon_threadsafe(tell, result, error)

    thread = threading.Thread(target=work, name="lazyimage", daemon=False)
    thread.start()
    try:
        while not done.done():
            await asyncio.wait([done], timeout=WAKE)
        return done.result()
    except asyncio.CancelledError:
        flag.set()
        await ended(done)
        raise


async def ended(done: asyncio.Future[Any]) -> None:
    """Wait for it, whatever it says and however often the task is cancelled meanwhile."""
    while not done.done():
        try:
            await asyncio.wait([done])
        except asyncio.CancelledError:
            pass  # once is enough: the flag is set
    if not done.cancelled():
        done.exception()  # looked at, so that nobody is told of it


async def run_async(outputs: Iterable[Output], **options: Any) -> list[Outcome]:
    """run(outputs, …) without blocking the event loop. Cancelling the task stops every job
    within 100 ms and leaves no temp file; progress and on_outcome are called on another thread.

    >>> import asyncio
    >>> async def both(engine):
    ...     return await lazyimage.run_async([engine.output(format="png")])
    >>> asyncio.run(both(Engine.from_path("photo.jpg").resize(32)))[0].ok
    True
    """
    from lazyimage.scheduler import run_outputs

    return await in_thread(lambda flag: run_outputs(list(outputs), flag=flag, **options))
