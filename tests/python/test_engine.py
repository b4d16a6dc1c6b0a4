"""Engine: immutable, shared, held, pickled; and what the settings do to a job."""

import copy
import io
import pickle
import threading
import weakref

import numpy as np
import oracle
import pytest
from PIL import Image, ImageCms

import lazyimage
from lazyimage import Engine, InvalidArgumentError, LimitError, Recipe, source
from lazyimage.engine import unpickled

GRADIENT = np.mgrid[0:48, 0:64].sum(0)[..., None].astype(np.uint8) * np.uint8([1, 2, 1])
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(GRADIENT).save(path)
    return path


@pytest.fixture
def sideways(tmp_path):
    """64×48 stored, 48×64 upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "sideways.jpg"
    Image.fromarray(GRADIENT).save(path, exif=exif, quality=95)
    return path


def samples(engine, dtype="uint8"):
    return np.asarray(engine.to_pixels(mode="RGB", dtype=dtype))


# --- as a value ----------------------------------------------------------------------


def test_a_step_leaves_its_engine_alone(photo):
    engine = Engine.from_path(photo)
    small = engine.resize(32)
    assert engine.recipe == Recipe() and small.recipe == Recipe().resize(32)
    assert samples(engine).shape == (48, 64, 3) and samples(small).shape == (24, 32, 3)
    with pytest.raises(AttributeError, match="does not change"):
        engine._recipe = Recipe()
    with pytest.raises(AttributeError):
        engine.anything = 1
    with pytest.raises(TypeError, match="from_path"):
        Engine(photo)


def test_engines_have_every_method_of_recipes(photo):
    engine = Engine.from_path(photo)
    for name in dir(lazyimage.chain.Chain):
        if not name.startswith("_"):
            assert getattr(type(engine), name) is getattr(Recipe, name)


def test_a_clone_is_equal_and_another_source_is_not(photo, tmp_path):
    engine = Engine.from_path(photo).flip_h()
    assert engine.clone() == engine and hash(engine.clone()) == hash(engine)
    assert Engine.from_path(photo).flip_h() == engine
    assert Engine.from_path(photo) != engine
    assert Engine.from_path(photo, io="read").flip_h() != engine
    assert engine.sanitize() == engine.sanitize()
    data = photo.read_bytes()
    assert Engine.from_bytes(data) != Engine.from_bytes(data)
    assert engine != engine.recipe
    assert weakref.ref(engine)() is engine


@pytest.mark.parametrize(
    "kind", ["path", "bytes", "bytearray", "pixels", "decoded", "deep", "deep decoded"]
)
def test_an_engine_survives_a_pickle(photo, kind):
    data = photo.read_bytes()
    engine = {
        "path": lambda: Engine.from_path(photo, io="read"),
        "bytes": lambda: Engine.from_bytes(data),
        "bytearray": lambda: Engine.from_bytes(bytearray(data)),
        "pixels": lambda: Engine.from_pixels(GRADIENT[::-1, ::2]),
        "decoded": lambda: Engine.from_path(photo).flip_v().decoded(),
        "deep": lambda: Engine.from_pixels(GRADIENT[::-1, ::2].astype(np.uint16) * 257 + 3),
        "deep decoded": lambda: Engine.from_pixels(GRADIENT.astype(np.uint16) * 257 + 3).decoded(),
    }[kind]()
    engine = engine.resize(20).limits(max_side=100)
    other = pickle.loads(pickle.dumps(engine))
    assert other.recipe == engine.recipe
    assert (samples(other) == samples(engine)).all()
    assert (samples(copy.deepcopy(engine)) == samples(engine)).all()
    assert (samples(other, "uint16") == samples(engine, "uint16")).all()
    assert other.info == engine.info
    assert copy.copy(engine) == engine == engine.clone()


def test_deep_samples_are_pickled_low_byte_first():
    array = np.array([[1, 0x0203], [0x0400, 0xFFFE]], np.uint16)
    for given in (array, array[::-1], memoryview(array), array.T):
        want = np.asarray(given)
        data, shape, sample = source.packed(given)
        assert (data, shape, sample) == (want.astype("<u2").tobytes(), (2, 2), "uint16")
        assert np.array_equal(source.unpacked(data, shape, sample), want)
    assert source.swapped(b"\1\2\3\4") == b"\2\1\4\3"


def test_pickles_of_8_bits_that_were_made_before_stay_readable():
    payload = ("pixels", "auto", bytes(range(12)), (2, 2, 3), "RGB", None)
    engine = unpickled(Engine, payload, Recipe())
    assert samples(engine).tobytes() == bytes(range(12))
    assert engine.to_buffer("png").metrics.rows_real is None


def test_a_path_is_pickled_by_name(photo):
    assert len(pickle.dumps(Engine.from_path(photo))) < 500 + len(str(photo))


def test_an_engine_over_a_file_object_is_not_pickled(photo):
    with open(photo, "rb") as file, pytest.raises(TypeError, match="from_path"):
        pickle.dumps(Engine.from_file(file))


def test_the_repr_says_what_makes_it(photo):
    assert repr(Engine.from_path(photo).flip_h()) == f"Engine.from_path({str(photo)!r}).flip_h()"
    data = photo.read_bytes()
    assert repr(Engine.from_bytes(data)) == f"Engine.from_bytes(<{len(data)} bytes>)"
    assert repr(Engine.from_pixels(GRADIENT)) == "Engine.from_pixels(<48×64×3 RGB>)"
    with open(photo, "rb") as file:
        assert repr(Engine.from_file(file)) == "Engine.from_file(<a file object>)"


# --- looking -------------------------------------------------------------------------


def test_info_is_upright_unless_told_otherwise(sideways):
    engine = Engine.from_path(sideways)
    info = engine.info
    assert info.size == (48, 64) == engine.dimensions()
    assert (info.stored_width, info.stored_height, info.orientation) == (64, 48, 6)
    assert info.exif_bytes > 0 and info.icc_bytes == 0 and not engine.has_icc_profile()
    assert engine.auto_orient(False).dimensions() == (64, 48)
    assert engine.resize(5).dimensions() == (48, 64)
    assert samples(engine).shape == (64, 48, 3)
    assert samples(engine.auto_orient(False)).shape == (48, 64, 3)


def test_info_is_a_value(photo):
    engine = Engine.from_path(photo)
    info = engine.info
    assert info == engine.info and hash(info) == hash(engine.info)
    assert pickle.loads(pickle.dumps(info)) == info == copy.copy(info)
    assert info.to_dict()["width"] == 64 and "width=64" in repr(info)
    with pytest.raises(AttributeError):
        info.width = 5


def test_a_profile_is_told(tmp_path):
    path = tmp_path / "icc.jpg"
    Image.fromarray(GRADIENT).save(path, icc_profile=SRGB)
    engine = Engine.from_path(path)
    assert engine.has_icc_profile() and engine.info.icc_bytes == len(SRGB)
    metrics = engine.to_buffer("png").metrics
    assert metrics.icc == "stripped" and metrics.metadata_stripped
    assert not lazyimage.inspect(engine.to_buffer("png")).has_icc_profile
    clean = Engine.from_pixels(GRADIENT).to_buffer("png").metrics
    assert clean.icc == "absent" and not clean.metadata_stripped


def test_a_profile_is_as_large_as_the_file_stores_it():
    out = io.BytesIO()
    Image.fromarray(GRADIENT).save(out, "png", icc_profile=SRGB)
    (chunk,) = [body for kind, body in oracle.png_chunks(out.getvalue()) if kind == b"iCCP"]
    assert Engine.from_bytes(out.getvalue()).info.icc_bytes == len(chunk) < len(SRGB)


def test_explain_and_estimate_touch_no_pixel(photo):
    broken = photo.with_name("broken.png")
    broken.write_bytes(photo.read_bytes()[:60] + bytes(20))
    engine = Engine.from_path(broken).resize(32)
    assert "resize" in engine.explain() and "png" in engine.explain("png")
    assert "quality 31" in engine.explain("jpeg", 31)
    assert not engine.explain().endswith("\n")
    estimate = engine.estimate("jpeg", 50, subsampling="4:4:4")
    assert estimate.decoded_bytes == 64 * 48 * 3
    assert estimate.peak_bytes > 0 and estimate.out_bytes > 0
    with pytest.raises(InvalidArgumentError):
        engine.explain(quality=5)
    with pytest.raises(InvalidArgumentError):
        engine.estimate(background="red")
    with pytest.raises(TypeError, match=r"explain\(\) got an unexpected keyword argument 'x'"):
        engine.explain("png", x=1)


def test_the_estimate_bounds_the_job(photo):
    engine = Engine.from_path(photo).resize(100)
    for format in ("png", "jpeg"):
        estimate = engine.estimate(format)
        encoded, metrics = engine.to_buffer_with_metrics(format)
        assert len(encoded) <= estimate.out_bytes
        assert metrics.peak_bytes <= estimate.peak_bytes + estimate.out_bytes
        assert metrics.decoded_bytes == estimate.decoded_bytes


# --- running -------------------------------------------------------------------------


def test_outputs_leave_the_engine_as_it_is(photo):
    engine = Engine.from_path(photo).flip_h()
    first = bytes(engine.to_buffer("png"))
    engine.to_pixels()
    assert bytes(engine.to_buffer("png")) == first


def test_decoded_is_the_picture_after_its_steps(sideways):
    engine = Engine.from_path(sideways).limits(max_side=1000).flip_h()
    decoded = engine.decoded()
    assert decoded.recipe == Recipe().limits(max_side=1000)
    assert (samples(decoded) == samples(engine)).all()
    sideways.unlink()
    assert (samples(decoded.flip_h()) == samples(decoded)[:, ::-1]).all()
    assert decoded.to_pixels().metrics.io == "pixels"
    assert decoded.info.format is None


def test_with_keeps_one_version_of_the_file(photo):
    engine = Engine.from_path(photo)
    with engine:
        Image.fromarray(GRADIENT[::-1]).save(photo.with_name("new.png"))
        photo.with_name("new.png").replace(photo)
        assert (samples(engine) == GRADIENT).all()
        assert (samples(engine.flip_h()) == GRADIENT[:, ::-1]).all()
    assert (samples(engine) == GRADIENT[::-1]).all()


def test_close_lets_go_and_a_later_job_opens_again(photo):
    engine = Engine.from_path(photo)
    engine.close()
    with engine as held:
        assert held is engine
        photo.unlink()
        assert samples(engine).any()
        engine.close()
        with pytest.raises(FileNotFoundError):
            samples(engine)
    Image.fromarray(GRADIENT).save(photo)
    with engine, engine:
        assert samples(engine).any()


def test_close_does_not_let_go_for_others(photo):
    mine, theirs = Engine.from_path(photo), None
    theirs = mine.clone()
    with theirs:
        mine.close()
        photo.unlink()
        assert samples(mine).any()


def test_many_threads_use_one_engine(photo):
    engine = Engine.from_path(photo).resize(33)
    wanted, wrong = samples(engine), []

    def work():
        for _ in range(20):
            if not (samples(engine) == wanted).all():
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- limits --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "equal", "below", "code"),
    [
        ("max_pixels", 64 * 48, 64 * 48 - 1, "E122"),
        ("max_side", 64, 63, "E121"),
        ("max_output_pixels", 80 * 60, 80 * 60 - 1, "E122"),
    ],
)
def test_a_limit_passes_its_equal_and_refuses_more(photo, limit, equal, below, code):
    engine = Engine.from_path(photo)
    if limit == "max_output_pixels":
        engine = engine.resize(80)
    assert engine.limits(**{limit: equal}).to_buffer("png")
    assert engine.limits(**{limit: below}).limits(**{limit: None}).to_buffer("png")
    with pytest.raises(LimitError) as caught:
        engine.limits(**{limit: below}).to_buffer("png")
    assert caught.value.code == code
    assert str(below) in str(caught.value) and "limits(" in str(caught.value)


def test_the_input_size_is_limited(photo):
    size = photo.stat().st_size
    for engine in (Engine.from_path(photo), Engine.from_bytes(photo.read_bytes())):
        assert engine.limits(max_input_bytes=size).info
        with pytest.raises(LimitError) as caught:
            _ = engine.limits(max_input_bytes=size - 1).info
        assert caught.value.code == "E123"


def test_formats_lists_what_may_come_in(photo, sideways):
    for wanted in (["png"], ["PNG", "webp"], None):
        assert Engine.from_path(photo).limits(formats=wanted).info
    for refused in (["jpeg"], ["webp", "avif"]):
        with pytest.raises(lazyimage.LazyImageError) as caught:
            _ = Engine.from_path(photo).limits(formats=refused).info
        assert caught.value.code in ("E111", "E123")
    assert Engine.from_path(sideways).limits(formats=("jpg",)).info


def test_a_timeout_is_an_error_of_the_job(tmp_path):
    noise = np.random.default_rng(1).integers(0, 255, (1200, 1200, 3), np.uint8)
    engine = Engine.from_pixels(noise).limits(timeout=0.002)
    with pytest.raises(TimeoutError) as caught:
        engine.to_buffer("png", compression=9)
    assert caught.value.code == "E125"
    assert engine.limits(timeout=None).resize(10).to_buffer("png")


def test_strict_refuses_a_profile_and_public_upload_keeps_it(tmp_path):
    path = tmp_path / "icc.jpg"
    Image.fromarray(GRADIENT).save(path, icc_profile=SRGB)
    strict = Engine.from_path(path).sanitize("strict")
    for ask in (lambda: strict.info, lambda: strict.to_pixels(), lambda: strict.to_buffer("png")):
        with pytest.raises(LimitError) as caught:
            ask()
        assert caught.value.code == "E123" and str(len(SRGB)) in str(caught.value)
    for policy in ("public-upload", "lenient"):
        encoded = Engine.from_path(path).sanitize(policy).to_buffer("png")
        assert encoded.metrics.icc == ("kept" if policy == "public-upload" else "stripped")
    Image.fromarray(GRADIENT).save(path)
    assert strict.to_buffer("png").metrics.io == "read"


def test_lenient_refuses_a_profile_over_512_kib(tmp_path):
    path = tmp_path / "icc.jpg"
    Image.fromarray(GRADIENT).save(path, icc_profile=SRGB + bytes(600 << 10))
    with pytest.raises(LimitError, match=r"more than the 524288 that this sanitize"):
        Engine.from_path(path).sanitize("lenient").to_buffer("png")


def test_a_crop_outside_is_found_by_the_plan(photo):
    engine = Engine.from_path(photo).resize(32)
    assert samples(engine.crop(0, 0, 32, 24)).shape == (24, 32, 3)
    with pytest.raises(InvalidArgumentError) as caught:
        engine.crop(1, 0, 32, 24).to_pixels()
    assert caught.value.code == "E200" and caught.value.step == "crop"
    assert "32x24" in str(caught.value)
