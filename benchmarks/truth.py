"""What an output should have been, how near it is, and what it is.

    python benchmarks/truth.py DIRECTORY < requests.json

Run by bench.py with the peers' Python. A request is {"source", "output", "width", "height",
"cover", "pixels"}; the answer, in order, {"score", "wrote", "bytes"}. The truth: the source
decoded whole by Pillow, and Lanczos3 in double precision, alpha premultiplied, rounded once.
The score is SSIMULACRA2 (100: the same). At full size it is that of the middle 3 MP; alpha is
laid over gray. References and scores are cached in DIRECTORY by what they were made of.
"""

import hashlib
import json
import multiprocessing
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

FULL_SIZE_WINDOW = 2000, 1500
GRAY = 128.0
VERSION = 2  # of this method: a new one makes the cached ones worthless
Image.MAX_IMAGE_PIXELS = None


def lanczos3(size: int, count: int) -> np.ndarray:
    """count × size weights: a window of radius 3 output pixels, cut and made to sum to 1."""
    scale = size / count
    width = max(scale, 1.0)
    centre = (np.arange(count) + 0.5) * scale
    x = (np.arange(size) + 0.5 - centre[:, None]) / width
    weights = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)
    return weights / weights.sum(axis=1, keepdims=True)


def resized(samples: np.ndarray, width: int, height: int) -> np.ndarray:
    """Across a strip of rows at a time, then down."""
    across = lanczos3(samples.shape[1], width).T
    strips = [
        np.einsum("yxc,xo->yoc", samples[y : y + 250].astype(np.float64), across, optimize=True)
        for y in range(0, samples.shape[0], 250)
    ]
    return np.einsum(
        "oy,yxc->oxc", lanczos3(samples.shape[0], height), np.concatenate(strips), optimize=True
    )


def premultiplied(samples: np.ndarray) -> np.ndarray:
    colours, alpha = samples[..., :3], samples[..., 3:]
    return np.dstack([colours * (alpha / 255.0), alpha])


def over_gray(premultiplied: np.ndarray) -> np.ndarray:
    return premultiplied[..., :3] + GRAY * (1 - premultiplied[..., 3:] / 255.0)


def cut(samples: np.ndarray, width: int, height: int) -> np.ndarray:
    """The middle, with a floor offset."""
    y, x = (samples.shape[0] - height) // 2, (samples.shape[1] - width) // 2
    return samples[max(0, y) : max(0, y) + height, max(0, x) : max(0, x) + width]


def reference(request: dict[str, Any], width: int, height: int) -> np.ndarray:
    """The truth of a request as RGB samples of the size that a tool chose to write."""
    with Image.open(request["source"]) as opened:
        samples = np.asarray(opened)
    if not request["width"]:
        return cut(samples, *FULL_SIZE_WINDOW)
    size = width, height
    if request["cover"]:
        scale = max(width / samples.shape[1], height / samples.shape[0])
        size = tuple(int(np.ceil(n * scale - 1e-9)) for n in samples.shape[1::-1])
    if samples.shape[2] == 4:
        exact = over_gray(resized(premultiplied(samples), *size))
    else:
        exact = resized(samples, *size)
    return np.clip(np.rint(cut(exact, width, height)), 0, 255).astype(np.uint8)


def produced(request: dict[str, Any]) -> np.ndarray:
    """What a tool wrote as RGB samples."""
    if request["pixels"]:
        raw = np.fromfile(request["output"], np.uint8)
        return raw.reshape(request["height"], request["width"], 3)
    with Image.open(request["output"]) as opened:
        samples = np.asarray(opened)
    if samples.shape[2] == 4:
        samples = np.rint(over_gray(premultiplied(samples))).astype(np.uint8)
    return samples if request["width"] else cut(samples, *FULL_SIZE_WINDOW)


# --- what was written ----------------------------------------------------------------


