"""CPUs and memory as made-up control groups tell them."""

from pathlib import Path

import pytest

import lazyimage as li
from lazyimage import machine

GIB = 1 << 30
MEMINFO = "MemTotal:       16777216 kB\nMemFree:         1 kB\n"


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_groups_the_machine_has_it_all(tmp_path: Path) -> None:
    put(tmp_path, "proc/meminfo", MEMINFO)
    assert machine.machine_memory(str(tmp_path)) == 16 * GIB
    assert machine.usable_cpus(str(tmp_path)) == machine.affinity()


def test_nobody_says_how_much_there_is(tmp_path: Path) -> None:
    assert machine.machine_memory(str(tmp_path)) is None


V1 = ("4:memory:/a/b\n3:cpu,cpuacct:/a/b\n", "sys/fs/cgroup/memory/{}/memory.limit_in_bytes")
V2 = ("0::/a/b\n", "sys/fs/cgroup/{}/memory.max")
NO_LIMIT = "9223372036854771712\n"  # as version 1 writes it


@pytest.mark.parametrize(
    ("version", "limits", "expected"),
    [
        (V2, {"": "max\n"}, 16 * GIB),
        (V2, {"a/b": f"{2 * GIB}\n"}, 2 * GIB),
        (V2, {"a": f"{GIB}\n", "a/b": f"{2 * GIB}\n"}, GIB),
        (V2, {"": f"{3 * GIB}\n", "a/b": "max\n"}, 3 * GIB),
        (V2, {"other": f"{GIB}\n"}, 16 * GIB),
        (V2, {"a/b": f"{64 * GIB}\n"}, 16 * GIB),
        (V2, {"a/b": "nonsense\n"}, 16 * GIB),
        (V1, {"a/b": f"{GIB}\n"}, GIB),
        (V1, {"a": f"{GIB}\n", "a/b": NO_LIMIT}, GIB),
        (V1, {"": NO_LIMIT}, 16 * GIB),
        (V1, {"other": f"{GIB}\n"}, 16 * GIB),
    ],
)
def test_the_tightest_up_the_tree_is_taken(
    tmp_path: Path, version: tuple[str, str], limits: dict[str, str], expected: int
) -> None:
    groups, file = version
    put(tmp_path, "proc/meminfo", MEMINFO)
    put(tmp_path, "proc/self/cgroup", groups)
    for group, text in limits.items():
        put(tmp_path, file.format(group), text)
    assert machine.machine_memory(str(tmp_path)) == expected


def v1_quota(top: str, quota: str) -> dict[str, str]:
    files = {"cpu.cfs_quota_us": quota, "cpu.cfs_period_us": "100000\n"}
    return {f"{top}/a/{name}": text for name, text in files.items()}


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/a\n", {"a/cpu.max": "max 100000\n"}, 64),
        ("0::/a\n", {"a/cpu.max": "150000 100000\n"}, 2),
        ("0::/a\n", {"a/cpu.max": "20000 100000\n"}, 1),
        ("3:cpu,cpuacct:/a\n", v1_quota("cpu", "-1\n"), 64),
        ("3:cpu,cpuacct:/a\n", v1_quota("cpu,cpuacct", "-1\n"), 64),
        ("3:cpu,cpuacct:/a\n", v1_quota("cpu", "300000\n"), 3),
        ("3:cpu,cpuacct:/a\n", v1_quota("cpu,cpuacct", "300000\n"), 3),
    ],
)
def test_quotas_round_up(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    groups: str,
    files: dict[str, str],
    expected: int,
) -> None:
    monkeypatch.setattr(machine, "affinity", lambda: 64)
    put(tmp_path, "proc/self/cgroup", groups)
    for name, text in files.items():
        put(tmp_path, f"sys/fs/cgroup/{name}", text)
    assert machine.usable_cpus(str(tmp_path)) == expected


def test_this_machine_says_something() -> None:
    assert machine.usable_cpus() >= 1
    assert (machine.machine_memory() or 0) > 1 << 26


def test_the_variable_decides_how_many_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAZYIMAGE_NUM_THREADS", "7")
    assert machine.default_workers() == 7
    monkeypatch.setenv("LAZYIMAGE_NUM_THREADS", "none")
    with pytest.raises(li.InvalidArgumentError):
        machine.default_workers()


@pytest.mark.parametrize(
    ("text", "size"),
    [("4096", 4096), ("128MB", 128_000_000), ("1.5 GiB", 3 << 29), ("2kib", 2048), ("0", 0)],
)
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert machine.parse_size(text, "x") == size


@pytest.mark.parametrize("text", ["", "MB", "1 parsec", "-1", "1e99GB", "nan"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(li.InvalidArgumentError):
        machine.parse_size(text, "x")
