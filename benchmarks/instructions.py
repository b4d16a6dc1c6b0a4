"""Instructions of six fixed jobs, counted by callgrind and held to what was recorded.

    python benchmarks/instructions.py            compare with instructions.json
    python benchmarks/instructions.py --record   write it
    python benchmarks/instructions.py --make-data DIRECTORY   (needs Pillow with AVIF)

Counted is what lies inside li_plan_run, so decoding, steps and encoding, not Python. Exit
status 1 if a job takes over 2 % more than recorded, or was never recorded. Counts depend on the
compiler and on the libraries: where these are others than those recorded, nothing is compared,
and the output says so. Counts below the record by over 2 % ask to be recorded.

The pictures: noise in octaves. JPEG, WebP and AVIF are in benchmarks/data, PNGs are made here
of the same samples by NumPy and zlib, so none depends on our own encoders.
"""

import argparse
import concurrent.futures
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
import zlib
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
RECORD = HERE / "instructions.json"
MARGIN = 0.02
WIDTH, HEIGHT = 1920, 1280
JOBS = {
    "jpeg-jpeg": ("picture.jpg", 800, "jpeg", 80),
    "png-jpeg": ("picture.png", 800, "jpeg", 80),
    "webp-jpeg": ("picture.webp", 800, "jpeg", 80),
    "avif-jpeg": ("picture.avif", 800, "jpeg", 80),
    "jpeg-png": ("picture.jpg", 800, "png", None),
    "rgba-png": ("rgba.png", 720, "png", None),
}
JPEG = {"effort": 2, "progressive": True}
"""libjpeg-turbo's own transform and tables in six scans: most of a job is what comes before."""
SIMD = {"x86_64": "avx2", "aarch64": "neon"}.get(platform.machine(), "scalar")


# --- the pictures ------------------------------------------------------------------------


