"""What a quality costs and loses on the average, measured: where a search begins.

Layer: beside checks; loaded on use, by target.py.
"""

from __future__ import annotations

from bisect import bisect_left

# How log(bytes) and log(1 − SSIM) go with quality: means over 30 photographs, to their own
# value at 75; and the mean of log(bytes / pixels) and of log(1 − SSIM) there.
BYTES_AT_75 = {"jpeg": -2.10, "webp": -2.42, "avif": -1.85}
BYTES_CURVES = {
    "jpeg": (
        *((1, -2.55), (3, -2.54), (5, -2.32), (10, -1.79), (15, -1.42), (20, -1.14)),
        *((30, -0.79), (40, -0.57), (50, -0.40), (60, -0.26), (70, -0.11), (75, 0.0)),
        *((80, 0.14), (85, 0.31), (89, 0.49), (90, 0.81), (92, 0.92), (94, 1.05)),
        *((96, 1.25), (98, 1.54), (99, 1.79), (100, 1.96)),
    ),
    "webp": (
        *((1, -1.59), (4, -1.35), (12, -1.04), (20, -0.84), (28, -0.68), (36, -0.54)),
        *((44, -0.42), (52, -0.31), (60, -0.22), (68, -0.12), (76, 0.01), (84, 0.31)),
        *((89, 0.57), (92, 0.75), (96, 1.0), (100, 1.29)),
    ),
    "avif": (
        *((1, -2.50), (5, -2.35), (11, -2.07), (18, -1.82), (24, -1.58), (30, -1.34)),
        *((37, -1.10), (43, -0.87), (50, -0.65), (56, -0.46), (62, -0.26), (69, -0.14)),
        *((75, 0.0), (81, 0.17), (89, 0.42), (90, 0.62), (94, 1.02), (100, 1.80)),
    ),
}
LOSS_AT_75 = {"jpeg": -2.7, "webp": -3.0, "avif": -3.6}
LOSS_CURVES = {
    "jpeg": (
        *((1, 1.84), (3, 1.80), (5, 1.59), (10, 1.27), (20, 0.90), (30, 0.68), (40, 0.53)),
        *((50, 0.40), (60, 0.28), (70, 0.10), (75, 0.0), (80, -0.14), (85, -0.35)),
        *((89, -0.57), (90, -1.04), (93, -1.38), (96, -1.96), (98, -2.64), (100, -3.85)),
    ),
    "webp": (
        *((1, 1.58), (5, 1.36), (10, 1.20), (20, 0.94), (30, 0.73), (40, 0.54), (50, 0.39)),
        *((60, 0.25), (68, 0.14), (76, -0.02), (84, -0.37), (90, -0.72), (95, -1.02)),
        (100, -1.21),
    ),
    "avif": (
        *((1, 2.56), (10, 2.26), (20, 1.93), (30, 1.58), (40, 1.20), (50, 0.80), (60, 0.39)),
        *((70, 0.12), (75, 0.0), (80, -0.13), (85, -0.33), (89, -0.44), (90, -1.40)),
        *((95, -1.92), (98, -2.51), (100, -4.22)),
    ),
}


def on_curve(curve: tuple[tuple[int, float], ...], quality: int) -> float:
    """The curve between its points."""
    after = bisect_left(curve, (quality,))
    x, y = curve[after]
    if x == quality:
        return y
    x0, y0 = curve[after - 1]
    return y0 + (y - y0) * (quality - x0) / (x - x0)


def along(curve: tuple[tuple[int, float], ...], qualities: list[int], start: float) -> list[float]:
    """The curve at these qualities, above where it starts."""
    return [start + on_curve(curve, quality) for quality in qualities]
