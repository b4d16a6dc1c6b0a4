"""lazyimage responsive and placeholder."""

import base64
import json
import os
import shutil
from pathlib import Path

import oracle
import pytest
from shell import lazyimage, run_well

import lazyimage as li

PHOTO = oracle.DATA / "jpeg" / "420.jpg"  # 150×103


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(PHOTO, "photo.jpg")
    return tmp_path


def test_every_width_in_every_format(here: Path) -> None:
    shown = run_well("responsive", "photo.jpg", "-w", "100,50", "--formats", "png,jpg", "-q", "70")
    assert shown.decode().splitlines() == [
        "photo-50.png 50w, photo-100.png 100w",
        "photo-50.jpg 50w, photo-100.jpg 100w",
    ]
    assert len(os.listdir()) == 5
    for width in (50, 100):
        assert li.inspect_file(f"photo-{width}.png").width == width
        resized = li.Engine.from_path("photo.jpg").resize(width)
        b = li.Engine.from_path(f"photo-{width}.jpg")
        assert li.quality.psnr(resized.to_buffer("jpeg", 70), b) > 40  # shared decode


def test_widths_above_its_own_give_its_own(here: Path) -> None:
    words = ["responsive", "photo.jpg", "--formats", "png"]
    assert run_well(*words) == b"photo-150.png 150w\n"
    assert run_well(*words, "-w", "100,150,300,400") == b"photo-100.png 100w, photo-150.png 150w\n"
    assert run_well(*words, "-w", "100,300", "--enlarge") == (
        b"photo-100.png 100w, photo-300.png 300w\n"
    )
    assert li.inspect_file("photo-300.png").size == (300, 206)


def test_names_urls_and_json(here: Path) -> None:
    os.rename("photo.jpg", "my photo, é.jpg")
    found = json.loads(
        run_well(
            *("responsive", "my photo, é.jpg", "-w", "40", "--formats", "png", "--json"),
            *("--output-dir", "a/b", "--name", "{width}-{stem}.{ext}", "--url", "/img/"),
        )
    )
    path = "a/b/40-my photo, é.png"
    size = os.stat(path).st_size
    facts = {"path": path, "format": "png", "width": 40, "height": 27, "bytes": size}
    assert found == {
        "files": [facts],
        "srcset": {"png": "/img/40-my%20photo%2C%20%C3%A9.png 40w"},
    }


def test_responsive_from_standard_input(here: Path) -> None:
    words = ["responsive", "-", "-w", "40", "--formats", "png"]
    assert lazyimage(*words, input=b"").returncode == 2
    shown = run_well(*words, "--output-dir", "out", input=PHOTO.read_bytes())
    assert shown == b"stdin-40.png 40w\n" and os.listdir("out") == ["stdin-40.png"]


def test_a_broken_picture_is_status_1(here: Path) -> None:
    Path("bad.jpg").write_bytes(PHOTO.read_bytes()[:2000])
    before = sorted(os.listdir())
    done = lazyimage("responsive", "bad.jpg", "-w", "40,50", "--formats", "png")
    assert done.returncode == 1
    assert done.stderr.count(b"E132") == 2 and b"bad-40.png" in done.stderr
    assert sorted(os.listdir()) == before
    assert lazyimage("placeholder", "bad.jpg", "-f", "png").returncode == 1


@pytest.mark.parametrize(
    "words",
    [
        "responsive photo.jpg -w 0",
        "responsive photo.jpg -w 10,,20",
        "responsive photo.jpg -w x",
        "responsive photo.jpg --formats jpeg,bmp",
        "responsive photo.jpg --name {stem}.{ext}",
        "responsive photo.jpg --name ../{width}.{ext}",
        "responsive photo.jpg photo.jpg",
        "placeholder photo.jpg -s 0",
        "placeholder photo.jpg -s 257",
        "placeholder photo.jpg -f bmp",
        "placeholder photo.jpg -q 0",
    ],
)
def test_wrong_usage(here: Path, words: str) -> None:
    done = lazyimage(*words.split())
    assert (done.returncode, done.stdout) == (2, b"")
    assert os.listdir() == ["photo.jpg"]


def test_the_picture_itself_is_not_overwritten(here: Path) -> None:
    os.rename("photo.jpg", "photo-50.jpg")
    done = lazyimage(
        *("responsive", "photo-50.jpg", "-w", "50", "--formats", "jpeg"),
        *("--name", "photo-{width}.{ext}"),
    )
    assert done.returncode == 2
    assert Path("photo-50.jpg").read_bytes() == PHOTO.read_bytes()


@pytest.mark.parametrize("name", ["png", "webp", "jpeg"])
def test_a_placeholder_is_a_picture(here: Path, name: str) -> None:
    if name not in li.supported_output_formats():
        pytest.skip(f"this build has no {name}")
    url = run_well("placeholder", "photo.jpg", "-f", name).decode().rstrip("\n")
    head, data = url.split(",")
    assert head == f"data:image/{name};base64"
    encoded = base64.b64decode(data, validate=True)
    quality = None if name == "png" else 20
    expected = li.Engine.from_path(PHOTO).resize(16, 16).to_buffer(name, quality)
    assert encoded == bytes(expected)
    found = json.loads(run_well("placeholder", "photo.jpg", "-f", name, "--json", "-s", "8"))
    engine = li.Engine.from_path(PHOTO)
    assert found == {
        "url": engine.placeholder(8, name),
        "width": 150,
        "height": 103,
        "color": engine.dominant_color(),
        "thumbhash": base64.b64encode(engine.thumbhash()).decode(),
    }