def grown(coarse: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Linear interpolation along an axis."""
    at = np.linspace(0, coarse.shape[axis] - 1, size)
    low = np.minimum(at.astype(int), coarse.shape[axis] - 2)
    shape = [1, 1, 1]
    shape[axis] = size
    part = (at - low).reshape(shape)
    return coarse.take(low, axis) * (1 - part) + coarse.take(low + 1, axis) * part


def samples(channels: int) -> np.ndarray:
    """The picture: light, things, detail and grain."""
    random = np.random.Generator(np.random.PCG64(7))
    total = np.zeros((HEIGHT, WIDTH, channels))
    for columns, weight in ((6, 90), (48, 60), (320, 40)):
        coarse = random.random((columns * HEIGHT // WIDTH + 1, columns + 1, channels))
        total += weight * grown(grown(coarse, HEIGHT, 0), WIDTH, 1)
    total += random.random((HEIGHT, WIDTH, 1)) * 12
    if channels == 4:
        total[..., 3] = np.clip((total[..., 3] - 70) * 8, 0, 255)
    return total.clip(0, 255).astype(np.uint8)


def png(picture: np.ndarray) -> bytes:
    """A PNG with the filter of the smallest sum of differences for each row."""
    height, width, channels = picture.shape
    rows = picture.reshape(height, width * channels).astype(np.int16)
    up = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    zeros = np.zeros((height, channels), np.int16)
    left, corner = (np.hstack([zeros, each[:, :-channels]]) for each in (rows, up))
    near = [np.abs(up - corner), np.abs(left - corner), np.abs(left + up - 2 * corner)]
    paeth = np.where(
        (near[0] <= near[1]) & (near[0] <= near[2]),
        left,
        np.where(near[1] <= near[2], up, corner),
    )
    guesses = (np.zeros_like(rows), left, up, (left + up) >> 1, paeth)
    filtered = np.stack([(rows - guess).astype(np.uint8) for guess in guesses])
    sums = np.abs(filtered.view(np.int8).astype(np.int32)).sum(axis=2)
    best = sums.argmin(axis=0)
    lines = np.hstack([best[:, None].astype(np.uint8), filtered[best, np.arange(height)]])
    header = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def make_data(directory: Path) -> None:
    """The files of benchmarks/data, by Pillow; made once."""
    from PIL import Image

    directory.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(samples(3))
    picture.save(directory / "picture.jpg", quality=80, subsampling="4:2:0", optimize=True)
    picture.save(directory / "picture.webp", quality=75, method=4)
    picture.save(directory / "picture.avif", quality=50, speed=6, subsampling="4:2:0")


def make_pictures(directory: Path) -> None:
    """Everything that the jobs read."""
    (directory / "picture.png").write_bytes(png(samples(3)))
    (directory / "rgba.png").write_bytes(png(samples(4)))
    for path in (HERE / "data").glob("picture.*"):
        shutil.copy(path, directory)


# --- one job -----------------------------------------------------------------------------


def run_job(name: str, directory: Path) -> None:
    """What callgrind watches."""
    import lazyimage as li

    source, width, format, quality = JOBS[name]
    li.Engine.from_path(directory / source).resize(width).to_buffer(
        format, quality, **(JPEG if format == "jpeg" else {})
    )


def built() -> list[str]:
    """The jobs that this build can do."""
    import lazyimage as li

    reads, writes = li.supported_input_formats(), li.supported_output_formats()
    kinds = {name: job[0].rsplit(".", 1)[1].replace("jpg", "jpeg") for name, job in JOBS.items()}
    return [name for name, job in JOBS.items() if kinds[name] in reads and job[2] in writes]


def collect(name: str, directory: Path, function: str) -> Path:
    """What callgrind counts of a job while it is inside of this function."""
    out = directory / f"callgrind.{name}"
    command = [
        *("valgrind", "--quiet", "--tool=callgrind", f"--toggle-collect={function}"),
        *(f"--callgrind-out-file={out}", sys.executable, str(HERE / "instructions.py")),
        *("--job", name, str(directory)),
    ]
    environment = {**os.environ, "LAZYIMAGE_SIMD": SIMD, "PYTHONHASHSEED": "0"}
    environment["LAZYIMAGE_NUM_THREADS"] = "1"  # whatever else runs on this machine
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{name} failed under valgrind:\n{done.stderr.strip()}")
    return out


def count(name: str, directory: Path) -> int:
    """Instructions of a job."""
    out = collect(name, directory, "li_plan_run")
    found = re.search(r"^(?:summary|totals): (\d+)", out.read_text("utf-8"), re.MULTILINE)
    total = int(found.group(1)) if found else 0
    if total < 1_000_000:
        raise SystemExit(f"{name}: {total} instructions: is li_plan_run still what runs a job?")
    return total


# --- the record --------------------------------------------------------------------------


def versions() -> dict[str, str]:
    """What a count depends on."""
    import lazyimage as li

    compiler = sysconfig.get_config_var("CC").split()[0]
    said = subprocess.run(
        [compiler, "-dumpfullversion"], capture_output=True, text=True, check=False
    )
    tool = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True)
    return {
        "architecture": platform.machine(),
        "simd": SIMD,
        "compiler": f"{compiler} {said.stdout.strip()}",
        "valgrind": tool.stdout.strip(),
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        **{name: str(runs) for name, (_, runs) in li.features().items()},
    }


def count_all(names: list[str]) -> dict[str, int]:
    """Job → instructions; as many at once as there are CPUs."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        make_pictures(directory)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            counts = pool.map(lambda each: count(each, directory), names)
            return dict(zip(names, counts, strict=True))


def differences(recorded: dict[str, str], found: dict[str, str]) -> list[str]:
    """What is not as it was when the counts were recorded. A codec that is new since then is
    no excuse: its jobs were never recorded."""
    return [
        f"{name} is {found.get(name, 'absent')}, recorded with {version}"
        for name, version in sorted(recorded.items())
        if found.get(name) != version
    ]


def compare(recorded: dict[str, int], found: dict[str, int]) -> tuple[list[str], bool]:
    """(a line a job, whether all is well)."""
    lines, well = [], True
    for name, total in found.items():
        before = recorded.get(name)
        if before is None:
            lines.append(f"{name:10} {total / 1e6:9.1f} M, never recorded: FAILED")
            well = False
            continue
        change = total / before - 1
        word = "ok"
        if change > MARGIN:
            word, well = f"FAILED: over + {MARGIN:.0%}", False
        elif change < -MARGIN:
            word = "less: make instructions-record"
        lines.append(f"{name:10} {total / 1e6:9.1f} M, {change:+.2%}: {word}")
    return lines, well


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--make-data", type=Path, metavar="DIRECTORY")
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        run_job(options.job[0], Path(options.job[1]))
        return 0
    if options.make_data:
        make_data(options.make_data)
        return 0
    if not shutil.which("valgrind"):
        print("instructions: SKIPPED, nothing was compared: no valgrind here")
        return 0
    names, now = built(), versions()
    record = {"versions": now, "instructions": {}}
    if not options.record:
        record = json.loads(RECORD.read_text("utf-8"))
        others = differences(record["versions"], now)
        if others:
            print(f"instructions: SKIPPED, nothing was compared: {'; '.join(others)}")
            return 0
    found = count_all(names)
    for name in set(JOBS) - set(names):
        print(f"{name:10} not built")
    if options.record:
        text = json.dumps({"versions": now, "instructions": found}, indent=1)
        RECORD.write_text(text + "\n", encoding="utf-8")
        print(text)
        return 0
    lines, well = compare(record["instructions"], found)
    print("\n".join(lines))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
