"""A long job stops within 100 ms (WebP: 300): by Ctrl-C, by its deadline, by its cancel
flag."""

import os

import process
import pytest

import lazyimage as li

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("LAZYIMAGE_SANITIZED") == "1", reason="a sanitizer takes its time"
    ),
]
WITHIN = 0.100
WEBP_WITHIN = 0.300
"""libwebp is asked to stop between its steps only."""
STOPPED = {
    "signal": ("KeyboardInterrupt", None),
    "timeout": ("ImageTimeoutError", "E125"),
    "cancel": ("CancelledError", "E500"),
}
SOURCES = ("png", "jpeg")
"""Gray pictures of 20000 × 20000, 400 MP, made once by the worker that is interrupted."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    directory = str(tmp_path_factory.mktemp("gray"))
    return process.run_fresh(
        "make_gray_pictures", directory=directory, side=20_000, formats=SOURCES
    )


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("target", [0, 800])
@pytest.mark.parametrize("after", [0.03, 0.06, 0.1])
def test_ctrl_c_returns_within_100_ms(
    pictures: dict[str, str], source: str, target: int, after: float
) -> None:
    found = process.run_fresh(
        "interrupt", path=pictures[source], target=target, after=after, how="signal"
    )
    assert found["raised"] == "KeyboardInterrupt"
    assert found["seconds"] <= WITHIN
    assert found["left"] == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_deadline_returns_within_100_ms(pictures: dict[str, str], source: str) -> None:
    found = process.run_fresh(
        "interrupt", path=pictures[source], target=0, after=0.2, how="timeout"
    )
    assert (found["raised"], found["code"]) == ("ImageTimeoutError", "E125")
    assert found["seconds"] <= WITHIN
    assert found["left"] == []


@pytest.mark.parametrize("source", SOURCES)
def test_cancel_returns_within_100_ms(pictures: dict[str, str], source: str) -> None:
    found = process.run_fresh("interrupt", path=pictures[source], target=0, after=0.2, how="cancel")
    assert (found["raised"], found["code"]) == ("CancelledError", "E500")
    assert found["seconds"] <= WITHIN
    assert found["left"] == []


def test_a_worker_thread_leaves_ctrl_c_to_the_main_thread(pictures: dict[str, str]) -> None:
    found = process.run_fresh("interrupt_beside_a_thread", path=pictures["png"])
    assert found["main"] == "KeyboardInterrupt"
    assert found["main_seconds"] <= WITHIN
    assert found["thread"] == "done"


@pytest.fixture(scope="module")
def webp_pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """4096 × 4096, 16.8 MP, detailed: their decoding and encoding take a while."""
    if "webp" not in li.supported_output_formats():
        pytest.skip("built without WebP")
    directory = str(tmp_path_factory.mktemp("webp"))
    formats = ["png", "webp"]
    return process.run_fresh(
        "make_gray_pictures", directory=directory, side=4096, formats=formats, seeds=1024
    )


@pytest.mark.parametrize("how", STOPPED)
@pytest.mark.parametrize(
    ("source", "format", "target", "after"),
    [
        ("webp", "png", 64, 0.06),  # decoding
        ("webp", "png", 0, 0.15),  # decoding for a slower encoder
        ("png", "webp", 0, 0.06),  # rows on their way into the encoder's planes
        ("png", "webp", 0, 0.6),  # within libwebp's encoder
    ],
    ids=["decode", "decode-whole", "encode-rows", "encode"],
)
def test_webp_returns_within_300_ms(
    webp_pictures: dict[str, str], source: str, format: str, target: int, after: float, how: str
) -> None:
    found = process.run_fresh(
        "interrupt",
        path=webp_pictures[source],
        target=target,
        after=after,
        how=how,
        format=format,
    )
    assert (found["raised"], found["code"]) == STOPPED[how]
    assert found["seconds"] <= WEBP_WITHIN
    assert found["left"] == []
