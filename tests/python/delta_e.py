"""CIEDE2000 between two pictures in sRGB: how far apart colours look. Test support.

After Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula" (2005), with
kL = kC = kH = 1; test_color.py holds it to the pairs that they published.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

TO_XYZ = np.array(
    [
        [0.4123908, 0.3575843, 0.1804808],
        [0.2126390, 0.7151687, 0.0721923],
        [0.0193308, 0.1191948, 0.9505322],
    ]
)
WHITE = TO_XYZ.sum(1)
_25_7 = 25.0**7


def lab(srgb: Array) -> Array:
    """L*, a*, b* of samples 0..255 of sRGB, under D65."""
    value = np.asarray(srgb, np.float64) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    part = light @ TO_XYZ.T / WHITE
    f = np.where(part > 216 / 24389, np.cbrt(part), (24389 / 27 * part + 16) / 116)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _hues(a: Array, b: Array) -> Array:
    return np.degrees(np.arctan2(b, a)) % 360


def _weights(lightness: Array, chroma: Array, hue: Array) -> tuple[Array, Array, Array, Array]:
    """S of lightness, chroma and hue, and the rotation of the blue corner."""

    def wave(factor: float, shift: float) -> Array:
        return np.asarray(np.cos(np.radians(factor * hue + shift)))

    t = 1 - 0.17 * wave(1, -30) + 0.24 * wave(2, 0) + 0.32 * wave(3, 6) - 0.20 * wave(4, -63)
    square = (lightness - 50) ** 2
    turn = 30 * np.exp(-(((hue - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + _25_7)) * np.sin(np.radians(2 * turn))
    return (
        1 + 0.015 * square / np.sqrt(20 + square),
        1 + 0.045 * chroma,
        1 + 0.015 * chroma * t,
        rotation,
    )


def delta_e_of_lab(one: Array, other: Array) -> Array:
    l1, a1, b1 = np.moveaxis(np.asarray(one, np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(other, np.float64), -1, 0)
    mean7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1 + 0.5 * (1 - np.sqrt(mean7 / (mean7 + _25_7)))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2, h1, h2 = np.hypot(a1, b1), np.hypot(a2, b2), _hues(a1, b1), _hues(a2, b2)
    gray = c1 * c2 == 0
    step = np.where(gray, 0, (h2 - h1 + 180) % 360 - 180)
    step = np.where((step == -180) & (h2 > h1), 180, step)
    apart = np.abs(h1 - h2) > 180
    hue = np.where(apart, (h1 + h2 + 360) / 2 % 360, (h1 + h2) / 2)
    hue = np.where(gray, h1 + h2, hue)
    sl, sc, sh, rotation = _weights((l1 + l2) / 2, (c1 + c2) / 2, hue)
    light = (l2 - l1) / sl
    chroma = (c2 - c1) / sc
    hues = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(step / 2)) / sh
    return np.asarray(np.sqrt(light**2 + chroma**2 + hues**2 + rotation * chroma * hues))


def delta_e(one: Array, other: Array) -> Array:
    """Of each pixel of two pictures in sRGB, 8 bits."""
    return delta_e_of_lab(lab(one), lab(other))
