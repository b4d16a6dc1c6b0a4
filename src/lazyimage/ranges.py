"""Ranges: from where to where the numbers of options and steps go, and what the ends mean.

Layer: above errors, below everything that checks. The idea: one table, so that a number that
is outside is refused everywhere in the same words, with a hint that says what there is.
"""

from __future__ import annotations

from lazyimage.errors import InvalidArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

STEP_NAMES: Final = frozenset(
    (
        *("resize", "crop", "rotate", "flip_h", "flip_v", "transpose", "grayscale", "convert"),
        *("brightness", "contrast", "saturation", "gamma", "flatten", "pad", "blur", "sharpen"),
        *("trim", "overlay"),
    )
)

# By name, with the step in front where it is a step's. {0} and {1} are the ends.
RANGES: Final[dict[str, tuple[float, float, str]]] = {
    "quality": (1, 100, "{0} (smallest file) to {1} (best picture); None: the format's default"),
    "effort": (0, 9, "{0} (fastest) to {1} (smallest file)"),
    "compression": (0, 9, "{0} (stored), 1 (fastest) to {1} (smallest file)"),
    "palette": (2, 256, "True, False, or {0} to {1} colours at most"),
    "near_lossless": (0, 100, "{0} (smallest file) to {1} (no loss)"),
    "method": (0, 6, "{0} (fastest) to {1} (smallest file)"),
    "alpha_quality": (0, 100, "{0} (smallest file) to {1} (no loss, the default)"),
    "speed": (0, 10, "{0} (smallest file) to {1} (fastest)"),
    "brightness": (-100, 100, "{0} to {1}; 0 changes nothing, above it is lighter"),
    "contrast": (-100, 100, "{0} (all gray) to {1}; 0 changes nothing"),
    "saturation": (-100, 100, "{0} (gray) to {1}; 0 changes nothing"),
    "gamma": (0.01, 100, "{0} to {1}; 1 changes nothing, above it is lighter"),
    "blur: sigma": (0.1, 100, "{0} to {1} pixels; leave blur() out where there is to be none"),
    "sharpen: amount": (0, 10, "{0} (nothing) to {1}; 1 is usual"),
    "sharpen: radius": (0.1, 100, "{0} to {1} pixels; 1 is usual"),
    "sharpen: threshold": (0, 255, "{0} (sharpen everything) to {1} levels of difference"),
    "trim: threshold": (0, 254, "{0} (of one colour exactly) to {1} levels of difference"),
    "overlay: opacity": (0, 1, "{0} (not to be seen) to {1} (as it is); a share, not per cent"),
    # Beyond it a page is better served by a file.
    "placeholder: size": (1, 256, "{0} to {1} pixels: the longer side"),
    "run: workers": (0, 256, "{0} (as many as there are CPUs to use) to {1}"),
}


def step_of(what: str) -> str | None:
    """The step that "resize: fit" is of; None for options."""
    name = what.partition(":")[0]
    return name if name in STEP_NAMES else None


def check_range(value: float, what: str) -> None:
    """E400 of a number that is outside the range of this name."""
    low, high, means = RANGES[what]
    if low <= value <= high:
        return
    step = step_of(what)
    said = f"{value:g}" if type(value) is float else f"{value}"
    between = ": " if step == what else "="
    name = what.rpartition(": ")[2]
    raise InvalidArgumentError(
        f"{what}{between}{said} is outside {low}..{high}",
        step=step,
        hint=f"{name} is {means.format(low, high)}",
    )


# --- options of another format -------------------------------------------------------

KIN: Final = (
    ("effort", "compression", "method", "speed"),
    ("progressive", "interlace"),
    ("subsampling", "smart_subsample"),
    ("lossless", "near_lossless"),
)
"""Options that do much the same, each for its format."""


def foreign_hint(name: str, format: str, formats_of: dict[str, tuple[str, ...]]) -> str:
    """What to do about an option that this format does not have."""
    owners = formats_of[name]
    others = f"leave it out, or write {' or '.join(owners)}"
    if format == "png" and name in ("lossless", "near_lossless"):
        return "png is always lossless: leave it out"
    for group in KIN:
        for kin in group if name in group else ():
            if kin != name and format in formats_of.get(kin, ()):
                return f"the nearest option of {format} is {kin}: use it, or {others}"
    return others
