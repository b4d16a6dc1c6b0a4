"""Quality: how alike two pictures are, as SSIM and PSNR.

Layer: above engine; loaded on use. The idea: one picture is held, the other streams past it,
so a comparison costs one frame and seven rows.
"""

from __future__ import annotations

from lazyimage import _core, request
from lazyimage.engine import Engine
from lazyimage.errors import InvalidArgumentError
from lazyimage.source import SAMPLES, from_any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Buffer

    from lazyimage.chain import Mode

LAYOUT_MODES: dict[str, Mode] = {"gray": "L", "graya": "LA", "rgb": "RGB", "rgba": "RGBA"}
"""By the name that a plan has for them, without its bits."""


def ssim(a: Any, b: Any) -> float:
    """Structural similarity of two pictures: 1.0 for equal ones, −1.0 at least.

    a, b: Engines (with their steps), Pixels, Encoded, paths, encoded bytes, file objects or
    arrays of uint8 or uint16; of one size. Upright. Layouts that differ are widened: gray
    beside RGB is compared as RGB, opaque beside alpha with alpha. What has more than 8 bits
    is compared as it is in 8. Engines make their pictures as with shrink="exact", so a lossless
    file equals them if it was made so too: without it, a JPEG's planes are resized one by one.

    It is scikit-image's structural_similarity(a, b, channel_axis=2, data_range=255), within
    1e-5: a square window of 7 with equal weights, sample covariance, K1 = 0.01, K2 = 0.03,
    windows inside the picture only, mean over the channels. A side below 7 makes the window
    the largest odd number that fits. With alpha, colours are multiplied by it first (what is
    hidden does not count), and alpha is a channel.

    Raises InvalidArgumentError (E400) for sizes that differ, TypeError for float samples,
    and whatever opening and decoding raise.

    >>> small = Engine.from_path("photo.jpg").resize(160)
    >>> 0.9 < lazyimage.quality.ssim(small, small.to_buffer("jpeg", 80)) < 1
    True
    >>> lazyimage.quality.ssim(small, small.to_buffer("png", shrink="exact"))
    1.0
    """
    return compare(a, b, "ssim", True)[0]


def psnr(a: Any, b: Any) -> float:
    """Peak signal-to-noise ratio in dB: 10 · log10(255² / mean squared error).

    Arguments, widening and alpha as of ssim(); the error is the mean over all samples, as in
    scikit-image's peak_signal_noise_ratio(a, b, data_range=255). Equal pictures: inf.

    >>> small = Engine.from_path("photo.jpg").resize(160)
    >>> 25 < lazyimage.quality.psnr(small, small.to_buffer("jpeg", 80)) < 60
    True
    >>> lazyimage.quality.psnr(small, small.to_buffer("png", shrink="exact"))
    inf
    """
    from math import inf, log10

    error = compare(a, b, "psnr", False)[1]
    return 10 * log10(255**2 / error) if error else inf


def compare(a: Any, b: Any, caller: str, structure: bool) -> tuple[float, float]:
    """(SSIM or 0, mean squared error)."""
    first, second = opened(a, caller), opened(b, caller)
    if is_held(second) and not is_held(first):
        first, second = second, first  # the one that is in memory already is the held one
    mode = widened(mode_of(first), mode_of(second))
    held = held_pixels(first, mode)
    found = likeness(second, held, mode, structure, caller)
    return found[0], found[1]


def opened(subject: Any, caller: str) -> Engine:
    """An Engine over whatever the user compares."""
    if isinstance(subject, Engine):
        return subject
    if getattr(subject, "dtype", "uint8") not in SAMPLES:
        raise TypeError(f"{caller}() compares uint8 or uint16 samples, not {subject.dtype}")
    if getattr(subject, "layout", "HWC") != "HWC":
        raise InvalidArgumentError(
            f'{caller}: Pixels of layout "{subject.layout}", not "HWC"',
            hint='make them with layout="HWC"',
        )
    from lazyimage.recipe import Recipe

    return Engine._make(from_any(subject, "auto"), Recipe())


def is_held(engine: Engine) -> bool:
    """Whether its samples are in memory as they are."""
    deep = engine.info.bit_depth > 8
    return engine._origin.kind == "pixels" and not engine.recipe.steps and not deep


def mode_of(engine: Engine) -> Mode:
    """The layout that its steps end in, by the plan. CMYK is shown as RGB."""
    if not engine.recipe.steps:
        mode = engine.info.mode
        return "RGB" if mode == "CMYK" else mode  # type: ignore[return-value]
    lines = engine.explain().splitlines()
    layout = next(line.split()[2] for line in lines if line.startswith("pixels "))
    return LAYOUT_MODES[layout.rstrip("168")]


def widened(one: Mode, other: Mode) -> Mode:
    """The layout that holds both."""
    gray = one[0] == other[0] == "L"
    alpha = one.endswith("A") or other.endswith("A")
    return ("LA" if alpha else "L") if gray else ("RGBA" if alpha else "RGB")


def held_pixels(engine: Engine, mode: Mode) -> Buffer:
    """Packed samples of this layout: the engine's own memory where it has them."""
    origin = engine._origin
    if is_held(engine) and origin.mode == mode:
        view = memoryview(origin.data)
        if view.ndim == 3 and view.c_contiguous:
            return view
    return engine.to_pixels(mode=mode, shrink="exact")


def likeness(
    engine: Engine, held: Buffer, mode: Mode, structure: bool, caller: str
) -> tuple[float, float, int]:
    """(SSIM, mean squared error, peak bytes) of an engine's picture against held samples."""
    engine = engine.convert(mode)
    asked = request.pixels_request(engine.recipe, None, shrink="exact")
    try:
        return _core.compare(engine._origin.core, request.bounded(asked), held, structure)
    except InvalidArgumentError as error:
        sizes = str(error).removeprefix("compare: ")
        if sizes == str(error):
            raise
        raise InvalidArgumentError(
            f"{caller}: {sizes}", hint="resize one of them to the size of the other"
        ) from None
