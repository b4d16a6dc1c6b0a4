"""Policies, streams, the command line and bombs: what strangers send."""

import io
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import bombs
import pytest
from PIL import Image, ImageCms
from ways import FILES, FORMATS, HEIGHT, WIDTH, Job, by_batch, by_bytes, by_info, by_path, by_run

import lazyimage as li
from lazyimage import LimitError, Recipe, settings

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


# --- policies ------------------------------------------------------------------------


def test_policies_are_what_the_page_says() -> None:
    mib, mega = 1 << 20, 10**6
    strict = {
        "max_input_bytes": 32 * mib,
        "max_pixels": 40 * mega,
        "max_side": 16384,
        "max_pixels_per_byte": 4000,
        "max_scans": 50,
        "max_segments": 1024,
        "max_items": 300,
        "max_metadata": mib,
        "max_memory": 256 * mib,
        "timeout": 5.0,
        "max_output_pixels": 40 * mega,
    }
    assert settings.POLICIES["strict"] == settings.POLICIES["public-upload"] == strict
    lenient = {"max_pixels": 75 * mega, "max_input_bytes": 48 * mib, "timeout": 30.0}
    assert settings.POLICIES["lenient"] == lenient


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("way", [by_path, by_bytes, by_batch, by_run, by_info])
def test_profiles_under_each_policy(format: str, way: Job, tmp_path: Path) -> None:
    bare, with_icc = FILES[format], profiled(format, SRGB)
    large = profiled(format, SRGB + os.urandom(600 << 10))
    for policy in ("strict", "lenient", "public-upload"):
        way(bare, Recipe().sanitize(policy), tmp_path)
    way(with_icc, Recipe().sanitize("lenient"), tmp_path)
    way(with_icc, Recipe().sanitize("public-upload"), tmp_path)
    way(large, Recipe().sanitize("public-upload"), tmp_path)
    for policy, data in (("strict", with_icc), ("strict", large), ("lenient", large)):
        with pytest.raises(LimitError, match=r'sanitize\("public-upload"\) strips it') as caught:
            way(data, Recipe().sanitize(policy), tmp_path)
        assert caught.value.code == "E123"


def test_lenient_counts_a_deflated_profile_as_what_it_inflates_to() -> None:
    lenient = Recipe().sanitize("lenient")
    assert lenient.open(bombs.png(front=bombs.iccp(512 << 10))).info
    with pytest.raises(LimitError, match="more than the 524288 that this sanitize"):
        _ = lenient.open(bombs.png(front=bombs.iccp((512 << 10) + 1))).info


def profiled(format: str, profile: bytes) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT)).save(out, format.upper(), icc_profile=profile)
    return out.getvalue()


@pytest.mark.parametrize("policy", ["strict", "lenient", "public-upload"])
@pytest.mark.parametrize("format", FORMATS)
def test_no_policy_lets_metadata_through(format: str, policy: str) -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    Image.new("RGB", (WIDTH, HEIGHT)).save(out, format.upper(), exif=exif)
    assert li.inspect(out.getvalue()).exif_bytes > 0
    for made in FORMATS:
        info = li.inspect(li.open(out.getvalue()).sanitize(policy).to_buffer(made).to_bytes())
        assert (info.icc_bytes, info.exif_bytes, info.xmp_bytes) == (0, 0, 0)


def test_a_stream_is_not_spooled_past_the_limit_of_its_recipe() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return bytes(size)

    for recipe, most in (
        (Recipe().limits(max_input_bytes=5 << 20), 5 << 20),
        (Recipe().sanitize("strict"), 32 << 20),
    ):
        stream = Endless()
        with pytest.raises(LimitError, match=rf"limits\(max_input_bytes={most}\)"):
            recipe.open(stream)
        assert stream.given <= most + (1 << 20)


def test_the_command_line_refuses_by_policy(tmp_path: Path) -> None:
    source, out = tmp_path / "large.png", tmp_path / "out.png"
    source.write_bytes(bombs.png(20_000, 2_100, data=bombs.deflated(20_001 * 2_100)))
    command = [sys.executable, "-m", "lazyimage", "thumb", str(source), "--output", str(out)]
    done = subprocess.run([*command, "--policy", "strict"], capture_output=True, text=True)
    assert done.returncode != 0 and "max_side=16384" in done.stderr + done.stdout
    assert not out.exists()


# --- bombs ---------------------------------------------------------------------------


@pytest.mark.parametrize("row", bombs.BOMBS)
def test_bombs_are_refused_or_harmless(row: str) -> None:
    for name, data in bombs.BOMBS[row]().items():
        if name.split("-")[0] in {"webp", "avif"} - set(FORMATS):
            continue  # of a codec that this build has not
        engine = li.open(data)
        try:
            peak = engine.resize(20).to_buffer("jpeg").metrics.peak_bytes
        except li.LazyImageError as error:
            assert error.code in ("E121", "E122", "E123", "E130", "E132"), f"{name}: {error}"
        else:
            assert peak < 8 << 20, name


def test_a_profile_that_ends_behind_its_file_is_no_trouble() -> None:
    cut = struct.pack(">I", 40 << 20) + b"iCCP" + b"x\0\0" + bombs.deflated(1 << 20)
    with pytest.raises(li.TruncatedImageError):
        li.inspect(bombs.png(front=cut))


def test_tiles_of_webp_do_not_keep_a_header_waiting() -> None:
    """16.8 million of them in 40 bytes, each without a bit; the picture itself is allowed."""
    data = bombs.riff((b"VP8L", bombs.lossless(16383, 16383, tiled=True)))
    assert li.inspect(data).size == (16383, 16383)
    began = time.perf_counter()
    li.inspect(data)
    assert time.perf_counter() - began < 0.02  # 100 ms and more, sample by sample
