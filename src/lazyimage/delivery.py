"""Delivery: presets, profiles, byte and quality targets, never larger: output options that
become ordinary jobs.

Layer: above engine; loaded on use. The idea: resolve() turns what a user wrote into an engine,
a format, a quality and plain options; a goal turns the one job into a search.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from lazyimage import _core, request, target
from lazyimage.checks import as_choice, as_flag
from lazyimage.engine import Engine
from lazyimage.errors import InvalidArgumentError
from lazyimage.formats import (
    KNOWN_FORMATS,
    QUALITY_FORMATS,
    check_format,
    format_name,
    format_of_path,
)
from lazyimage.goal import Goal, make_goal
from lazyimage.outputs import Encoded, finish, finish_encoded, with_copies, written
from lazyimage.records import Estimate, Metrics, Written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lazyimage.chain import Fit

DEFAULT_QUALITY = {"jpeg": 85, "webp": 80, "avif": 60}
"""As the codecs have it."""


class Preset(NamedTuple):
    """A size, a format and a quality under one name."""

    width: int
    height: int | None
    fit: Fit
    format: str
    quality: int


PRESETS = {
    "thumbnail": Preset(150, 150, "inside", "webp", 75),
    "avatar": Preset(200, 200, "inside", "webp", 80),
    "hero": Preset(1920, None, "inside", "jpeg", 85),
    "social": Preset(1200, 630, "cover", "jpeg", 80),
}

# Steps of quality, and what each encoder is told beside it.
OFFSETS = {
    "size-first": {"jpeg": -8, "webp": -8, "avif": -6},
    "balanced": {},
    "speed-first": {"jpeg": -10, "webp": -10, "avif": -10},
}
EFFORTS: dict[str, dict[str, dict[str, Any]]] = {
    "size-first": {
        "jpeg": {"effort": 9},
        "png": {"compression": 9},
        "webp": {"method": 6},
        "avif": {"speed": 4},
    },
    "balanced": {},
    "speed-first": {
        "jpeg": {"effort": 0},
        "png": {"compression": 1},
        "webp": {"method": 1},
        "avif": {"speed": 9},
    },
}


class Job(NamedTuple):
    """One output, resolved."""

    engine: Engine
    format: str
    quality: int | None
    options: dict[str, Any]
    goal: Goal | None
    never_larger: bool


def resolve(
    engine: Engine, caller: str, format: Any, quality: Any, options: Mapping[str, Any]
) -> Job:
    """What delivery options mean. format None: the preset's."""
    preset = preset_of(options.get("preset"), caller)
    if preset:
        enlarge = preset.fit == "cover"  # a card has its size; the others are bounds
        cancel = engine._cancel
        engine = engine.resize(preset.width, preset.height, fit=preset.fit, enlarge=enlarge)
        engine = engine if cancel is None else engine._flagged(cancel)
        format = preset.format if format is None else format
    if format is None:
        raise TypeError(f"{caller}() needs a format, or a preset")
    name = check_format(format)
    plain = {key: value for key, value in options.items() if key not in request.DELIVERY_NAMES}
    request.check_options(plain, name, caller)
    goal = make_goal(options, name, quality, caller)
    lossless = bool(plain.get("lossless")) or plain.get("near_lossless") is not None
    if goal and lossless:
        raise InvalidArgumentError(
            f"{caller}: lossless {name} has no quality to search",
            hint="leave lossless out, or max_bytes and min_ssim",
        )
    quality = request.check_quality(quality, name)
    lossy = name in QUALITY_FORMATS and not lossless and goal is None
    if preset and quality is None and lossy and name == preset.format:
        quality = preset.quality
    profile = options.get("profile")
    if profile is not None:
        profile = as_choice(profile, f"{caller}: profile", tuple(OFFSETS))
        plain = {**EFFORTS[profile].get(name, {}), **plain}
        if lossy:
            base = DEFAULT_QUALITY[name] if quality is None else quality
            quality = min(max(base + OFFSETS[profile].get(name, 0), 1), 100)
    flag = as_flag(options.get("never_larger", False), f"{caller}: never_larger")
    return Job(engine, name, quality, plain, goal, flag)


def preset_of(value: object, caller: str) -> Preset | None:
    """A preset by its name; E401 for others."""
    if value is None:
        return None
    return PRESETS[as_choice(value, f"{caller}: preset", tuple(PRESETS), 401)]


def plain_output(
    engine: Engine, path: Any, format: Any, quality: Any, options: Mapping[str, Any]
) -> tuple[Engine, str, int | None, dict[str, Any]]:
    """An output for run(), its preset and profile resolved; what a search is for stays."""
    from lazyimage.source import absolute_path

    if format is None and isinstance(path, (str, os.PathLike)):
        format = path_format(absolute_path(path, "output()"), options)
    preset = preset_of(options.get("preset"), "output")
    known = preset.format if preset and format is None else format
    if known is not None:
        quality = request.drop_quality(quality, check_format(known), options)
    job = resolve(engine, "output", format, quality, options)
    if job.never_larger:
        raise InvalidArgumentError(
            "output: run() has no never_larger", hint="use to_buffer() or to_file()"
        )
    goal = {name: options[name] for name in request.GOAL_NAMES & options.keys() if job.goal}
    return job.engine, job.format, job.quality, {**job.options, **goal}


