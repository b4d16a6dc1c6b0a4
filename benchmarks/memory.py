"""How much a process grew: its highest resident size since a start, where Linux tells.

The one idea: VmHWM can be reset, so a job's peak is its own and not the import's.
"""

import sys


def _field(name: str) -> int:
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    return 0


def _peak() -> int:
    try:
        return _field("VmHWM")
    except OSError:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def start() -> int:
    """Let the peak start again, where that is permitted; the bytes resident now."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
            refs.write("5")
        return _field("VmRSS")
    except OSError:
        return _peak()


def growth(started: int) -> int:
    """Bytes that the peak lies above what start() said."""
    return max(0, _peak() - started)
