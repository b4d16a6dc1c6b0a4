"""R1, R2 and R3: a file that changes while it is decoded, and who else wants SIGBUS."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import changing
import fetch
import handlers
from card import ROOT, Bench, Figure, row

THREADS = 8
WAYS = ("map", "read")
CHANGES = ("truncate", "overwrite", "replace")
PEERS = {"sharp": ("jpeg", "png", "webp", "avif"), "lazy-image": ("jpeg", "png", "webp")}
"""What of ours they read."""
PEER_TRIALS = 60


def _counted(patience: float, **asked: Any) -> dict[str, Any]:
    """What changing.py found, or in "died" that it came to no end."""
    program = Path(changing.__file__)
    command = [sys.executable, str(program), json.dumps({"threads": THREADS, **asked})]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=patience + 300, check=False
    )
    if done.returncode:
        said = done.stderr.strip()[-200:]
        return {"died": f"ended by {done.returncode} {said}".strip()}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _sum(runs: list[dict[str, Any]], name: str) -> int:
    return sum(run.get(name, 0) for run in runs)


def _peer_deaths(peer: str, peers: fetch.Peers, paths: dict[str, str], work: Path) -> str:
    """In which formats cutting the input ended the process, and at which trial."""
    if peer in peers.missing:
        return peers.missing[peer]
    deaths, trials = [], 0
    program = Path(__file__).with_name("changing_peer.mjs")
    for format in PEERS[peer]:
        copy = work / f"peer.{format}"
        done = subprocess.run(
            ["node", str(program), peer, paths[format], str(copy), str(PEER_TRIALS)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env=peers.environment,
        )
        begun = done.stdout.count("trial")
        trials += begun
        if done.returncode < 0:
            name = signal.Signals(-done.returncode).name
            deaths.append(f"{name} in {format}, trial {begun}")
    of = f"{trials} truncations, {len(PEERS[peer])} formats"
    return f"{len(deaths)} deaths ({', '.join(deaths)}) in {of}" if deaths else f"0 deaths in {of}"


@row(
    "R1",
    "truncate, overwrite, replace under decode: 4 formats, 8 threads, 60 s each, map and read",
    "0 deaths, 0 wrong witness, each trial E103 or right",
)
def changed(bench: Bench) -> Figure:
    width, height, seconds = (400, 300, 0.5) if bench.short else (1600, 1250, 60)
    paths = changing.make_pictures(bench.work, width, height)
    runs = [
        _counted(
            seconds, paths={format: path}, io=io, changes=CHANGES, seconds=seconds, seed=len(format)
        )
        for format, path in paths.items()
        for io in WAYS
    ]
    deaths = [run["died"] for run in runs if "died" in run]
    trials, right, refused = (_sum(runs, name) for name in ("trials", "right", "E103"))
    wrong = _sum(runs, "wrong witness")
    text = (
        f"{len(deaths)} deaths, {wrong} wrong of {_sum(runs, 'witness'):,} witnesses; of {trials:,}"
        f" trials {right:,} right, {refused:,} E103; {_sum(runs, 'faults'):,} faults"
    )
    others = [other for run in runs for other in run.get("others", [])]
    met = not deaths and not wrong and trials == right + refused and refused > 0
    others_found = {}
    if bench.peers:
        found = fetch.fetch(ROOT / "build" / "bench", tuple(PEERS))
        others_found = {peer: _peer_deaths(peer, found, paths, bench.work) for peer in PEERS}
    return Figure(text, met, "; ".join([*deaths, *others]), others_found)


@row("R2", "silent wrong results in 20,000 decodes of files that are truncated meanwhile", "0")
def silent(bench: Bench) -> Figure:
    paths = changing.make_pictures(bench.work, 320, 240)
    trials = 100 if bench.short else 10_000
    runs = [
        _counted(600, paths=paths, io=io, changes=["truncate"], trials=trials, seed=2)
        for io in WAYS
    ]
    deaths = [run["died"] for run in runs if "died" in run]
    done, right, refused = (_sum(runs, name) for name in ("trials", "right", "E103"))
    text = f"{done - right - refused} of {done:,} ({right:,} right, {refused:,} E103)"
    others = [other for run in runs for other in run.get("others", [])]
    met = not deaths and done == right + refused == 2 * trials and refused > 0
    return Figure(text, met, "; ".join([*deaths, *others]))


def interpreters(bench: Bench) -> dict[str, str]:
    """Version → the Python of each venv that tools/setup.sh --pythons made; our own alone in
    the short form."""
    listed = ROOT / "build" / "venvs"
    if bench.short:
        return {sys.version.split()[0]: sys.executable}
    subprocess.run([ROOT / "tools" / "setup.sh", "--pythons"], check=True, capture_output=True)
    found = {}
    for venv in listed.read_text("utf-8").split():
        python = str(ROOT / venv / "bin" / "python")
        said = subprocess.run(
            [python, "-c", "import sys; print(sys.version.split()[0])"],
            capture_output=True,
            text=True,
            check=True,
        )
        found[said.stdout.strip()] = python
    return found


@row(
    "R3",
    "handler matrix: faulthandler, signal.signal, foreign and sent SIGBUS, blocked, ignored, fork",
    "all on each interpreter",
)
def matrix(bench: Bench) -> Figure:
    paths = changing.make_pictures(bench.work, 1600, 1250)
    directory = bench.work / "cases"
    directory.mkdir()
    told, wrong = [], []
    for version, python in interpreters(bench).items():
        bad = []
        for name, case in handlers.CASES.items():
            found = handlers.trouble(case, python, Path(paths["png"]), directory)
            if found:
                bad.append(f"{version}, {name}: {found}")
        told.append(f"{len(handlers.CASES) - len(bad)} of {len(handlers.CASES)} on {version}")
        wrong += bad
    return Figure(", ".join(told), not wrong, "; ".join(wrong))
