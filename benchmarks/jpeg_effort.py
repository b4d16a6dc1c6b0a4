"""JPEG efforts: bytes and CPU at equal quality, beside mozjpeg and plain libjpeg-turbo.

    python benchmarks/jpeg_effort.py [--pictures N] [--efforts 5,7,9] [--kinds 4:2:0,gray]
    python benchmarks/jpeg_effort.py --kinds low

Needs sharp and ssimulacra2, which it fetches, the corpus (LAZYIMAGE_CORPUS), and for butteraugli
libjxl 0.7 (tools/setup.sh --judges). A picture has at
most 800 pixels a side; one from a lossy file that is not made smaller loses its first three
columns and five rows, so that no encoder meets the blocks of another one. Each is written at
QUALITIES by all; along a PCHIP from SSIMULACRA2 to the logarithm of bytes two encoders are
compared at eleven scores that both reach; a figure is the mean over the pictures. The same
along butteraugli's 3-norm. CPU is user +
system time of encoding from raw samples at TIMED quality, the least of RUNS, summed. "low" asks
what LOW qualities stand for: how far the mean score is from libjpeg-turbo's at the same number,
over TUNED_ON and HELD_OUT at 4:2:0, at each of LOW_SIDES and both together. Scores are
kept in build/bench/jpeg-effort.json, by what was measured. Exit 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from butteraugli import distance
from PIL import Image

import lazyimage as li

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BENCH = ROOT / "build" / "bench"
CORPUS = Path(os.environ.get("LAZYIMAGE_CORPUS", ROOT.parent / "shared" / "corpus"))
SIDE = 800
QUALITIES = 40, 50, 60, 70, 80, 88, 95
LOW, LOW_SIDES = (5, 10, 15, 20, 30), (384, 800)
APART = 1.0  # of the mean over both, at most
SCORES, TIMED, RUNS = 11, 80, 3
SSIMULACRA2, BUTTERAUGLI = 1, 2  # of a point
# Of mozjpeg's bytes and CPU, on photographs at 4:2:0.
TARGETS = {5: (-4.0, 0.4), 7: (-5.0, 0.5), 9: (-6.0, 0.6)}
SOME = 9  # pictures of 4:4:4 and gray
# What the efforts' weights and the remapping of quality from 40 on were fitted on …
TUNED_ON = (
    "imazen-codec-corpus/CID22/CID22-512/training/110472.png",
    "imazen-codec-corpus/CID22/CID22-512/training/2119713.png",
    "imazen-codec-corpus/CID22/CID22-512/training/670530.png",
    "imazen-codec-corpus/kodak/13.png",
    "imazen-codec-corpus/kodak/23.png",
    "debian-lomiri-wallpapers-16.04/usr/share/backgrounds/picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "image-webp/tests/images/gallery1/3.webp",
    "libvips/test/test-suite/images/avif-orientation-6.avif",
    "pillow/Tests/images/sugarshack_ifd_offset.mpo",
)
# … and what they are measured on.
HELD_OUT = (
    "debian-gnome-backgrounds/usr/share/backgrounds/gnome/wood-l.webp",
    "debian-lomiri-wallpapers-16.04/usr/share/backgrounds/Dragonfly_by_Bolly.jpg",
    "debian-mate-backgrounds/usr/share/backgrounds/mate/nature/Blinds.jpg",
    "elementary-wallpapers/backgrounds/Martin_Adams.jpg",
    "exif-orientation-examples/Landscape_0.jpg",
    "image-webp/tests/images/gallery1/1.webp",
    "image-webp/tests/images/gallery1/2.webp",
    "image-webp/tests/images/gallery1/5.webp",
    "imazen-codec-corpus/CID22/CID22-512/training/1661950.png",
    "imazen-codec-corpus/CID22/CID22-512/training/1938351.png",
    "imazen-codec-corpus/CID22/CID22-512/training/2666598.png",
    "imazen-codec-corpus/CID22/CID22-512/training/3311574.png",
    "imazen-codec-corpus/CID22/CID22-512/training/pexels-photo-4177747.png",
    "imazen-codec-corpus/clic2025/validation/60430844748882ff66b9a5598ef06dd6.png",
    "imazen-codec-corpus/kodak/1.png",
    "imazen-codec-corpus/kodak/5.png",
    "jpeg-decoder/tests/reftest/images/mjpeg.jpg",
    "jpeg-decoder/tests/reftest/images/rgb.jpg",
    "libavif/tests/data/apple_gainmap_new.jpg",
    "libavif/tests/data/paris_exif_xmp_icc.jpg",
    "libavif/tests/data/seine_sdr_gainmap_srgb.avif",
    "libavif/tests/data/sofa_grid1x5_420.avif",
    "link-u-avif/fox.profile0.8bpc.yuv420.avif",
    "pillow/Tests/images/avif/rot0mir0.avif",
    "pillow/Tests/images/iptc.jpg",
    "pillow/Tests/images/junk_jpeg_header.jpg",
    "serenity/Tests/LibGfx/test-inputs/icc/icc-v4.jpg",
)
SCREENSHOTS = (
    "imazen-codec-corpus/clic2025/validation/4cd6910a0b7b39365fda5df87618d091.png",
    "wuffs/test/data/ridiculously-fast.png",
    "pillow/Tests/images/itxt_chunks.png",
)
LOSSLESS = ".png"


def picture(name: str, side: int = SIDE) -> np.ndarray:
    """RGB samples."""
    engine = li.Engine.from_path(CORPUS / name)
    width, height = engine.dimensions()
    if max(width, height) > side:
        engine = engine.resize(side, side)
    elif not name.endswith(LOSSLESS):
        engine = engine.crop(3, 5, width - 3, height - 5)
    return np.ascontiguousarray(np.asarray(engine.to_pixels(mode="RGB")))


def shown(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def ours(samples: np.ndarray, kind: str, effort: int | None) -> Callable[[int], bytes]:
    """effort None: libjpeg-turbo's own transform and tables, in six scans."""
    engine = li.Engine.from_pixels(samples)
    options: dict[str, Any] = {"subsampling": "4:4:4" if kind == "4:4:4" else "4:2:0"}
    options |= {"effort": 2, "progressive": True} if effort is None else {"effort": effort}

    def encode(quality: int) -> bytes:
        return bytes(engine.to_buffer("jpeg", quality, **options))

    return encode


