"""LAZYIMAGE_SIMD: every table of this machine gives the same bytes, and no other is taken."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import oracle
import pytest
from oracle import DATA

import lazyimage
from lazyimage import _core

NAMES = ("scalar", "sse41", "avx2", "neon")
PICTURES = (
    "jpeg/420.jpg",
    "jpeg/444-progressive.jpg",
    "jpeg/gray.jpg",
    "jpeg/cmyk.jpg",
    "jpeg/orientation-6.jpg",
    "pngsuite/basn6a08.png",
    "pngsuite/basn4a08.png",
    "pngsuite/basn2c08.png",
    "pngsuite/tbbn3p08.png",
    "webp/lossy-150x103.webp",
    "webp/alpha-gradient.webp",
    "webp/lossless-rgba.webp",
    "avif/420-10-pq.avif",
    "avif/420-alpha-709.avif",
    "avif/grid-420.avif",
)
HERE = tuple(name for name in PICTURES if name.split(".")[-1] in ("jpg", "png"))
HERE += tuple(n for n in PICTURES if n.split(".")[-1] in lazyimage.supported_input_formats())

WHICH = "import lazyimage; print(lazyimage._core.kernels)"

# Jobs over every kernel: shrinks and enlargements of each layout, layouts, planes, floats,
# alpha over a colour. Prints a digest of each result.
JOBS = """
import hashlib, json, pathlib, sys
import lazyimage as li

def digest(result):
    return hashlib.sha256(bytes(result)).hexdigest()

found = {}
for name in json.loads(sys.argv[1]):
    engine = li.Engine.from_path(pathlib.Path(sys.argv[2], name))
    for mode in ("L", "LA", "RGB", "RGBA"):
        for size in ((37, 29), (150, 111), (1, 1), (333, 9)):
            scaled = engine.resize(*size, fit="fill")
            found[f"{name} {mode} {size}"] = digest(scaled.to_pixels(mode=mode))
        early = engine.resize(90, 70, fit="fill", kernel="cubic")
        found[f"{name} {mode} floats"] = digest(
            early.to_pixels(mode=mode, dtype="float32", normalize=((0.4,), (0.2,)))
            if mode == "L"
            else early.to_pixels(mode=mode, dtype="float32")
        )
        found[f"{name} {mode} planes"] = digest(
            early.to_pixels(mode=mode, dtype="float32", layout="CHW")
        )
        found[f"{name} {mode} bytes"] = digest(early.to_pixels(mode=mode, layout="CHW"))
    for how in ("safe", "fast", "exact"):
        found[f"{name} jpeg {how}"] = digest(
            engine.resize(40).to_buffer("jpeg", background="teal", shrink=how)
        )
    for level in (None, 6):
        found[f"{name} png {level}"] = digest(
            engine.resize(61).brightness(7).to_buffer("png", compression=level)
        )
    for format, how in (("webp", {"method": 2}), ("avif", {"speed": 10})):
        if format in li.supported_output_formats():
            found[f"{name} {format}"] = digest(engine.resize(50).to_buffer(format, **how))
            found[f"{name} {format} as it is"] = digest(engine.to_buffer(format, **how))
print(json.dumps([li._core.kernels, found]))
"""


# The corpus: a line of digests for each file, or the error that it ends in.
CORPUS = """
import hashlib, json, sys
import lazyimage as li

formats = [f for f in ("png", "jpeg", "webp") if f in li.supported_output_formats()]
found = {}
for path in json.load(sys.stdin):
    engine = li.Engine.from_path(path).resize(160, 160)
    try:
        found[path] = [
            hashlib.sha256(bytes(engine.to_buffer(format, background="teal"))).hexdigest()
            for format in formats
        ]
    except li.LazyImageError as error:
        found[path] = [error.code]
print(json.dumps(found))
"""


def _tables() -> list[str]:
    """Those that this machine runs."""
    tried = {name: _run(WHICH, name) for name in NAMES}
    return [name for name, done in tried.items() if done.stdout.decode().strip() == name]


def _run(
    program: str, simd: str | None, *arguments: str, given: str = ""
) -> subprocess.CompletedProcess[bytes]:
    environment = {k: v for k, v in os.environ.items() if k != "LAZYIMAGE_SIMD"}
    if simd is not None:
        environment["LAZYIMAGE_SIMD"] = simd
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        input=given.encode(),
        capture_output=True,
        check=False,
        timeout=900,
    )


def test_every_table_gives_the_same_bytes() -> None:
    tables, names = _tables(), json.dumps(HERE)
    assert "scalar" in tables
    results = {}
    for table in tables:
        done = _run(JOBS, table, names, str(DATA))
        assert done.returncode == 0, done.stderr.decode()
        running, results[table] = json.loads(done.stdout)
        assert running == table
    for table in tables:
        different = [k for k, v in results[table].items() if v != results["scalar"][k]]
        assert different == [], table


@pytest.mark.corpus
@pytest.mark.slow
def test_every_table_gives_the_same_bytes_of_the_corpus(corpus: list[oracle.Entry]) -> None:
    formats = lazyimage.supported_input_formats()
    paths = [str(e.file) for e in corpus if e.format in formats and e.pixels <= 3_000_000]
    results = {}
    for table in _tables():
        done = _run(CORPUS, table, given=json.dumps(paths))
        assert done.returncode == 0, done.stderr.decode()
        results[table] = json.loads(done.stdout)
    pictures = [path for path, found in results["scalar"].items() if len(found) > 1]
    assert len(pictures) > len(paths) / 2
    for table, result in results.items():
        different = [path for path in paths if result[path] != results["scalar"][path]]
        assert different == [], table


def test_the_best_table_is_taken_unasked() -> None:
    tables = _tables()
    best = next(name for name in ("avx2", "sse41", "neon", "scalar") if name in tables)
    for simd in (None, ""):
        assert _run(WHICH, simd).stdout.decode().strip() == best


@pytest.mark.parametrize("name", ["mmx", "AVX2", "a name that is longer than any"])
def test_an_unknown_table_is_an_error_of_each_job(name: str) -> None:
    program = """
import lazyimage as li
view = memoryview(bytearray(12)).cast("B", (2, 2, 3))
engine = li.Engine.from_pixels(view)
for job in (engine.to_buffer, engine.estimate, engine.explain):
    try:
        job("png")
    except li.InvalidArgumentError as error:
        print(error.code, error)
"""
    done = _run(program, name)
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 3
    for line in lines:
        assert line.startswith("E400")
        assert f"no '{name[:15]}' kernels; it has" in line
        assert "scalar" in line


def test_doctor_shows_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    from lazyimage import cli

    assert cli.main(["doctor"]) == 0
    assert _core.kernels in capsys.readouterr().out
