"""The pictures of the benchmark, made from two photographs of the corpus.

    python benchmarks/inputs.py DIRECTORY [--only NAME …]

Run by bench.py with the peers' Python. The one idea: a photograph is put beside its mirror
images at its own scale, so a larger picture keeps the grain and the detail of the camera;
then a window is cut, off the 8×8 grid of the file that it came from. Pillow writes all of
them. Without the corpus (LAZYIMAGE_CORPUS) a made picture takes the photographs' place, and
inputs.json says so.
"""

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

MOUNTAINS = (
    "debian-lomiri-wallpapers-16.04/usr/share/backgrounds/picosdeeuropa_by_Aitzol_Berasategi.jpg"
)
DRAGONFLY = "debian-lomiri-wallpapers-16.04/usr/share/backgrounds/Dragonfly_by_Bolly.jpg"
OFF_GRID = (3, 5)


class Recipe(NamedTuple):
    """A window of a mirrored photograph, and how Pillow writes it."""

    photograph: str
    width: int
    height: int
    suffix: str
    options: dict[str, Any]
    alpha: bool = False
    scale: int = 1  # shrunk by a whole factor first


BASELINE = {"quality": 90, "subsampling": "4:2:0", "optimize": True}
RECIPES = {
    "jpeg-24": Recipe(MOUNTAINS, 6000, 4000, "jpg", BASELINE),
    "jpeg-13": Recipe(DRAGONFLY, 4200, 3150, "jpg", BASELINE),
    # 14 × (272 × 224): a middle square of 224 px, and no tool has anything to round
    "jpeg-12": Recipe(MOUNTAINS, 3808, 3136, "jpg", BASELINE),
    "jpeg-2": Recipe(DRAGONFLY, 1800, 1200, "jpg", BASELINE, scale=2),
    "progressive-15": Recipe(DRAGONFLY, 4800, 3200, "jpg", {**BASELINE, "progressive": True}),
    "png-24": Recipe(MOUNTAINS, 6000, 4000, "png", {"compress_level": 6}),
    "rgba-3": Recipe(MOUNTAINS, 2048, 1536, "png", {"compress_level": 6}, alpha=True),
    "webp-24": Recipe(MOUNTAINS, 6000, 4000, "webp", {"quality": 85, "method": 4}),
    "avif-15": Recipe(
        *(DRAGONFLY, 4800, 3200, "avif", {"quality": 75, "speed": 8, "subsampling": "4:2:0"})
    ),
    "warm-jpeg": Recipe(MOUNTAINS, 900, 600, "jpg", BASELINE),
    "warm-png": Recipe(MOUNTAINS, 900, 600, "png", {"compress_level": 6}),
    "warm-rgba": Recipe(MOUNTAINS, 900, 600, "png", {"compress_level": 6}, alpha=True),
    "warm-webp": Recipe(MOUNTAINS, 900, 600, "webp", {"quality": 85, "method": 4}),
    "warm-avif": Recipe(MOUNTAINS, 900, 600, "avif", {"quality": 75, "speed": 8}),
}


def photograph(name: str) -> tuple[np.ndarray, str]:
    """(RGB samples, where they are from)."""
    corpus = os.environ.get("LAZYIMAGE_CORPUS", "")
    path = Path(corpus, name)
    if corpus and path.is_file():
        with Image.open(path) as opened:
            return np.asarray(opened.convert("RGB")), name
    return made_up(3264, 2448, seed=len(name)), "made: no corpus (LAZYIMAGE_CORPUS)"


def made_up(width: int, height: int, seed: int) -> np.ndarray:
    """Light, things and grain: octaves of noise, each a resize of a coarser one."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for columns, weight in ((6, 90), (40, 60), (250, 40), (1500, 25)):
        rows = max(2, columns * height // width)
        for channel in range(3):
            coarse = Image.fromarray(random.random((rows, columns), dtype=np.float32), "F")
            fine = coarse.resize((width, height), Image.Resampling.BICUBIC)
            total[..., channel] += weight * np.asarray(fine)
    total += random.normal(0, 3, total.shape)
    return np.clip(total, 0, 255).astype(np.uint8)


def mirrored(samples: np.ndarray, width: int, height: int) -> np.ndarray:
    """The window, a little off the origin, of the plane tiled with mirror images."""
    left, top = OFF_GRID
    down = np.arange(top, top + height) % (2 * samples.shape[0])
    across = np.arange(left, left + width) % (2 * samples.shape[1])
    down = np.minimum(down, 2 * samples.shape[0] - 1 - down)
    across = np.minimum(across, 2 * samples.shape[1] - 1 - across)
    return samples[down][:, across]


def with_alpha(samples: np.ndarray) -> np.ndarray:
    """A soft ellipse with clear corners, and an opaque bar across it."""
    height, width = samples.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    alpha = np.clip((1.1 - np.hypot(x, y)) * 400, 0, 255)
    alpha[np.abs(y) < 0.1] = 255
    return np.dstack([samples, alpha.astype(np.uint8)])


def make(recipe: Recipe, path: Path) -> str:
    """Write the picture; returns where it is from."""
    samples, origin = photograph(recipe.photograph)
    if recipe.scale > 1:
        samples = np.asarray(Image.fromarray(samples).reduce(recipe.scale))
    samples = mirrored(samples, recipe.width, recipe.height)
    if recipe.alpha:
        samples = with_alpha(samples)
    half = path.with_name(f"half-{path.name}")
    Image.fromarray(samples).save(half, **recipe.options)
    half.rename(path)
    return origin


def ensure(directory: Path, names: list[str]) -> dict[str, Any]:
    """Make what is missing, or was made otherwise; the record of all."""
    record_path = directory / "inputs.json"
    record = json.loads(record_path.read_text("utf-8")) if record_path.exists() else {}
    corpus = bool(os.environ.get("LAZYIMAGE_CORPUS"))
    for name in names:
        recipe = RECIPES[name]
        path = directory / f"{name}.{recipe.suffix}"
        said = {"recipe": repr(recipe), "corpus": corpus}
        known = record.get(name, {})
        if path.exists() and all(known.get(key) == value for key, value in said.items()):
            known["path"] = str(path)  # the directory may have been moved
            continue
        print(f"making {path.name}", file=sys.stderr, flush=True)
        record[name] = {
            **said,
            "origin": make(recipe, path),
            "path": str(path),
            "width": recipe.width,
            "height": recipe.height,
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        record_path.write_text(json.dumps(record, indent=1), encoding="utf-8")
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--only", nargs="*", default=list(RECIPES))
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    print(json.dumps(ensure(options.directory.resolve(), options.only)))


if __name__ == "__main__":
    main()