def sharps(samples: np.ndarray, kind: str, qualities: tuple[int, ...], runs: int) -> dict[str, Any]:
    """Files of each quality by mozjpeg, and the least CPU of each."""
    height, width = samples.shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw"
        raw.write_bytes(samples.tobytes())
        job = {
            "raw": str(raw),
            "width": width,
            "height": height,
            "channels": 1 if samples.ndim == 2 else 3,
            "subsampling": "4:4:4" if kind == "4:4:4" else "4:2:0",
            "qualities": qualities,
            "runs": runs,
            "folder": folder,
        }
        program = [shutil.which("node") or "node", str(HERE / "peers" / "mozjpeg_with_sharp.mjs")]
        environment = {**os.environ, "BENCH_NODE": str(BENCH / "node")}
        done = subprocess.run(
            program,
            input=json.dumps(job),
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        files = {quality: (Path(folder) / str(quality)).read_bytes() for quality in qualities}
    return {"files": files, "cpu_ms": found["cpu_ms"], "version": found["version"]}


def samples_of(name: str, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """What is encoded, and what it is judged by."""
    rgb = picture(name)
    if kind != "gray":
        return rgb, rgb
    gray = np.ascontiguousarray(np.asarray(li.Engine.from_pixels(rgb).to_pixels(mode="L"))[..., 0])
    return gray, np.repeat(gray[..., None], 3, axis=2)


class Bench:
    """What is measured, and its memory."""

    def __init__(self, path: Path):
        from jpeg_judge import Judge

        self.judge = Judge
        self.path = path
        self.known: dict[str, list[list[float]]] = (
            json.loads(path.read_text("utf-8")) if path.exists() else {}
        )
        core = Path(sys.modules["lazyimage._core"].__file__ or "").read_bytes()
        self.version = hashlib.sha256(core).hexdigest()[:16]

    def points(self, name: str, kind: str, who: str) -> list[list[float]]:
        """[bytes, score, less distance] at each of QUALITIES. who: an effort, none or mozjpeg."""
        key = f"{name} {kind} {who} both {'' if who == 'mozjpeg' else self.version}"
        if key not in self.known:
            samples, truth = samples_of(name, kind)
            judge = self.judge(truth)
            if who == "mozjpeg":
                files = sharps(samples, kind, QUALITIES, 1)["files"]
            else:
                encode = ours(samples, kind, None if who == "none" else int(who))
                files = {quality: encode(quality) for quality in QUALITIES}
            self.known[key] = [
                [len(file), judge.score(shown(file)), -distance(truth, shown(file))]
                for file in files.values()
            ]
            self.path.write_text(json.dumps(self.known, indent=0), encoding="utf-8")
        return self.known[key]

    def low(self, name: str, side: int, who: str) -> list[float]:
        """Scores at LOW."""
        key = f"{name} {side} {who} low {self.version}"
        if key not in self.known:
            samples = picture(name, side)
            judge = self.judge(samples)
            encode = ours(samples, "4:2:0", None if who == "none" else int(who))
            self.known[key] = [[judge.score(shown(encode(quality))) for quality in LOW]]
            self.path.write_text(json.dumps(self.known, indent=0), encoding="utf-8")
        return self.known[key][0]

    def saved(
        self, names: tuple[str, ...], kind: str, who: str, beside: str, judge: int = SSIMULACRA2
    ) -> float:
        """Percent of bytes at equal score, in the mean."""
        gaps = [gap(self.points(n, kind, who), self.points(n, kind, beside), judge) for n in names]
        return 100 * float(np.expm1(np.mean(gaps)))

    def off(self, names: tuple[str, ...], kind: str, who: str) -> float:
        """How far the mean score is from libjpeg-turbo's at the same number, at most."""
        scores = [
            [[point[SSIMULACRA2] for point in self.points(n, kind, w)] for n in names]
            for w in (who, "none")
        ]
        apart = np.mean(scores[0], axis=0) - np.mean(scores[1], axis=0)
        return float(apart[np.argmax(np.abs(apart))])


def gap(ours: list[list[float]], theirs: list[list[float]], judge: int = SSIMULACRA2) -> float:
    """The mean logarithm of the ratio of bytes at scores that both reach."""
    from scipy.interpolate import PchipInterpolator

    curves: list[Any] = []
    ends: list[tuple[float, float]] = []
    for points in (ours, theirs):
        rising = [p for i, p in enumerate(points) if all(p[judge] > q[judge] for q in points[:i])]
        sizes, scores = np.array([[p[0], p[judge]] for p in rising]).T
        curves.append(PchipInterpolator(scores, np.log(sizes)))
        ends.append((scores[0], scores[-1]))
    at = np.linspace(max(e[0] for e in ends), min(e[1] for e in ends), SCORES)
    return float(np.mean(curves[0](at) - curves[1](at)))


def cpu(names: tuple[str, ...], kind: str, efforts: list[int]) -> dict[str, float]:
    """Milliseconds of all the pictures at TIMED, interleaved."""
    total = dict.fromkeys([*map(str, efforts), "none", "mozjpeg"], 0.0)
    for name in names:
        samples, _ = samples_of(name, kind)
        total["mozjpeg"] += sharps(samples, kind, (TIMED,), RUNS)["cpu_ms"][0]
        least = dict.fromkeys([*map(str, efforts), "none"], float("inf"))
        for _ in range(RUNS):
            for who in least:
                encode = ours(samples, kind, None if who == "none" else int(who))
                began = time.process_time()
                encode(TIMED)
                least[who] = min(least[who], 1e3 * (time.process_time() - began))
        for who, ms in least.items():
            total[who] += ms
    return total


def report(bench: Bench, names: tuple[str, ...], kind: str, efforts: list[int], title: str) -> bool:
    """One table; False if a target is missed."""
    used = cpu(names, kind, efforts)
    print(f"\n{title}: {len(names)} pictures, {kind}")
    print(
        "| effort | bytes to mozjpeg | by butteraugli | to libjpeg-turbo | score apart, most |"
        " CPU to mozjpeg |"
    )
    print("|---|---|---|---|---|---|")
    well = True
    for effort in efforts:
        who = str(effort)
        saved, plain = (bench.saved(names, kind, who, w) for w in ("mozjpeg", "none"))
        seen = bench.saved(names, kind, who, "mozjpeg", BUTTERAUGLI)
        ratio = used[who] / used["mozjpeg"]
        print(
            f"| {effort} | {saved:+.1f} % | {seen:+.1f} % | {plain:+.1f} % |"
            f" {bench.off(names, kind, who):+.2f} | {ratio:.2f} |",
            flush=True,
        )
        if title == "photographs" and kind == "4:2:0" and effort in TARGETS:
            well &= saved <= TARGETS[effort][0] and ratio <= TARGETS[effort][1]
            well &= not seen > 0  # the other judge agrees in sign, where there is one
    print(
        f"| none | {bench.saved(names, kind, 'none', 'mozjpeg'):+.1f} % |"
        f" {bench.saved(names, kind, 'none', 'mozjpeg', BUTTERAUGLI):+.1f} % | | | "
        f"{used['none'] / used['mozjpeg']:.2f} |"
    )
    return well


def report_low(bench: Bench, names: tuple[str, ...], efforts: list[int]) -> bool:
    """What low qualities stand for; False if they are too far from libjpeg-turbo's."""
    print(f"\nphotographs: {len(names)} pictures, 4:2:0, mean score apart (standard error)")
    print(f"| effort, side | {' | '.join(map(str, LOW))} |")
    print(f"|---|{'---|' * len(LOW)}")
    plain = [[bench.low(name, side, "none") for side in LOW_SIDES] for name in names]
    well = True
    for effort in efforts:
        made = [[bench.low(name, side, str(effort)) for side in LOW_SIDES] for name in names]
        apart = np.array(made) - np.array(plain)
        rows = {str(side): apart[:, i] for i, side in enumerate(LOW_SIDES)}
        for title, row in (rows | {"both": apart.mean(axis=1)}).items():
            error = row.std(axis=0, ddof=1) / len(names) ** 0.5
            cells = [f"{m:+.2f} ({e:.2f})" for m, e in zip(row.mean(axis=0), error, strict=True)]
            print(f"| {effort}, {title} | {' | '.join(cells)} |", flush=True)
        well &= bool((np.abs(apart.mean(axis=(0, 1))) <= APART).all())
    return well


def with_judges() -> None:
    """Begin again in the Python that has what is needed."""
    if importlib.util.find_spec("ssimulacra2"):
        return
    sys.path.insert(0, str(HERE))
    from fetch import fetch

    peers = fetch(BENCH, ("sharp",))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    os.execve(peers.python, [peers.python, *sys.argv], environment)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pictures", type=int, default=len(HELD_OUT))
    parser.add_argument("--efforts", default="3,5,7,9")
    parser.add_argument("--kinds", default="4:2:0,4:4:4,gray,screenshots")
    parser.add_argument("--keep", type=Path, default=BENCH / "jpeg-effort.json")
    options = parser.parse_args()
    with_judges()
    bench = Bench(options.keep)
    efforts = [int(effort) for effort in options.efforts.split(",")]
    kinds = options.kinds.split(",")
    names, well = HELD_OUT[: options.pictures], True
    if "4:2:0" in kinds:
        well &= report(bench, names, "4:2:0", efforts, "photographs")
    for kind in ("4:4:4", "gray"):
        if kind in kinds:
            report(bench, names[:: max(1, len(names) // SOME)], kind, efforts, "photographs")
    if "low" in kinds:
        well &= report_low(bench, (*TUNED_ON, *names), efforts)
    if "screenshots" in kinds:
        report(bench, SCREENSHOTS, "4:2:0", efforts, "screenshots")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