STANDARD_HUFFMAN = bytes([0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D, 1, 2, 3, 0])
"""How the usual AC table of luma begins: a file that has it is not optimised."""


def jpeg_kind(data: bytes) -> str:
    """'baseline 4:2:0': from the frame header and the Huffman tables."""
    at = 2
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    kind = "progressive" if data[at + 1] == 0xC2 else "baseline"
    luma = data[at + 11]
    names = {0x22: "4:2:0", 0x21: "4:2:2", 0x11: "4:4:4"}
    usual = ", standard tables" if STANDARD_HUFFMAN in data else ""
    return f"{kind} {names.get(luma, hex(luma))}{usual}"


def kind_of(path: str) -> str:
    """What a file is, as far as its settings can be read from it."""
    data = Path(path).read_bytes()
    if data[:2] == b"\xff\xd8":
        return jpeg_kind(data)
    if data[:4] == b"\x89PNG":
        colour = {0: "gray", 2: "RGB", 3: "palette", 6: "RGBA"}[data[25]]
        return f"{colour} {data[24]} bit" + (" interlaced" if data[28] else "")
    if data[:4] == b"RIFF":
        return "lossless" if b"VP8L" in data[12:64] else "lossy"
    at = data.find(b"av1C")
    if at > 0:
        flags = data[at + 6]
        names = {(1, 1): "4:2:0", (1, 0): "4:2:2", (0, 0): "4:4:4"}
        return f"{names.get((flags >> 3 & 1, flags >> 2 & 1), '?')} {10 if flags & 64 else 8} bit"
    return "pixels"


# --- the cache -------------------------------------------------------------------------


class Judge:
    """Scores requests, and remembers both references and scores."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.path = directory / "scores.json"
        self.scores: dict[str, float] = (
            json.loads(self.path.read_text("utf-8")) if self.path.exists() else {}
        )
        self.digests: dict[str, str] = {}

    def digest(self, path: str) -> str:
        if path not in self.digests:
            self.digests[path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:24]
        return self.digests[path]

    def reference(self, request: dict[str, Any], width: int, height: int) -> Path:
        fields = VERSION, self.digest(request["source"]), width, height, request["cover"]
        name = "-".join(map(str, fields))
        path = self.directory / "reference" / f"{name}.png"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            half = path.with_name(f"half-{path.name}")
            Image.fromarray(reference(request, width, height)).save(half, compress_level=1)
            half.rename(path)
        return path

    def judge(self, request: dict[str, Any]) -> dict[str, Any]:
        samples = produced(request)
        height, width = samples.shape[:2]
        truth = self.reference(request, width, height)
        output = hashlib.sha256(Path(request["output"]).read_bytes()).hexdigest()[:24]
        key = f"{truth.stem} {output}"
        if key not in self.scores:
            import ssimulacra2

            with tempfile.NamedTemporaryFile(suffix=".png") as file:
                Image.fromarray(samples).save(file.name, compress_level=1)
                self.scores[key] = float(ssimulacra2.compute_ssimulacra2(str(truth), file.name))
        wrote = kind_of(request["output"])
        if request["width"] and (width, height) != (request["width"], request["height"]):
            wrote += f", {width}×{height}"
        return {
            "key": key,
            "score": self.scores[key],
            "wrote": wrote,
            "bytes": Path(request["output"]).stat().st_size,
        }

    def save(self) -> None:
        self.path.write_text(json.dumps(self.scores, indent=0), encoding="utf-8")


def main() -> None:
    """References are made by the first process, scores by as many as there are CPUs."""
    judge = Judge(Path(sys.argv[1]))
    requests = json.load(sys.stdin)
    seen = {json.dumps({**request, "output": ""}): request for request in requests}
    for request in seen.values():
        judge.judge(request)
    with multiprocessing.Pool() as pool:
        answers = pool.map(judge.judge, requests, chunksize=1)
    for answer in answers:
        judge.scores[answer.pop("key")] = answer["score"]
    judge.save()
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
