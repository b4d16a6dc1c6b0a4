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


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"": "max\n"}, 16 * GIB),
        ({"a/b": f"{2 * GIB}\n"}, 2 * GIB),
        ({"a": f"{GIB}\n", "a/b": f"{2 * GIB}\n"}, GIB),
        ({"": f"{3 * GIB}\n", "a/b": "max\n"}, 3 * GIB),
        ({"other": f"{GIB}\n"}, 16 * GIB),
        ({"a/b": f"{64 * GIB}\n"}, 16 * GIB),
        ({"a/b": "nonsense\n"}, 16 * GIB),
    ],
)
def test_version_2_takes_the_tightest_up_the_tree(
    tmp_path: Path, limits: dict[str, str], expected: int
) -> None:
    put(tmp_path, "proc/meminfo", MEMINFO)
    put(tmp_path, "proc/self/cgroup", "0::/a/b\n")
    for group, text in limits.items():
        put(tmp_path, f"sys/fs/cgroup/{group}/memory.max", text)
    assert machine.machine_memory(str(tmp_path)) == expected


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"docker/x": f"{GIB}\n"}, GIB),
        ({"docker": f"{GIB}\n", "docker/x": "9223372036854771712\n"}, GIB),
        ({"": "9223372036854771712\n"}, 16 * GIB),
    ],
)
def test_version_1_takes_the_tightest_up_the_tree(
    tmp_path: Path, limits: dict[str, str], expected: int
) -> None:
    put(tmp_path, "proc/meminfo", MEMINFO)
    put(tmp_path, "proc/self/cgroup", "4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n")
    for group, text in limits.items():
        put(tmp_path, f"sys/fs/cgroup/memory/{group}/memory.limit_in_bytes", text)
    assert machine.machine_memory(str(tmp_path)) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("max 100000\n", 64), ("150000 100000\n", 2), ("20000 100000\n", 1)]
)
def test_version_2_quotas_round_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: int
) -> None:
    monkeypatch.setattr(machine, "affinity", lambda: 64)
    put(tmp_path, "proc/self/cgroup", "0::/a\n")
    put(tmp_path, "sys/fs/cgroup/a/cpu.max", text)
    assert machine.usable_cpus(str(tmp_path)) == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1\n", 64), ("300000\n", 3)])
@pytest.mark.parametrize("top", ["cpu", "cpu,cpuacct"])
def test_version_1_quotas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, expected: int, top: str
) -> None:
    monkeypatch.setattr(machine, "affinity", lambda: 64)
    put(tmp_path, "proc/self/cgroup", "3:cpu,cpuacct:/a\n")
    put(tmp_path, f"sys/fs/cgroup/{top}/a/cpu.cfs_quota_us", quota)
    put(tmp_path, f"sys/fs/cgroup/{top}/a/cpu.cfs_period_us", "100000\n")
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
