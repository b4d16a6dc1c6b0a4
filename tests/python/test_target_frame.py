"""The frame of a search: decoded so that no quality which may be found shows a shrink."""

import pytest
from test_target import FAST, FORMATS, picture

import lazyimage as li
from lazyimage import quality


@pytest.fixture(scope="module")
def photograph():
    """A JPEG whose decoder would shrink for what hides it."""
    data = li.Engine.from_pixels(picture(1600, 1200)).to_buffer("jpeg", 85).to_bytes()
    return li.Engine.from_bytes(data).resize(200)


@pytest.mark.parametrize("format", FORMATS)
def test_the_decoder_shrinks_for_no_quality_that_would_show_it(photograph, format):
    found = photograph.to_buffer(format, max_bytes=10**7, **FAST[format])
    plain = photograph.to_buffer(format, found.quality, **FAST[format])
    assert found.quality == 100
    assert found.metrics.shrink == plain.metrics.shrink == 8
    estimate = photograph.estimate(format, max_bytes=10**7, **FAST[format])
    assert found.metrics.peak_bytes <= estimate.peak_bytes + estimate.out_bytes
    low = photograph.to_buffer(format, max_bytes=10**7, max_quality=89, **FAST[format])
    assert low.metrics.shrink < 8  # none that it may find would show it
    asked = [photograph.output(format=format, max_bytes=10**7, **FAST[format])]
    assert li.run(asked, on_error="raise")[0].result.metrics.shrink == 8


@pytest.mark.parametrize("format", FORMATS)
def test_the_similarity_is_to_what_no_decoder_shrank(photograph, format):
    for goal in ({}, {"max_quality": 85}):
        found = photograph.to_buffer(format, min_ssim=0.9, **goal, **FAST[format])
        assert found.metrics.shrink == 8
        assert found.search.ssim == pytest.approx(quality.ssim(photograph, found), abs=1e-9)
    fast = photograph.to_buffer(format, min_ssim=0.9, shrink="fast", **FAST[format])
    assert fast.metrics.shrink < 8  # as asked


def test_explain_tells_how_the_frame_of_a_search_is_made(photograph):
    told = photograph.explain("jpeg", max_bytes=10**7).splitlines()
    assert [line.split()[0] for line in told] == [
        *("source", "decode", "resize", "encode", "search", "memory")
    ]
    assert "full size" in told[1]
    low = photograph.explain("jpeg", max_bytes=10**7, max_quality=89).splitlines()
    assert "at 2/8" in low[1] and "quality 1 to 89" in low[-2]
