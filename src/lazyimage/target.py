"""Targets: the quality that fits a number of bytes, or that reaches a similarity.

Layer: above engine; loaded on use. One decode, one held frame in the encoder's layout, and as few
encodes of it as search.py needs. A search is a generator of jobs, run here and now or by run().
"""

from __future__ import annotations

from collections.abc import Generator
from math import log
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from lazyimage import _core, request, search
from lazyimage.curves import BYTES_AT_75, BYTES_CURVES, LOSS_AT_75, LOSS_CURVES, along
from lazyimage.errors import EncodeError, ImageTimeoutError, MemoryBudgetError
from lazyimage.goal import Goal
from lazyimage.machine import default_memory
from lazyimage.outputs import Encoded, Pixels, finish, finish_encoded, make_metrics
from lazyimage.records import Search

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lazyimage.engine import Engine

T = TypeVar("T")

LEAST_LOSS = 1e-9
"""What 1 − SSIM of equal pictures counts as: a logarithm is taken."""

LITTLE, NEXT = 1.25, 7
"""If the lowest quality is not over by more than this, so many more are tried."""

CANDIDATE_FRAMES = 3
CANDIDATE_BYTES = 4 << 20
"""Bound of what decoding a candidate takes: three times the frame and 4 MiB."""


# --- one held frame ------------------------------------------------------------------


class Asked(NamedTuple):
    """A search that has not begun."""

    engine: Engine
    format: str
    options: dict[str, Any]
    goal: Goal
    caller: str
    first: dict[str, Any]
    """The request for the picture."""
    planned: int
    """Bound of what all of it takes, but for the result, and of that."""
    planned_out: int
    memory: int
    """What it may take; 0: any."""


def ask(
    engine: Engine, format: str, options: dict[str, Any], goal: Goal, caller: str, usual: int = 0
) -> Asked:
    """Refuses before the first pixel what limits(max_memory=…) has no room for."""
    peak, out = planned(engine, format, options, goal, caller)
    limit = engine.recipe.effective_limits.get("max_memory", usual)
    if limit and peak + out > limit:
        raise MemoryBudgetError(
            f"{caller}: the search may need {peak + out} bytes, limits(max_memory={limit})",
            hint="its frame is held: see estimate(); resize first, or raise max_memory",
        )
    first = {**fed_request(engine, format, options, goal, caller), "type": Pixels}
    return Asked(engine, format, options, goal, caller, first, peak, out, limit)


class Step(NamedTuple):
    """One job of a search."""

    source: _core.Source
    request: dict[str, Any]
    """What _core.run() takes; with "reference", what run_many() does."""

    def run(self) -> Any:
        """Here and now: as run_many() would answer."""
        asked = request.alone({**self.request})
        reference = asked.get("reference")
        if reference is None:
            return _core.run(self.source, asked)
        return _core.compare(self.source, asked, reference, True), {}


Steps = Generator[Step, Any, T]
"""What is done in steps: gives them, and is sent what each of them gave."""


