"""AVIF: a codec that is loaded on first use, and what it reads and writes."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import needs
import numpy as np
import oracle
import pytest

import lazyimage
from lazyimage import Engine

HIDE = "import sys; sys.modules['lazyimage._avif'] = None; "  # as in a build without it


def make_picture(width: int, height: int, channels: int = 3) -> np.ndarray:
    """Waves, so that chroma has something to lose but not all."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [(x * (2 + c) + y * (3 - c)) // 2 % 256 for c in range(channels)]
    return np.stack(planes, axis=2).astype(np.uint8)


def run_python(code: str, *arguments: str) -> str:
    """What a fresh interpreter prints."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("lazyimage._avif") is None, reason="built without libavif"
)


# --- limits ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(32768, 1), (1, 32768)])
def test_what_readers_refuse_is_not_written(size: tuple[int, int]) -> None:
    engine = Engine.from_pixels(np.full(size[::-1], 9, np.uint8))
    assert lazyimage.inspect(engine.to_buffer("avif", speed=10)).size == size
    beyond = np.full([side + (side > 1) for side in size[::-1]], 9, np.uint8)
    with pytest.raises(lazyimage.EncodeError, match="over the 32768") as caught:
        Engine.from_pixels(beyond).to_buffer("avif", speed=10)
    assert caught.value.code == "E300" and "jpeg or png" in caught.value.hint


# --- loading --------------------------------------------------------------------------


def test_nothing_but_avif_loads_the_codec() -> None:
    code = (
        "import lazyimage, sys; e = lazyimage.Engine.from_pixels(memoryview(bytes(48))"
        ".cast('B', (4, 4, 3))); j = e.to_buffer('jpeg'); j.open().to_buffer('png');"
        "before = 'lazyimage._avif' in sys.modules; a = bytes(e.to_buffer('avif'));"
        "print(before, 'lazyimage._avif' in sys.modules)"
    )
    assert run_python(code) == "False True"


def test_an_avif_source_loads_the_codec(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    Engine.from_pixels(make_picture(20, 10)).to_file(path)
    code = (
        "import lazyimage, sys; i = lazyimage.open(sys.argv[1]).info;"
        "print(i.format, i.size, 'lazyimage._avif' in sys.modules)"
    )
    assert run_python(code, str(path)) == "avif (20, 10) True"


def test_a_build_without_it_names_the_package(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    Engine.from_pixels(make_picture(20, 10)).to_file(path)
    code = HIDE + (
        "import lazyimage as li; from pathlib import Path; out = []\n"
        "data = Path(sys.argv[1]).read_bytes()\n"
        "px = li.Engine.from_pixels(memoryview(bytes(48)).cast('B', (4, 4, 3)))\n"
        "for call in (lambda: li.open(sys.argv[1]).to_buffer('png'), lambda: li.inspect(data),\n"
        "             lambda: px.to_buffer('avif'), lambda: px.to_file('x.avif')):\n"
        "    try: call()\n"
        "    except li.CodecUnavailableError as error:\n"
        "        out.append(error.code + str('libavif-dev' in error.hint))\n"
        "print(out, li.supported_input_formats()[:2], px.to_buffer('jpeg').format)\n"
        "try: li.open(sys.argv[1]).limits(formats=['png']).info\n"
        "except li.LimitError as error: print(error.code)\n"
    )
    lines = run_python(code, str(path)).splitlines()
    assert lines == [f"{['E112True'] * 4} ('jpeg', 'png') jpeg", "E123"]


def test_formats_forbid_and_allow_it() -> None:
    avif = Engine.from_pixels(make_picture(8, 8)).to_buffer("avif").open()
    assert avif.limits(formats=["avif"]).info.format == "avif"
    with pytest.raises(lazyimage.LimitError, match="avif is not among"):
        avif.limits(formats=["jpeg"]).info  # noqa: B018


def test_a_module_of_another_build_is_refused() -> None:
    code = (
        "import sys, types, ctypes, lazyimage; from lazyimage import _avif\n"
        "new = ctypes.pythonapi.PyCapsule_New; new.restype = ctypes.py_object\n"
        "new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]\n"
        "text = ctypes.c_char_p(b'other'); name = b'lazyimage._avif.codec'\n"
        "plug = (ctypes.c_size_t * 6)(ctypes.cast(text, ctypes.c_void_p).value)\n"
        "fake = types.ModuleType('lazyimage._avif')\n"
        "fake.codec = new(ctypes.addressof(plug), name, None)\n"
        "sys.modules['lazyimage._avif'] = lazyimage._avif = fake\n"
        "try: lazyimage.inspect(b'\\0\\0\\0\\x20ftypavif' + bytes(40))\n"
        "except ImportError as error: print(error)\n"
    )
    assert "different builds" in run_python(code)


# --- there and back -------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lossless_gives_every_sample_back(channels: int) -> None:
    picture = make_picture(61, 47, channels)
    back = Engine.from_pixels(picture).to_buffer("avif", lossless=True).open().to_pixels()
    assert back.mode == ("L", "LA", "RGB", "RGBA")[channels - 1]
    assert np.array_equal(np.asarray(back), picture)


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_high_quality_is_close(subsampling: str) -> None:
    y, x = np.mgrid[0:64, 0:96]
    picture = np.stack([x * 2, y * 3, 255 - x], axis=2).astype(np.uint8)
    encoded = Engine.from_pixels(picture).to_buffer("avif", 95, subsampling=subsampling)
    assert subsampling in encoded.open().info.variant
    difference = np.asarray(encoded.open().to_pixels()).astype(int) - picture
    assert abs(difference).mean() < 2


def test_quality_and_speed_are_honoured() -> None:
    engine = Engine.from_pixels(make_picture(128, 96))
    sizes = [len(engine.to_buffer("avif", quality)) for quality in (10, 40, 70, 95)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    assert "quality 60, 4:2:0, speed 6" in engine.explain("avif")
    assert "lossless, 4:4:4, speed 9" in engine.explain("avif", lossless=True, speed=9)
    with pytest.raises(lazyimage.InvalidArgumentError):
        engine.to_buffer("avif", speed=11)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"subsampling": "4:4:4", "speed": 9}])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_output_is_within_its_bound(options: dict, channels: int) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (100, 130, channels), dtype=np.uint8)
    engine = Engine.from_pixels(noise)
    estimate = engine.estimate("avif", **options)
    encoded = engine.to_buffer("avif", **options)
    assert len(encoded) <= estimate.out_bytes
    assert encoded.metrics.peak_bytes <= estimate.peak_bytes + estimate.out_bytes


def test_a_cut_file_says_so() -> None:
    whole = bytes(Engine.from_pixels(make_picture(64, 64)).to_buffer("avif"))
    with pytest.raises(lazyimage.TruncatedImageError, match="avif"):
        Engine.from_bytes(whole[:-9]).to_pixels()


# --- real files -----------------------------------------------------------------------

FILES = oracle.read_index(oracle.DATA / "avif")


def test_the_index_has_every_file() -> None:
    assert {entry.file for entry in FILES} == set((oracle.DATA / "avif").glob("*.avif"))
    assert sum(entry.file.stat().st_size for entry in FILES) <= 350_000


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry.path)
def test_each_kind_of_file_is_read_or_refused(entry: oracle.Entry) -> None:
    engine = Engine.from_path(entry.file)
    if entry.kind == "corrupt":
        with pytest.raises(lazyimage.DecodeError):
            engine.to_pixels()
        return
    info = engine.info
    assert (info.stored_width, info.stored_height) == (entry.width, entry.height)
    assert info.bit_depth == int(entry.mode.rsplit("/", 1)[1])
    assert info.has_alpha == ("+a" in entry.mode)
    assert ("sequence" in info.variant) == ("sequence" in entry.notes)
    if entry.path.startswith("444-10-alpha-clap") and not lazyimage.features()["avif"][1] < "1":
        return  # refused from 1.x on: clap must be essential
    pixels = engine.auto_orient(False).to_pixels()
    assert (pixels.width, pixels.height) == (entry.width, entry.height)
    assert pixels.mode == ("RGBA" if info.has_alpha else "RGB")


# --- the corpus -----------------------------------------------------------------------


@pytest.mark.corpus
def test_every_valid_file_lands_upright_in_bounds(corpus: list[oracle.Entry]) -> None:
    opened, newer = 0, not lazyimage.features()["avif"][1].startswith("0.")
    for entry in corpus:
        if entry.format != "avif" or entry.pixels > 2_000_000:
            continue
        try:
            info = Engine.from_path(entry.file).info
            pixels = Engine.from_path(entry.file).to_pixels()
        except lazyimage.DecodeError:
            # libavif 1.x refuses a few that 0.11 let pass.
            assert newer or entry.kind in ("corrupt", "valid-newer-decoder"), entry.path
            continue
        opened += 1
        assert info.size == (pixels.width, pixels.height)
        estimate = Engine.from_path(entry.file).estimate()
        assert pixels.metrics.peak_bytes <= estimate.peak_bytes + estimate.out_bytes
    assert opened >= (80 if newer else 88)


@pytest.mark.corpus
def test_planes_equal_the_oracle(corpus: list[oracle.Entry]) -> None:
    tool = oracle.REPOSITORY / "build/c/tests/c/codecs/samples"
    needs.need(tool.is_file(), "make test-c builds the tool")
    entries = [entry for entry in corpus if entry.format == "avif"]
    names = "\n".join(str(entry.file) for entry in entries)
    done = subprocess.run([tool, "-"], input=names, capture_output=True, text=True, check=True)
    told = {line.split("\t")[0]: line.split("\t") for line in done.stdout.splitlines()}
    equal, newer = 0, not lazyimage.features()["avif"][1].startswith("0.")
    for entry in entries:
        _, status, crc32, *_ = told[str(entry.file)]
        equal += status == "0" and crc32 == entry.crc32
        if not newer:
            refused = entry.kind in ("corrupt", "valid-newer-decoder")
            assert status != "0" if refused else crc32 == entry.crc32, entry.path
    assert equal >= (80 if newer else 89)