# --- outputs -------------------------------------------------------------------------


def encode(
    engine: Engine, caller: str, format: Any, quality: Any, options: Mapping[str, Any]
) -> Encoded:
    """to_buffer() with delivery options."""
    return encode_job(resolve(engine, caller, format, quality, options), caller)


def encode_job(job: Job, caller: str) -> Encoded:
    """Bytes of a resolved job."""
    if not job.never_larger:
        return encode_plain(job, caller)
    with job.engine:  # one version of the file for both
        return not_larger(job, encode_plain(job, caller))


def encode_plain(job: Job, caller: str) -> Encoded:
    """The same without a look at the source's own bytes."""
    if job.goal:
        return target.encode(job.engine, caller, job.format, job.options, job.goal)
    options: Any = job.options
    return job.engine._encode(caller, job.format, job.quality, options)


def write(
    engine: Engine,
    caller: str,
    place: Any,
    format: Any,
    quality: Any,
    durable: object,
    options: Mapping[str, Any],
) -> Written:
    """to_file() with delivery options. What is searched for is held, then written."""
    from lazyimage import files
    from lazyimage.source import absolute_path

    flag = as_flag(durable, f"{caller}: durable")
    is_path = isinstance(place, (str, os.PathLike))
    if is_path:
        path = absolute_path(place, f"{caller}()")
        format = path_format(path, options) if format is None else format
    else:
        files.check_writable(place)
    job = resolve(engine, caller, format, quality, options)
    if is_path and not job.goal and not job.never_larger:
        return job.engine._write(
            caller,
            place,
            job.format,
            job.quality,
            flag,
            job.options,  # type: ignore[arg-type]
        )
    encoded = encode_job(job, caller)
    if is_path:
        files.save(path, memoryview(encoded), flag)
        return written(os.fspath(place), len(encoded), encoded.metrics, encoded.search)
    copies = files.write_to(place, memoryview(encoded))
    return written(None, len(encoded), with_copies(encoded.metrics, copies), encoded.search)


def path_format(path: str, options: Mapping[str, Any]) -> str | None:
    """What the extension names; None where it names nothing and a preset will."""
    extension = format_name(os.path.splitext(path)[1][1:])
    if options.get("preset") is not None and extension not in KNOWN_FORMATS:
        return None
    return format_of_path(path)


def not_larger(job: Job, encoded: Encoded) -> Encoded:
    """The source's own bytes without metadata, if they are the same picture and fewer."""
    engine, metrics = job.engine, encoded.metrics
    info = engine.info
    same = (
        info.format == encoded.format
        and not metrics.steps
        and (info.stored_width, info.stored_height) == (encoded.width, encoded.height)
        and info.orientation == 1
        and info.frames == 1
        and info.mode != "CMYK"
        and metrics.icc != "converted"
    )
    if not same:
        return encoded
    asked = {**request.recipe_request(engine.recipe), "most": len(encoded), "type": Encoded}
    asked["color"] = job.options.get("color", "srgb")
    own: Any = _core.strip(engine._origin.core, request.bounded(asked))
    if own is None:
        return encoded
    fields = {**metrics.fields(), "bytes_out": len(own), "quality": None}
    fields["compression_ratio"] = metrics.bytes_in / max(len(own), 1)
    result = finish_encoded(own, Metrics(**fields))
    finish(result, search=encoded.search)
    return result


# --- before a pixel is touched -------------------------------------------------------


def estimate(engine: Engine, format: Any, quality: Any, options: Mapping[str, Any]) -> Estimate:
    """What Engine.estimate() says of delivery options."""
    job = resolve(engine, "estimate", format, quality, options)
    plain = job.engine.estimate(job.format, job.quality, **job.options)
    if job.goal:
        peak, out = target.planned(job.engine, job.format, job.options, job.goal, "estimate")
    else:
        peak, out = plain.peak_bytes, plain.out_bytes
    if job.never_larger:
        peak = max(peak, out)  # for a moment the result and the source's bytes, which are fewer
    return Estimate(peak_bytes=peak, out_bytes=out, decoded_bytes=plain.decoded_bytes)


def explain(engine: Engine, format: Any, quality: Any, options: Mapping[str, Any]) -> str:
    """What Engine.explain() says of delivery options."""
    job = resolve(engine, "explain", format, quality, options)
    if job.goal:
        lines = [target.explain(job.engine, job.format, job.options, job.goal)]
    else:
        lines = [job.engine.explain(job.format, job.quality, **job.options)]
    if job.never_larger:
        lines.append("never larger: the source's own bytes without metadata, where they are fewer")
    return "\n".join(lines)