class Held:
    """The picture, decoded as the encoder is fed with it, and what was made of it."""

    def __init__(self, asked: Asked, pixels: Pixels, raw: dict[str, Any]) -> None:
        """What the request asked.first gave: pixels, and raw metrics."""
        recipe = asked.engine.recipe
        self.asked, self.caller = asked, asked.caller
        bits = deep_bits(asked.engine, asked.format, asked.options)
        self.options = {**asked.options, "bit_depth": bits} if bits else asked.options
        self.limits = {**recipe.effective_limits, "max_memory": asked.memory}
        self.cancel = asked.engine._cancel
        self.bare = recipe.without_steps()
        self.pixels, self.raw = pixels, raw
        self.compared = None if bits else pixels  # in 8 bits
        self.frame = memoryview(pixels).nbytes
        goes_with = raw["metadata"], raw["numbers"]
        self.core = _core.Source.from_pixels(memoryview(pixels), raw["mode_out"], *goes_with)
        self.peak = raw["peak_bytes"]
        self.tried: dict[int, int] = {}  # quality → bytes
        self.kept: dict[int, tuple[Encoded, dict[str, Any]]] = {}
        self.losses: dict[int, float] = {}  # quality → 1 − SSIM
        self.spent = dict.fromkeys(("encode_ns", "total_ns", "cpu_ns"), 0)
        self.begun = monotonic() - (raw["decode_ns"] + raw["ops_ns"]) * 1e-9

    def job(self, quality: int) -> dict[str, Any]:
        """The request that encodes the frame."""
        asked = request.encode_request(
            self.bare, "buffer", self.asked.format, quality, self.options, self.caller
        )
        return self.bounded({**asked, "type": Encoded})

    def bounded(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Limits of a job that begins with what is ours: time and memory that are left."""
        asked["formats"] = None
        asked["limits"] = {"max_pixels": 0, "max_side": 0, "max_input_bytes": 0}
        asked["limits"]["max_output_pixels"] = 0  # the frame has passed it
        if memory := self.limits.get("max_memory"):
            asked["limits"]["max_memory"] = max(memory - self.frame - self.kept_bytes(), 1)
        if timeout := self.limits.get("timeout"):
            left = self.begun + timeout - monotonic()
            if left <= 0:
                raise ImageTimeoutError(
                    f"{self.caller}: limits(timeout={timeout:g}) is over after "
                    f"{len(self.tried)} encodes"
                )
            asked |= {"timeout": left, "timeout_of": timeout}
        if self.cancel is not None:
            asked["cancel"] = self.cancel
        return asked

    def kept_bytes(self) -> int:
        """Of the candidates that are held."""
        return sum(len(encoded) for encoded, _ in self.kept.values())

    def encode(self, quality: int) -> Steps[Encoded]:
        """One candidate, which is kept until drop_but()."""
        if quality in self.kept:
            return self.kept[quality][0]
        before = self.frame + self.kept_bytes()
        encoded, raw = yield Step(self.core, self.job(quality))
        self.peak = max(self.peak, before + raw["peak_bytes"])
        for name in self.spent:
            self.spent[name] += raw[name]
        self.tried[quality] = len(encoded)
        self.kept[quality] = encoded, raw
        return encoded  # type: ignore[no-any-return]

    def drop_but(self, *qualities: int) -> None:
        """Let the other candidates go."""
        for quality in list(self.kept):
            if quality not in qualities:
                del self.kept[quality]

    def loss(self, quality: int) -> Steps[float]:
        """1 − SSIM of the candidate, decoded, against the frame."""
        if quality not in self.losses:
            encoded = yield from self.encode(quality)
            from lazyimage.recipe import Recipe

            recipe = Recipe().convert(self.raw["mode_out"])
            asked = self.bounded(request.pixels_request(recipe, None, color="keep"))
            source = _core.Source.from_buffer(memoryview(encoded))
            reference = yield from self.in_bytes()
            before = self.frame + self.kept_bytes()
            answer, _ = yield Step(source, {**asked, "reference": memoryview(reference)})
            ssim, _, peak = answer
            self.peak = max(self.peak, before + peak)
            self.losses[quality] = 1 - ssim
        return self.losses[quality]

    def in_bytes(self) -> Steps[Pixels]:
        """The frame in 8 bits, held too: candidates are compared in them."""
        if self.compared is None:
            from lazyimage.recipe import Recipe

            before = self.frame + self.kept_bytes()
            asked = self.bounded(request.pixels_request(Recipe(), None, color="keep"))
            made, raw = yield Step(self.core, {**asked, "type": Pixels})
            self.compared = made
            self.peak = max(self.peak, before + raw["peak_bytes"])
            self.frame += memoryview(made).nbytes
        return self.compared


def fed_request(
    engine: Engine, format: str, options: Mapping[str, Any], goal: Goal, caller: str
) -> dict[str, Any]:
    """The request of the frame: pixels as this encoder is fed with them at the highest quality of
    the search, which shows the most of what a decoder left out; whole, where a similarity to
    them is promised.
    """
    encode = request.encode_request(engine.recipe, "buffer", format, goal.high, options, caller)
    dtype = "uint16" if deep_bits(engine, format, options) else "uint8"
    asked = request.pixels_request(engine.recipe, None, dtype)
    for name in FED:
        if name in encode:
            asked[name] = encode[name]
    if goal.min_ssim is not None and asked["shrink"] == "safe":
        asked["shrink"] = "exact"
    return {**asked, "format": format}


FED = ("background", "shrink", "color", "keep", "icc_most", "quality")
"""What of an encoder's request says how its pixels are made."""


def deep_bits(engine: Engine, format: str, options: Mapping[str, Any]) -> int:
    """The bit depth of what is written, as without a search, where that is more than 8 and the
    source has as many: the frame has 16 then. 0: it has 8.
    """
    wanted = options.get("bit_depth")
    if format != "avif" or wanted == 8 or engine.info.bit_depth <= 8:
        return 0
    return wanted or (12 if engine.info.bit_depth == 12 else 10)


def planned(
    engine: Engine, format: str, options: Mapping[str, Any], goal: Goal, caller: str
) -> tuple[int, int]:
    """Bounds of the memory of a search without its result, and of the result.

    The decode and the encode, as if they were one job; the frame; one candidate beside the
    one at work; and what decoding a candidate to compare it may take.
    """
    core = engine._origin.core
    fed = fed_request(engine, format, options, goal, caller)
    peak, frame, _ = _core.estimate(core, request.alone(fed))
    asked = request.encode_request(engine.recipe, "buffer", format, goal.high, options, caller)
    direct, out, _ = _core.estimate(core, request.alone(asked))
    compare = 0
    if goal.min_ssim is not None:
        compare = CANDIDATE_FRAMES * frame + CANDIDATE_BYTES
        frame += frame // 2 if deep_bits(engine, format, options) else 0
    return frame + out + max(peak, direct, compare), out


def explain(engine: Engine, format: str, options: Mapping[str, Any], goal: Goal) -> str:
    """The plan of the frame, in words, with the bounds of the search, and what it is for."""
    fed = request.alone(fed_request(engine, format, options, goal, "explain"))
    *lines, memory = _core.explain(engine._origin.core, fed).rstrip("\n").split("\n")
    peak, out = planned(engine, format, options, goal, "explain")
    limits = [
        *([f"at most {goal.max_bytes} bytes"] if goal.max_bytes else []),
        *([f"SSIM at least {goal.min_ssim:g}"] if goal.min_ssim else []),
    ]
    words = f"quality {goal.low} to {goal.high} for {' and '.join(limits)}, over one held frame"
    bounds = f"at most {peak} bytes, output at most {out}"
    _, decoded = memory.split(";")
    return "\n".join([*lines, f"search   {words}", f"memory   {bounds};{decoded}"])


# --- the search ----------------------------------------------------------------------


def encode(
    engine: Engine, caller: str, format: str, options: dict[str, Any], goal: Goal
) -> Encoded:
    """The candidate that meets the goal, or comes nearest to it."""
    asked = ask(engine, format, options, goal, caller, default_memory())
    steps = find(asked, *engine._run(asked.first))
    answer = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as end:
            encoded: Encoded = end.value
            return encoded
        answer = step.run()


def find(asked: Asked, pixels: Pixels, raw: dict[str, Any]) -> Steps[Encoded]:
    """The same in steps, from the picture that asked.first gave."""
    held, goal = Held(asked, pixels, raw), asked.goal
    quality, met = yield from choose(held, goal)
    if goal.strict and not met:
        raise (yield from unmet(held, goal, quality))
    encoded = yield from held.encode(quality)
    raw = held.kept[quality][1]
    told = (*held.raw["warnings"], *raw["warnings"])
    for name in FROM_THE_SOURCE:
        raw[name] = held.raw[name]
    raw["warnings"] = tuple(dict.fromkeys(told))
    raw |= {"peak_bytes": held.peak, "planned_bytes": asked.planned}
    raw |= {"planned_out_bytes": asked.planned_out}
    for name in held.spent:
        raw[name] = held.raw[name] + held.spent[name]
    finish_encoded(encoded, make_metrics(raw, asked.engine._origin))
    loss = held.losses.get(quality)
    record = Search(
        budget_met=met, encodes=len(held.tried), ssim=None if loss is None else 1 - loss
    )
    finish(encoded, search=record)
    return encoded


FROM_THE_SOURCE = (
    *("decode_ns", "ops_ns", "bytes_in", "format_in", "width_in", "height_in", "shrink"),
    *("decoded_bytes", "icc_bytes", "exif_bytes", "xmp_bytes", "io", "steps"),
    *("threads", "denied_kinds", "rows_real", "icc_converted"),
)


def choose(held: Held, goal: Goal) -> Steps[tuple[int, bool]]:
    """The quality, and whether the goal is met."""
    levels = levels_of(held.asked.format, goal.low, goal.high)
    if goal.min_ssim is None:
        quality = yield from largest_that_fits(held, levels, goal.max_bytes or 0)
        return (levels[0], False) if quality is None else (quality, True)
    quality = yield from least_that_reaches(held, levels, 1 - goal.min_ssim)
    reached = levels[-1] if quality is None else quality
    if goal.max_bytes is None or len((yield from held.encode(reached))) <= goal.max_bytes:
        return reached, quality is not None
    below = levels[: levels.index(reached)]
    fits = yield from largest_that_fits(held, below, goal.max_bytes)
    if fits is None:
        return levels[0], False
    yield from held.loss(fits)
    return fits, False


def levels_of(format: str, low: int, high: int) -> list[int]:
    """Qualities from low to high that are not the same file. AVIF has 64 quantizers: of
    those qualities that share one, the highest.
    """
    if format != "avif":
        return list(range(low, high + 1))
    distinct = {((100 - quality) * 63 + 50) // 100: quality for quality in range(low, high + 1)}
    return sorted(distinct.values())


def follow(
    expected: list[float], target: float, measure: Callable[[int], Steps[float]]
) -> Steps[int | None]:
    """search.trials(), each measured in steps."""
    asking = search.trials(expected, target)
    value = None
    while True:
        try:
            index = asking.send(value)
        except StopIteration as end:
            found: int | None = end.value
            return found
        value = yield from measure(index)


def largest_that_fits(held: Held, levels: list[int], max_bytes: int) -> Steps[int | None]:
    """The highest quality of at most max_bytes, of which the next one is over."""
    if not levels:
        return None
    pixels = held.raw["width_out"] * held.raw["height_out"]
    start = BYTES_AT_75[held.asked.format] + log(pixels)
    expected = along(BYTES_CURVES[held.asked.format], levels, start)
    found = yield from follow(expected, log(max_bytes), Sizes(held, levels, max_bytes))
    if found is None:
        return (yield from next_that_fits(held, levels, max_bytes))
    return levels[found]


class Sizes:
    """log(bytes) of levels, tried in any order; the best that fits is held.

    No closure: a call that makes one loses its arguments, in CPython before 3.13, where there is
    no memory for a cell, and here the frame with them (docs/reliability.md).
    """

    def __init__(self, held: Held, levels: list[int], max_bytes: int) -> None:
        self.held, self.levels, self.max_bytes = held, levels, max_bytes
        self.best = levels[0]

    def __call__(self, index: int) -> Steps[float]:
        """Of one level."""
        quality = self.levels[index]
        size = len((yield from self.held.encode(quality)))
        if size <= self.max_bytes:
            self.best = quality
        self.held.drop_but(self.best)
        return log(size)


def next_that_fits(held: Held, levels: list[int], max_bytes: int) -> Steps[int | None]:
    """Bytes of a drawing do not grow all the way: if the lowest quality is a little over, one
    of the next may fit.
    """
    if held.tried[levels[0]] > LITTLE * max_bytes:
        return None
    for quality in levels[1 : 1 + NEXT]:
        held.drop_but(levels[0])
        if len((yield from held.encode(quality))) <= max_bytes:
            return quality
    held.drop_but(levels[0])
    return None


def least_that_reaches(held: Held, levels: list[int], loss: float) -> Steps[int | None]:
    """The lowest quality whose loss is at most this; the two below it lose more."""
    falling = levels[::-1]
    start, curve = LOSS_AT_75[held.asked.format], LOSS_CURVES[held.asked.format]
    expected = along(curve, falling, start)
    measure = Losses(held, falling, loss)
    target = log(max(loss, LEAST_LOSS))
    found = yield from follow(expected, target, measure)
    if found is None:
        return None
    while found + 2 < len(falling) and (yield from measure(found + 2)) <= target:
        found += 2  # not falling all the way: a worse quality is the better picture
        while found + 1 < len(falling) and (yield from measure(found + 1)) <= target:
            found += 1
    return falling[found]


class Losses:
    """log(1 − SSIM) of levels, as Sizes."""

    def __init__(self, held: Held, levels: list[int], loss: float) -> None:
        self.held, self.levels, self.most = held, levels, loss
        self.best = levels[0]

    def __call__(self, index: int) -> Steps[float]:
        """Of one level."""
        quality = self.levels[index]
        loss = yield from self.held.loss(quality)
        if loss <= self.most:
            self.best = quality
        self.held.drop_but(self.best)
        return log(max(loss, LEAST_LOSS))


def unmet(held: Held, goal: Goal, quality: int) -> Steps[EncodeError]:
    """E300, with what was reached."""
    size = len((yield from held.encode(quality)))
    wanted, got = [], [f"quality {quality} gives {size} bytes"]
    if goal.max_bytes is not None:
        wanted.append(f"max_bytes={goal.max_bytes}")
    if goal.min_ssim is not None:
        wanted.append(f"min_ssim={goal.min_ssim:g}")
        loss = yield from held.loss(quality)
        got.append(f"SSIM {1 - loss:.5f}")
    return EncodeError(
        f"{held.caller}: {' and '.join(wanted)} cannot be met with quality {goal.low} to "
        f"{goal.high}: {', '.join(got)}",
        code=300,
        hint="resize, widen the range of qualities, or leave strict out",
    )
