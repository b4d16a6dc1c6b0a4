"""Outputs of one decode beside the same outputs alone, on photographs: docs/notes/tee.md."""

import numpy as np
import oracle
import pytest

import lazyimage as li

WIDTHS = (320, 640, 960, 1280)
PHOTOGRAPHS = 6


def samples(engine: li.Engine) -> np.ndarray:
    return np.asarray(engine.to_pixels(mode="RGB")).astype(float)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = ((a - b) ** 2).mean()
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def photographs(corpus: list[oracle.Entry]) -> list[oracle.Entry]:
    """JPEGs of a camera, one of each folder: wallpapers, and one that is turned in all ways."""
    found: dict[str, oracle.Entry] = {}
    for entry in corpus:
        if (
            entry.format == "jpeg"
            and entry.kind == "valid"
            and ("backgrounds" in entry.path or "exif-orientation" in entry.path)
            and entry.mode.startswith("ycbcr")
            and 1_500_000 < entry.pixels < 30_000_000
        ):
            found.setdefault(str(entry.file.parent), entry)
    return list(found.values())[:PHOTOGRAPHS]


@pytest.mark.corpus
def test_outputs_of_one_decode_are_as_good_as_alone(corpus: list[oracle.Entry]) -> None:
    """To what an exact resize gives they are as near, within half a decibel; to each other nearer
    than that, or the same bytes where both come the same way."""
    found = photographs(corpus)
    assert len(found) >= 4
    same = 0
    for entry in found:
        engine = li.Engine.from_path(entry.file)
        engines = [engine.resize(width) for width in WIDTHS]
        engines.append(engine.resize(500, 500, fit="cover"))  # alone it reads a part
        outputs = [
            each.output(format=format, quality=80)
            for each in engines
            for format in ("jpeg", "webp")
        ]
        exact = [samples(each) for each in engines]
        for outcome in li.run(outputs, workers=2, on_error="raise"):
            shared, number = outcome.result, outcome.index // 2
            alone = engines[number].to_buffer(shared.format, quality=80)
            assert shared.metrics.threads == len(outputs)
            first, second = samples(shared.open()), samples(alone.open())
            case = (entry.path, shared.width, shared.format)
            assert psnr(first, exact[number]) > psnr(second, exact[number]) - 0.5, case
            assert psnr(first, second) > 35, case
            assert abs(len(shared) / len(alone) - 1) < 0.05, case
            same += bytes(shared) == bytes(alone)
    assert same >= 2 * len(found) - 2
