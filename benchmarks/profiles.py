"""What an ICC profile costs a pixel: benchmarks/profiles.py [PROFILE.icc …].

CPU time of a PNG of 2 MP that has the profile, with its colours converted less with them kept:
the least of nine runs each, taken in turn. Beside it lcms2 through Pillow, of 8 bits.
"""

import io
import struct
import sys
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

import lazyimage as li

HEIGHT, WIDTH, RUNS = 1200, 1700, 9
TAGGED = Path(__file__).parents[1] / "tests" / "data" / "png" / "icc-p3.png"


def pictures() -> dict[int, np.ndarray]:
    """Slopes with grain, of 8 and of 16 bits."""
    y, x, c = np.mgrid[0:HEIGHT, 0:WIDTH, 0:3]
    grain = np.random.default_rng(1).integers(0, 4096, x.shape)
    deep = ((x * (20 + 9 * c) + y * (31 - 7 * c) + grain) % 65536).astype(np.uint16)
    return {8: (deep >> 8).astype(np.uint8), 16: deep}


def tagged(samples: np.ndarray, icc: bytes) -> bytes:
    data = li.Engine.from_pixels(samples).to_buffer("png", compression=0).to_bytes()
    body = b"iCCPx\0\0" + zlib.compress(icc)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]


def least(jobs: list[Callable[[], object]]) -> list[float]:
    """Nanoseconds a pixel of each."""
    found = [float("inf")] * len(jobs)
    for _ in range(RUNS):
        for i, job in enumerate(jobs):
            start = time.process_time_ns()
            job()
            found[i] = min(found[i], (time.process_time_ns() - start) / (WIDTH * HEIGHT))
    return found


def by_pillow(samples: np.ndarray, icc: bytes) -> Callable[[], object]:
    image, target = Image.fromarray(samples), ImageCms.createProfile("sRGB")
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    transform = ImageCms.buildTransform(source, target, "RGB", "RGB")
    return lambda: ImageCms.applyTransform(image, transform)


def main(names: list[str]) -> None:
    with Image.open(TAGGED) as image:
        profiles = {TAGGED.name: image.info["icc_profile"]}
    profiles |= {name: Path(name).read_bytes() for name in names}
    for name, icc in profiles.items():
        for bits, samples in pictures().items():
            engine, dtype = li.Engine.from_bytes(tagged(samples, icc)), f"uint{bits}"
            jobs: list[Callable[[], object]] = [
                partial(engine.to_pixels, dtype=dtype, color=how) for how in ("srgb", "keep")
            ]
            more = [by_pillow(samples, icc)] if bits == 8 else []
            converted, kept, *pillow = least([*jobs, *more])
            beside = f", lcms2 through Pillow {pillow[0]:.1f}" if pillow else ""
            print(f"{name}, {bits} bits: {converted - kept:.1f} ns a pixel{beside}")


if __name__ == "__main__":
    main(sys.argv[1:])
