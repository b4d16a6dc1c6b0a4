"""What other libraries make of the corpus: the same sweep as ours, in processes of their own."""

from collections.abc import Sequence
from pathlib import Path

import fetch
from card import ROOT
from process import Answer, Call, run_all

HERE = Path(__file__).resolve().parent
BENCH = ROOT / "build" / "bench"
_swept: dict[tuple[str, tuple[str, ...]], list[Answer] | str] = {}


def sweep(peer: str, paths: Sequence[str], seconds: float) -> list[Answer] | str:
    """An answer a path, kept for the next row that asks; or why the peer is not here."""
    key = (peer, tuple(paths))
    if key not in _swept:
        found = fetch.fetch(BENCH, (peer,))
        if peer in found.missing:
            _swept[key] = f"not here: {found.missing[peer]}"
        else:
            program = found.commands[peer][0]
            python = program == found.python
            command = (
                [program, str(HERE / "sweep_peer.py")]
                if python
                else [program, str(HERE / "sweep_peer.mjs"), peer]
            )
            calls = [Call("sweep", {"path": path}) for path in paths]
            _swept[key] = run_all(
                calls, seconds=seconds, environment=found.environment, command=command
            )
    return _swept[key]


def refused(answer: Answer) -> bool:
    return answer.value is not None and "error" in answer.value
