"""What `import lazyimage` costs above bare Python: CPU, median of interleaved runs.

    python benchmarks/import_time.py [--runs 20] [--limit 10]

Exit status 1 if it is over the limit, or if a module that must not be loaded is.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

FORBIDDEN = (
    "PIL",
    "asyncio",
    "concurrent",
    "dataclasses",
    "inspect",
    "json",
    "logging",
    "numpy",
    "pathlib",
    "tempfile",
)


def package_directory() -> str:
    """Where lazyimage is found by this interpreter."""
    import lazyimage

    return str(Path(lazyimage.__file__).parent.parent)


def cpu_ms(code: str) -> float:
    """CPU of one bare interpreter that runs `code`."""
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", code])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {code}")
    return (usage.ru_utime + usage.ru_stime) * 1e3


def loaded_modules(prelude: str) -> list[str]:
    """Which of FORBIDDEN the import loads."""
    code = f"{prelude}; import lazyimage; print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", code]
    names = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return [name for name in FORBIDDEN if name in names]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--limit", type=float, default=10, help="ms")
    options = parser.parse_args()
    prelude = f"import sys; sys.path.insert(0, {package_directory()!r})"
    codes = {"bare": prelude, "lazyimage": f"{prelude}; import lazyimage"}
    times: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(options.runs + 1):
        for name, code in codes.items():
            times[name].append(cpu_ms(code))
    medians = {name: statistics.median(each[1:]) for name, each in times.items()}
    cost = medians["lazyimage"] - medians["bare"]
    loaded = loaded_modules(prelude)
    print(
        f"import lazyimage: {cost:.1f} ms CPU above bare Python's {medians['bare']:.1f} ms"
        f" (median of {options.runs}, interleaved; limit {options.limit:g})"
    )
    if loaded:
        print(f"and it loads what it must not: {', '.join(loaded)}")
    return 1 if loaded or cost > options.limit else 0


if __name__ == "__main__":
    sys.exit(main())
