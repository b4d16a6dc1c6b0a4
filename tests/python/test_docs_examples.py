"""Every example in a docstring runs and shows what it says."""

import builtins
import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import lazyimage

MODULES = sorted(
    module.name
    for module in pkgutil.iter_modules(lazyimage.__path__, "lazyimage.")
    if not module.ispkg and module.name not in ("lazyimage.__main__", "lazyimage._core")
)
PUBLIC = [lazyimage.Engine, lazyimage.Recipe, lazyimage.Encoded, lazyimage.Pixels]


@pytest.fixture
def photo(tmp_path, monkeypatch):
    """photo.jpg, 640×480 RGB, in a directory of the example's own."""
    rows, columns = np.mgrid[0:480, 0:640]
    waves = 127 + 60 * np.sin(rows / 40) + 60 * np.cos(columns / 30)
    array = np.dstack([waves, waves[::-1], waves[:, ::-1]]).astype(np.uint8)
    monkeypatch.chdir(tmp_path)
    lazyimage.Engine.from_pixels(array).to_file("photo.jpg", quality=90, durable=False)
    return tmp_path


def examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in ["lazyimage", *MODULES]:
        module = importlib.import_module(name)
        names = {"lazyimage": lazyimage, "Engine": lazyimage.Engine, "builtins": builtins}
        for found in finder.find(module, globs=names):
            if found.examples:
                yield pytest.param(found, id=found.name)


@pytest.mark.parametrize("example", list(examples()))
def test_an_example_shows_what_it_says(example, photo):
    report = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=report.append)
    assert not report, "".join(report)


def test_there_are_examples():
    names = {param.id for param in examples()}
    for wanted in ("from_path", "from_bytes", "from_file", "from_pixels", "to_buffer", "to_file"):
        assert f"lazyimage.engine.Engine.{wanted}" in names
    assert len(names) > 25


@pytest.mark.parametrize("kind", PUBLIC)
def test_every_public_method_is_documented(kind):
    for name in dir(kind):
        if not name.startswith("_") and callable(getattr(kind, name)):
            assert getattr(kind, name).__doc__, name
