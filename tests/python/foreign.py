"""What belongs to the process and not to us: a look at all of it. Test support.

A library changes none of it for good: signal handlers (but SIGBUS, which is asked for), masks,
locale, umask, directory, environment, descriptors, threads, floating point, limits, timers.
"""

from __future__ import annotations

import ctypes
import gc
import locale
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from typing import Any

LIBC = ctypes.CDLL(None)
LIBM = ctypes.CDLL("libm.so.6") if sys.platform == "linux" else LIBC

ROUND_AND_TRAP = slice(0, 2)  # x87's control word, the first of fenv_t
MXCSR = slice(28, 32)
MXCSR_CONTROL = 0xFFC0  # without the six flags that any operation may set


def handlers() -> dict[str, Any]:
    """Each signal's action as the kernel has it, and as Python has it."""
    found: dict[str, Any] = {}
    for number in sorted(signal.valid_signals() - {signal.SIGBUS}):
        action = ctypes.create_string_buffer(256)
        if LIBC.sigaction(int(number), None, action) == 0:
            found[f"signal {int(number)}"] = (action.raw[:8].hex(), signal.getsignal(number))
    return found


def floating_point() -> dict[str, int]:
    """Rounding, traps and flush-to-zero; not the flags."""
    found = {"rounding": LIBM.fegetround()}
    if os.uname().machine == "x86_64":
        state = ctypes.create_string_buffer(64)
        LIBM.fegetenv(state)
        found["x87"] = int.from_bytes(state.raw[ROUND_AND_TRAP], "little")
        found["mxcsr"] = int.from_bytes(state.raw[MXCSR], "little") & MXCSR_CONTROL
    return found


def descriptors() -> dict[str, str]:
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[f"descriptor {name}"] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # that of the list itself
    return {name: where for name, where in found.items() if not where.startswith("/proc/")}


def native_environment() -> dict[str, str]:
    """As C has it, which os.environ need not know of."""
    table = ctypes.POINTER(ctypes.c_char_p).in_dll(LIBC, "environ")
    found, index = {}, 0
    while (entry := table[index]) is not None:
        name, _, value = entry.decode("utf-8", "surrogateescape").partition("=")
        found[f"variable {name}"] = value
        index += 1
    return found


def limits_and_timers() -> dict[str, Any]:
    kinds = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    found: dict[str, Any] = {name: resource.getrlimit(getattr(resource, name)) for name in kinds}
    for name in ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF"):
        found[name] = signal.getitimer(getattr(signal, name))
    return found


def umask() -> int:
    old = os.umask(0)
    os.umask(old)
    return old


def interpreter() -> dict[str, Any]:
    return {
        "excepthook": (sys.excepthook, sys.unraisablehook, threading.excepthook),
        "trace": (sys.gettrace(), sys.getprofile()),
        "collector": (gc.isenabled(), gc.get_threshold()),
        "recursion": sys.getrecursionlimit(),
        "switching": sys.getswitchinterval(),
        "tempdir": tempfile.tempdir,
    }


def look() -> dict[str, Any]:
    """All of it, by names."""
    return {
        **handlers(),
        "mask": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ()))),
        "locale": locale.setlocale(locale.LC_ALL),
        "umask": umask(),
        "directory": os.getcwd(),
        **native_environment(),
        **descriptors(),
        "threads": len(os.listdir("/proc/self/task")),
        **floating_point(),
        **limits_and_timers(),
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "cpus": sorted(os.sched_getaffinity(0)),
        **interpreter(),
    }


def look_again(before: dict[str, Any], seconds: float = 2) -> dict[str, Any]:
    """A later look. A thread that was joined may be in the system's list for a moment."""
    until = time.monotonic() + seconds
    after = look()
    while after["threads"] > before["threads"] and time.monotonic() < until:
        time.sleep(0.01)
        after = look()
    return after


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """In words, what is no longer the same."""
    names = sorted(before.keys() | after.keys())
    return [
        f"{name}: {before.get(name)!r} became {after.get(name)!r}"
        for name in names
        if before.get(name) != after.get(name)
    ]
