"""Who else may want SIGBUS, and what must come of it. Test support.

A case is a program: CUT, which has a job whose file is cut under it, and what another part
of the process does to the signal before, after or during such a job.
"""

import os
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

CUT = """
import ctypes, faulthandler, mmap, os, signal, sys, threading, time
import lazyimage as li
path = sys.argv[1]
def first():
    '''The address of the function that is asked first: what sigaction begins with.'''
    action = (ctypes.c_void_p * 64)()
    assert ctypes.CDLL(None).sigaction(signal.SIGBUS, None, action) == 0
    return action[0]
def cut_job(during=None):
    '''A job whose file is cut while its rows are read.'''
    data, cut = open(path, 'rb').read(), f'{path}-cut-{os.getpid()}'
    with open(cut, 'wb') as file:
        file.write(data)
    os.utime(cut, (1.5e9, 1.5e9))
    def act():
        if during:
            during()
            until = time.monotonic() + 20
            while first() != ours and time.monotonic() < until:
                time.sleep(0.001)  # the job has not looked at the clock yet
        os.truncate(cut, 4096)
    with li.Engine.from_path(cut, io='map') as engine:
        timer = threading.Timer(0.002, act)
        timer.start()
        try:
            for _ in range(1000):
                engine.to_pixels(shrink='exact')
            print('no cut')
        except li.errors.SourceChangedError:
            pass
        timer.join()
def foreign_fault():
    '''A mapping that is none of ours is cut, and read.'''
    name = f'{path}-foreign'
    with open(name, 'w+b') as file:
        file.write(bytes(8192))
        file.flush()
        mapping = mmap.mmap(file.fileno(), 8192)
        os.truncate(name, 0)
        mapping[5000]
"""


class Case(NamedTuple):
    """A program, and how it must end."""

    program: str
    signal: int = 0
    """That it ends by; 0: by itself, having said nothing."""
    said: str = ""
    """What standard error must have; "": nothing."""


DIES, REPORT = signal.SIGBUS, "Fatal Python error: Bus error"
CASES = {
    "alone": Case("cut_job()"),
    "faulthandler before": Case("faulthandler.enable(); cut_job()"),
    "faulthandler after": Case("cut_job(); faulthandler.enable(); cut_job()"),
    "faulthandler flapping": Case("""
for _ in range(10):
    faulthandler.enable(); cut_job(); faulthandler.disable(); cut_job()
"""),
    "faulthandler during": Case("""
li.Engine.from_path(path, io='map').to_pixels()  # a cut may come before its map does
ours = first()
assert ours
for _ in range(10):
    cut_job(faulthandler.enable); faulthandler.disable()
"""),
    "signal.signal before": Case("signal.signal(signal.SIGBUS, lambda *a: None); cut_job()"),
    "signal.signal after": Case(
        "cut_job(); signal.signal(signal.SIGBUS, signal.SIG_DFL); cut_job()"
    ),
    "ignored": Case("signal.signal(signal.SIGBUS, signal.SIG_IGN); cut_job()"),
    "blocked": Case("""
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGBUS])
cut_job()
assert signal.SIGBUS in signal.pthread_sigmask(signal.SIG_BLOCK, [])
"""),
    "fork": Case("""
cut_job()
pid = os.fork()
cut_job()
if pid == 0:
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""),
    "foreign": Case("cut_job(); foreign_fault(); print('alive')", DIES),
    "foreign with faulthandler": Case(
        "faulthandler.enable(); cut_job(); foreign_fault(); print('alive')", DIES, REPORT
    ),
    "sent": Case("cut_job(); os.kill(os.getpid(), signal.SIGBUS); print('alive')", DIES),
    "sent with faulthandler": Case(
        "faulthandler.enable(); cut_job(); os.kill(os.getpid(), signal.SIGBUS); print('alive')",
        *(DIES, REPORT),
    ),
    "sent with signal.signal": Case("""
got = []
signal.signal(signal.SIGBUS, lambda *a: got.append(1))
cut_job()
os.kill(os.getpid(), signal.SIGBUS)
assert got == [1]
"""),
}


def trouble(case: Case, python: str, picture: Path, directory: Path) -> str:
    """'' if the case ends as it must, on a copy of this picture; else how it ended."""
    copy = directory / "picture"
    copy.write_bytes(picture.read_bytes())
    options = os.environ.get("ASAN_OPTIONS", "")
    if case.signal:  # or it is ASan's to report
        options += ":handle_sigbus=0"
    done = subprocess.run(
        [python, "-c", CUT + case.program, str(copy)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "ASAN_OPTIONS": options},
    )
    for file in directory.glob("picture*"):
        file.unlink()
    as_said = case.said in done.stderr and bool(case.said) == bool(done.stderr)
    if done.returncode == -case.signal and not done.stdout and as_said:
        return ""
    return f"ended by {done.returncode}, {done.stdout.strip()!r}, {done.stderr.strip()[-500:]!r}"
