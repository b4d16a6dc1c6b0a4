"""The machine: how many CPUs and how much memory this process may use.

Layer: beside checks; loaded on use. The idea: a container's limits are files of its control
groups; the tightest of a group and all groups above it holds.
"""

from __future__ import annotations

import os

from lazyimage.errors import InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

V2_ROOT = "sys/fs/cgroup"
UNLIMITED = 1 << 60
"""Version 1 says "no limit" as the largest multiple of a page."""


def read_text(path: str) -> str:
    """What a small file says, or "" where there is none."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def with_parents(directory: str, top: str) -> Iterator[str]:
    """The directory and those above it, up to and with top."""
    while len(directory) > len(top):
        yield directory
        directory = directory.rpartition("/")[0]
    yield top


def group_directories(root: str, controller: str) -> Iterator[tuple[int, str]]:
    """(version, directory) of each control group of this process that may limit it.

    A container often sees its own group as the top, whatever /proc/self/cgroup says: the
    top is always among them.
    """
    for line in read_text(f"{root}/proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        path = path.strip().rstrip("/")
        if not names:
            version, top = 2, f"{root}/{V2_ROOT}"
        elif controller in names.split(","):
            version, top = 1, f"{root}/{V2_ROOT}/{controller}"
            if not os.path.isdir(top):
                top = f"{root}/{V2_ROOT}/{names}"
        else:
            continue
        for directory in with_parents(top + path, top):
            yield version, directory


def whole_number(text: str) -> int | None:
    """The number, or None for "max" and for anything else."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() else None


# --- CPUs ------------------------------------------------------------------------------


def quota(version: int, directory: str) -> float | None:
    """CPUs' worth of time that a group may use; None: no limit."""
    if version == 2:
        time, _, period = read_text(f"{directory}/cpu.max").partition(" ")
    else:
        time = read_text(f"{directory}/cpu.cfs_quota_us")
        period = read_text(f"{directory}/cpu.cfs_period_us")
    most, every = whole_number(time), whole_number(period)
    return most / every if most and every else None


def affinity() -> int:
    """CPUs that the scheduler may put this process on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_cpus(root: str = "") -> int:
    """CPUs that this process may use: its affinity, and the quota of its control groups,
    rounded up. root: where / is, for tests.
    """
    count = affinity()
    for version, directory in group_directories(root, "cpu"):
        share = quota(version, directory)
        if share is not None:
            count = min(count, max(1, -int(-share // 1)))
    return count


def default_workers() -> int:
    """LAZYIMAGE_NUM_THREADS if it is set, else the usable CPUs."""
    text = os.environ.get("LAZYIMAGE_NUM_THREADS", "").strip()
    if not text:
        return usable_cpus()
    number = int(text[:9]) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise InvalidArgumentError(
            f"LAZYIMAGE_NUM_THREADS={text!r} is not an integer from 1 on",
            hint="unset it for as many as there are CPUs to use",
        )
    return number


# --- memory ----------------------------------------------------------------------------


def group_memory(root: str) -> int | None:
    """The tightest limit of this process's control groups; None: none has one."""
    limits = []
    for version, directory in group_directories(root, "memory"):
        name = "memory.max" if version == 2 else "memory.limit_in_bytes"
        limit = whole_number(read_text(f"{directory}/{name}"))
        if limit is not None and limit < UNLIMITED:
            limits.append(limit)
    return min(limits, default=None)


def physical_memory(root: str) -> int | None:
    """Bytes of memory in the machine; None where the system does not say."""
    for line in read_text(f"{root}/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            kib = whole_number(line.removeprefix("MemTotal:").removesuffix("kB"))
            if kib:
                return kib * 1024
    if root:
        return None
    if os.name == "nt":
        return windows_memory()
    try:  # macOS and the BSDs: sysctl behind sysconf
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def windows_memory() -> int | None:
    """What GlobalMemoryStatusEx calls ullTotalPhys."""
    import ctypes
    import struct

    layout = struct.Struct("LL7Q")
    status = ctypes.create_string_buffer(layout.size)
    struct.pack_into("L", status, 0, layout.size)
    kernel: object = getattr(ctypes, "windll", None)
    call = getattr(getattr(kernel, "kernel32", None), "GlobalMemoryStatusEx", None)
    if call is None or not call(status):
        return None
    total: int = layout.unpack(status.raw)[2]
    return total


def machine_memory(root: str = "") -> int | None:
    """Bytes that this process may use: the machine's, or less where a control group says
    so. None where nobody says. root: where / is, for tests.
    """
    found = [size for size in (physical_memory(root), group_memory(root)) if size]
    return min(found, default=None)


_half: list[int] = []


def default_memory() -> int:
    """What a job may take if nobody says: half of machine_memory(), asked once in a process;
    0 (any) where the system does not tell.
    """
    if not _half:
        _half.append((machine_memory() or 0) // 2)
    return _half[0]


# --- sizes as people write them ---------------------------------------------------------

UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
UNITS |= {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}


def parse_size(text: str, what: str) -> int:
    """Bytes from "128MB", "1.5 GiB" or "4096"."""
    number = text.strip().lower().rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = text.strip().lower()[len(number) :]
    try:
        size = float(number) * UNITS[unit]
    except (ValueError, KeyError):
        size = -1.0
    if not 0 <= size < 1 << 63:
        raise InvalidArgumentError(
            f'{what}="{text}" is no size', hint='use bytes, or a text such as "512MB" or "2GiB"'
        )
    return int(size)
