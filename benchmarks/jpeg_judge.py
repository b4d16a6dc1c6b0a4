"""SSIMULACRA2 of many pictures beside one: the parts of the PyPI package, with what they make of
the original kept, so that a score costs half. The result is equal to compute_ssimulacra2()'s.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import ssimulacra2.ssimulacra2 as parts

LINEAR = parts.srgb_to_linear(np.arange(256))


def pyramid(samples: np.ndarray) -> Iterator[np.ndarray]:
    """Halved in linear light, then XYB."""
    linear = LINEAR[samples]
    for scale in range(parts.kNumScales):
        if scale:
            linear = parts.downsample(linear, 2, 2)
        if min(linear.shape[:2]) < 8:
            return
        yield parts.make_positive_xyb(parts.linear_rgb_to_xyb(linear))


class Judge:
    """Of RGB samples, 8 bits."""

    def __init__(self, original: np.ndarray):
        self.scales = [
            (image, parts.blur_image(image), parts.blur_image(image * image))
            for image in pyramid(original)
        ]

    def score(self, samples: np.ndarray) -> float:
        """100: the same."""
        found = parts.Msssim()
        for (image, mean, square), other in zip(self.scales, pyramid(samples), strict=True):
            other_mean, both = parts.blur_image(other), parts.blur_image(image * other)
            scale = parts.MsssimScale()
            scale.avg_ssim = parts.ssim_map(
                mean, other_mean, square, parts.blur_image(other * other), both
            )
            scale.avg_edgediff = parts.edge_diff_map(image, mean, other, other_mean)
            found.scales.append(scale)
        return float(found.score())
