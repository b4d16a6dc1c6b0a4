"""Errors: classes, codes, and what must survive a pickle."""

import copy
import errno
import pickle

import pytest

import lazyimage
from lazyimage import errors
from lazyimage._codes import CODES

BASES = {
    "SourceNotFoundError": FileNotFoundError,
    "SourceReadError": OSError,
    "SourceChangedError": OSError,
    "UnsupportedFormatError": OSError,
    "CodecUnavailableError": ImportError,
    "LimitError": ValueError,
    "MemoryBudgetError": MemoryError,
    "ImageTimeoutError": TimeoutError,
    "DecodeError": OSError,
    "CorruptImageError": OSError,
    "TruncatedImageError": OSError,
    "InvalidArgumentError": ValueError,
    "EncodeError": OSError,
    "WriteError": OSError,
    "CancelledError": Exception,
    "InternalError": RuntimeError,
}


@pytest.mark.parametrize("code", CODES)
def test_every_code_makes_its_class_with_its_words(code):
    name, category, kind, hint = CODES[code]
    error = errors.make_error(code, "the message", "resize", 0, None)
    assert type(error).__name__ == kind
    assert isinstance(error, errors.LazyImageError)
    assert isinstance(error, BASES[kind])
    assert (error.code, error.name, error.category) == (f"E{code}", name, category)
    assert (error.hint, error.step, str(error)) == (hint, "resize", "the message")


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    "twin",
    [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy],
    ids=["pickle", "copy", "deepcopy"],
)
def test_an_error_survives_whole(code, twin):
    error = errors.make_error(code, "m", "crop", errno.ENOSPC, b"/a/\xff.png", hint="h")
    error.add_note("a note")
    other = twin(error)
    assert type(other) is type(error)
    assert other.args == ("m",) and str(other) == "m"
    for name in ("code", "name", "category", "hint", "step", "__notes__"):
        assert getattr(other, name) == getattr(error, name), name
    if isinstance(error, OSError):
        assert other.errno == errno.ENOSPC
        assert other.filename == "/a/\udcff.png"
        assert other.strerror == error.strerror


def test_the_public_names_are_the_table_s_classes():
    classes = {row[2] for row in CODES.values()}
    assert classes == set(BASES)
    for name in classes | {"LazyImageError"}:
        assert getattr(lazyimage, name) is getattr(errors, name)
        assert name in lazyimage.__all__


def test_limits_are_one_family():
    assert issubclass(errors.MemoryBudgetError, errors.LimitError)
    assert issubclass(errors.ImageTimeoutError, errors.LimitError)
    assert issubclass(errors.CorruptImageError, errors.DecodeError)
    assert issubclass(errors.TruncatedImageError, errors.DecodeError)


def test_a_class_made_by_hand_has_its_own_code():
    assert errors.InvalidArgumentError("x").code == "E400"
    assert errors.SourceNotFoundError("x").code == "E100"
    assert errors.LazyImageError("x").code == "E901"


def test_an_unknown_code_is_an_internal_error():
    error = errors.make_error(77, "what is this")
    assert type(error) is errors.InternalError
    assert "77" in str(error) and "what is this" in str(error)


def test_errno_is_none_where_there_is_none():
    error = errors.make_error(101, "m", None, 0, None)
    assert error.errno is None and error.filename is None and error.strerror is None


def test_the_core_raises_through_the_table(tmp_path):
    path = tmp_path / "text.jpg"
    path.write_bytes(b"this is no picture, but it is long enough to be looked at")
    with pytest.raises(errors.UnsupportedFormatError) as caught:
        _ = lazyimage.Engine.from_path(path).info
    assert caught.value.code == "E111"
    assert caught.value.filename == str(path)
    assert "supported_input_formats" in caught.value.hint
