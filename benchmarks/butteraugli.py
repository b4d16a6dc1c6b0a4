"""Butteraugli's distance of two pictures, by libjxl 0.7, the last that hands it out."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np

LIBRARY = "libjxl.so.0.7"  # Debian's libjxl0.7; tools/setup.sh --judges
NORM = 3.0  # as libjxl's own benchmarks: the mean that looks at the worst places most
NITS = 80.0  # of white, as sRGB is defined
UINT8 = 2  # JXL_TYPE_UINT8


class Format(ctypes.Structure):
    """JxlPixelFormat."""

    _fields_ = (
        ("channels", ctypes.c_uint32),
        ("type", ctypes.c_int),
        ("endianness", ctypes.c_int),
        ("align", ctypes.c_size_t),
    )


@cache
def library() -> Any:
    """None: it is not installed."""
    try:
        jxl = ctypes.CDLL(LIBRARY)
    except OSError:
        return None
    for name in ("JxlButteraugliApiCreate", "JxlButteraugliCompute"):
        getattr(jxl, name).restype = ctypes.c_void_p
    jxl.JxlButteraugliResultGetDistance.restype = ctypes.c_float
    return jxl


def distance(original: np.ndarray, samples: np.ndarray) -> float:
    """3-norm of RGB samples, 8 bits; 0: the same, 1: hardly to be seen. NaN without libjxl."""
    jxl = library()
    if jxl is None:
        return float("nan")
    height, width = original.shape[:2]
    form = Format(3, UINT8, 0, 0)
    sides: list[Any] = []
    for picture in (original, samples):
        data = np.ascontiguousarray(picture, dtype=np.uint8).tobytes()
        sides += [ctypes.byref(form), data, ctypes.c_size_t(len(data))]
    api = ctypes.c_void_p(jxl.JxlButteraugliApiCreate(None))
    jxl.JxlButteraugliApiSetIntensityTarget(api, ctypes.c_float(NITS))
    size = (ctypes.c_uint32(width), ctypes.c_uint32(height))
    result = ctypes.c_void_p(jxl.JxlButteraugliCompute(api, *size, *sides))
    jxl.JxlButteraugliApiDestroy(api)
    if not result:
        raise RuntimeError("butteraugli: no result")
    found = float(jxl.JxlButteraugliResultGetDistance(result, ctypes.c_float(NORM)))
    jxl.JxlButteraugliResultDestroy(result)
    return found
