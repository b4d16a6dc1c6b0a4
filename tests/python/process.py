"""Calls in processes of their own, so that a crash is a result. Test support.

A call is the name of a function of jobs.py and its arguments, plain JSON both ways. A
worker that dies or takes too long is put away, and the call's answer says so.
"""

import json
import os
import queue
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

JOBS = Path(__file__).with_name("jobs.py")
WORKERS = max(1, min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2))


SLOWER = 20 if os.environ.get("LAZYIMAGE_SANITIZED") == "1" else 1
"""What instrumented code is allowed to take, in times of the plain one's."""


class Call(NamedTuple):
    """One call of jobs.`function`(**arguments)."""

    function: str
    arguments: Mapping[str, Any]


class Answer(NamedTuple):
    """What came of a call: `value`, or in `trouble` why there is none."""

    call: Call
    value: Any
    trouble: str | None
    seconds: float


class Worker:
    """A process that answers calls one at a time."""

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = (sys.executable, str(JOBS)),
    ) -> None:
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(environment or {})},
        )
        self._rest = b""

    def ask(self, call: Call, seconds: float) -> Answer:
        """Run one call; afterwards a troubled worker is dead."""
        started = time.monotonic()
        line = json.dumps([call.function, call.arguments]).encode() + b"\n"
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(line)
            stdin.flush()
            reply = self._read_line(started + seconds * SLOWER)
        except (BrokenPipeError, TimeoutError) as error:
            self.end()
            trouble = f"took over {seconds} s" if isinstance(error, TimeoutError) else "died"
            return Answer(call, None, trouble, time.monotonic() - started)
        taken = time.monotonic() - started
        if not reply:
            self.end()
            return Answer(call, None, f"died with {self._process.returncode}", taken)
        answer = json.loads(reply)
        return Answer(call, answer.get("value"), answer.get("trouble"), taken)

    def _read_line(self, until: float) -> bytes:
        stdout = self._process.stdout
        assert stdout is not None
        while b"\n" not in self._rest:
            ready, _, _ = select.select([stdout], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError
            got = os.read(stdout.fileno(), 65536)
            if not got:
                self._process.wait()
                return b""
            self._rest += got
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Put the process away; may be called again."""
        if self._process.poll() is None:
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass  # its buffer held a call that nobody will read
        self._process.wait()


def run_all(
    calls: Sequence[Call],
    *,
    seconds: float = 10,
    workers: int = WORKERS,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = (sys.executable, str(JOBS)),
) -> list[Answer]:
    """Run calls on a crew of workers; the answers come in the calls' order. `command` is
    another program that speaks as jobs.py."""
    waiting: queue.SimpleQueue[tuple[int, Call]] = queue.SimpleQueue()
    for numbered in enumerate(calls):
        waiting.put(numbered)
    answers: dict[int, Answer] = {}

    def serve() -> None:
        worker = Worker(environment, command)
        try:
            while True:
                index, call = waiting.get_nowait()
                if not worker.alive:
                    worker = Worker(environment, command)
                answers[index] = worker.ask(call, seconds)
        except queue.Empty:
            pass
        finally:
            worker.end()

    threads = [threading.Thread(target=serve) for _ in range(min(workers, len(calls)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[index] for index in range(len(calls))]


def run_fresh(
    function: str,
    *,
    seconds: float = 60,
    environment: Mapping[str, str] | None = None,
    **arguments: Any,
) -> Any:
    """Run one call in a process of its own; its trouble is an AssertionError."""
    (answer,) = run_all([Call(function, arguments)], seconds=seconds, environment=environment)
    assert answer.trouble is None, f"{function}({arguments}): {answer.trouble}"
    return answer.value
