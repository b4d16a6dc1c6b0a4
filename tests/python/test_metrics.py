"""Metrics, totals and copy points: what is told of a job, and what a schema says of it."""

import io
import json
import logging
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lazyimage
from lazyimage import Engine, Metrics

GRADIENT = np.mgrid[0:48, 0:64].sum(0)[..., None].astype(np.uint8) * np.uint8([1, 2, 1])
NOISE = np.random.default_rng(7).integers(0, 255, (64, 64, 3), np.uint8)


@pytest.fixture
def engine():
    return Engine.from_pixels(GRADIENT)


class BytesOnly:
    """A file object whose write() takes nothing but bytes."""

    def write(self, piece):
        if not isinstance(piece, bytes):
            raise TypeError("a bytes object is required")
        return len(piece)


# --- metrics -------------------------------------------------------------------------

TYPES = {
    "number": (int, float),
    "integer": int,
    "string": str,
    "null": type(None),
    "boolean": bool,
    "array": list,
}


def matches(value, rule):
    """The part of JSON Schema that the shipped schema uses."""
    if "const" in rule:
        return value == rule["const"]
    if "enum" in rule:
        return value in rule["enum"]
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    kind = tuple(t for k in kinds for t in np.atleast_1d(TYPES[k]))
    if not isinstance(value, kind) or (isinstance(value, bool) and "boolean" not in kinds):
        return False
    if isinstance(value, list):
        return all(matches(item, rule["items"]) for item in value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return rule.get("minimum", value) <= value <= rule.get("maximum", value)
    return True


def test_metrics_are_what_the_schema_says(engine, tmp_path):
    path = Path(lazyimage.__file__).with_name("metrics.schema.json")
    schema = json.loads(path.read_text(encoding="utf-8"))
    several = [
        engine.to_buffer("png").metrics,
        engine.to_buffer("jpeg").open().resize(5).to_buffer("jpeg", 3).metrics,
        engine.to_pixels().metrics,
        engine.to_file(tmp_path / "a.png").metrics,
        Engine.from_bytes(bytearray(engine.to_buffer("png"))).to_pixels().metrics,
    ]
    for metrics in several:
        data = json.loads(metrics.to_json())
        assert list(data) == schema["required"] == list(schema["properties"])
        for name, rule in schema["properties"].items():
            assert matches(data[name], rule), (name, data[name])


def test_the_check_of_the_schema_can_fail():
    assert not matches(-1, {"type": "integer", "minimum": 0})
    assert not matches(True, {"type": "integer"})
    assert not matches("x", {"enum": ["y"]})
    assert not matches(["x"], {"type": "array", "items": {"enum": ["y"]}})
    assert not matches(None, {"type": "string"})


def test_metrics_tell_the_job(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.tile(NOISE, (4, 8, 1))).save(path)
    engine = Engine.from_path(path).resize(100, 100, fit="fill").rotate(90)
    metrics = engine.to_buffer("jpeg", 50).metrics
    assert (metrics.format_in, metrics.format_out) == ("png", "jpeg")
    assert (metrics.width_in, metrics.height_in) == (512, 256)
    assert (metrics.width_out, metrics.height_out) == (100, 100)
    assert metrics.bytes_in == path.stat().st_size
    assert metrics.compression_ratio == metrics.bytes_in / metrics.bytes_out
    assert metrics.total_ms >= metrics.decode_ms + metrics.ops_ms + metrics.encode_ms > 0
    assert metrics.cpu_ms > 0 and metrics.threads == 1 and metrics.quality == 50
    assert metrics.decoded_bytes == 512 * 256 * 3
    assert 0 < metrics.peak_bytes <= metrics.planned_bytes + metrics.planned_out_bytes
    assert metrics.peak_rss > 1 << 20
    assert "resize" in metrics.steps and metrics.mode_out == "RGB"
    assert metrics.policy_violations == () == metrics.warnings
    assert pickle.loads(pickle.dumps(metrics)) == metrics
    assert isinstance(metrics, Metrics) and metrics.to_dict()["version"] == "1.0"


def test_stats_count_jobs(engine):
    before = lazyimage.stats()
    encoded = engine.to_buffer("png")
    after = lazyimage.stats()
    assert after["jobs"] == before["jobs"] + 1
    assert after["bytes_in"] == before["bytes_in"] + GRADIENT.nbytes
    assert after["bytes_out"] == before["bytes_out"] + len(encoded)


# --- copy points ---------------------------------------------------------------------


def test_copies_are_logged_when_asked_for(engine, monkeypatch, caplog):
    encoded = engine.to_buffer("png")
    caplog.set_level(logging.DEBUG, logger="lazyimage.cow")
    encoded.to_bytes()
    monkeypatch.setenv("LAZYIMAGE_DEBUG_COW", "0")
    encoded.to_bytes()
    assert not caplog.records
    monkeypatch.setenv("LAZYIMAGE_DEBUG_COW", "1")
    encoded.to_bytes()
    Engine.from_bytes(bytearray(encoded))
    Engine.from_file(io.BytesIO(bytes(encoded)))
    Engine.from_pixels(GRADIENT[:, ::-1])
    engine.to_file(BytesOnly(), "png")
    sizes = [len(encoded)] * 3 + [GRADIENT.nbytes, len(encoded)]
    names = ["to_bytes", "from_bytes", "from_file", "from_pixels", "to_file"]
    for record, name, size in zip(caplog.records, names, sizes, strict=True):
        assert record.name == "lazyimage.cow"
        assert re.match(rf"{name} copies {size} bytes: \w", record.getMessage())


def test_no_copy_needs_no_logging():
    code = (
        "import sys, os; os.environ['LAZYIMAGE_DEBUG_COW'] = '1'; import lazyimage\n"
        "e = lazyimage.Engine.from_pixels(memoryview(bytes(12)).cast('B', (2, 2, 3)))\n"
        "b = e.to_buffer('png'); assert 'logging' not in sys.modules\n"
        "b.to_bytes(); assert 'logging' in sys.modules\n"
    )
    root = str(Path(lazyimage.__file__).parents[1])
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": root})


@pytest.mark.skipif("webp" not in lazyimage.supported_output_formats(), reason="no WebP here")
def test_a_file_takes_no_more_than_the_estimate_of_a_buffer(tmp_path: Path) -> None:
    """Which way the encoder takes must not hang on whether the output is held. Those that
    do not fit the promise only because it is are few: they are looked for."""
    found = 0
    for height in range(240, 360):
        samples = memoryview(bytes(256 * height * 4)).cast("B", (height, 256, 4))
        engine = Engine.from_pixels(samples)
        whole = engine.estimate("webp", low_memory=False)
        if not 0 < whole.decoded_bytes + 24_000_000 - whole.peak_bytes < whole.out_bytes:
            continue
        found += 1
        result = engine.to_file(tmp_path / "a.webp")
        assert result.metrics.peak_bytes <= engine.estimate("webp").peak_bytes
    assert found
