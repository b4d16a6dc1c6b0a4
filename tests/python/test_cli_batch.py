"""lazyimage batch, thumb and optimize: what they make, tell and return."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import oracle
import pytest
from PIL import Image
from shell import lazyimage, run_well
from test_color import P3, gamma_curve, profile

import lazyimage as li

JPEG = oracle.DATA / "jpeg"
PHOTO = JPEG / "420.jpg"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """photos/ with three pictures in two directories; it is beside the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    shutil.copy(PHOTO, "photos/a.jpg")
    shutil.copy(JPEG / "gray.jpg", "photos/sub/b.JPG")
    li.Engine.from_path(PHOTO).resize(90).to_file("photos/c.png", durable=False)
    return tmp_path


def files(top: str) -> list[str]:
    return sorted(
        os.path.relpath(os.path.join(folder, name), top)
        for folder, _, names in os.walk(top)
        for name in names
    )


def records(text: bytes) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_picture_is_made_as_the_engine_makes_it(tree: Path) -> None:
    out = run_well("batch", "photos", "-o", "out", "-s", "40", "-f", "jpeg", "-q", "70", "--quiet")
    assert out == b""
    assert files("out") == ["a.jpg", "c.jpg", "sub/b.jpg"]
    for source, made in (("a.jpg", "a.jpg"), ("c.png", "c.jpg"), ("sub/b.JPG", "sub/b.jpg")):
        expected = li.Engine.from_path(f"photos/{source}").resize(40, 40).to_buffer("jpeg", 70)
        assert Path("out", made).read_bytes() == bytes(expected)


def test_json_is_one_object_a_picture(tree: Path) -> None:
    Path("photos/bad.png").write_bytes(b"no picture")
    done = lazyimage("batch", "photos", "gone.jpg", "-o", "out", "-s", "40", "--json")
    assert done.returncode == 1
    lines = records(done.stdout)
    assert [(line["input"], line["output"], line["status"]) for line in lines] == [
        ("photos/a.jpg", "out/a.jpg", "ok"),
        ("photos/bad.png", "out/bad.png", "failed"),
        ("photos/c.png", "out/c.png", "ok"),
        ("photos/sub/b.JPG", "out/sub/b.JPG", "ok"),
        ("gone.jpg", "out/gone.jpg", "failed"),
    ]
    size = os.stat("out/a.jpg").st_size
    assert lines[0] | {"format": "jpeg", "width": 40, "height": 27, "bytes": size} == lines[0]
    assert [lines[1]["error"]["code"], lines[4]["error"]["code"]] == ["E111", "E100"]
    bad, gone, summary = done.stderr.decode().splitlines()
    assert bad.startswith("lazyimage: E111 UnsupportedFormat: photos/bad.png: ")
    assert gone.startswith("lazyimage: E100 SourceNotFound: gone.jpg: ")
    assert summary == "lazyimage: 3 written, 2 failed"
    assert files("out") == ["a.jpg", "c.png", "sub/b.JPG"]


def test_without_format_each_keeps_its_own(tree: Path) -> None:
    run_well("batch", "photos", "-o", "out", "-q", "60", "-O", "compression=1", "--quiet")
    assert li.inspect_file("out/c.png").format == "png"
    expected = li.Engine.from_path(PHOTO).to_buffer("jpeg", 60)
    assert Path("out/a.jpg").read_bytes() == bytes(expected)


def test_a_profile_is_the_engines(tree: Path) -> None:
    run_well("batch", "photos", "-o", "out", "--profile", "size-first", "--quiet")
    for name, kind in (("a.jpg", "jpeg"), ("c.png", "png")):
        engine = li.Engine.from_path(f"photos/{name}")
        expected = engine.to_buffer(kind, profile="size-first")
        assert Path("out", name).read_bytes() == bytes(expected)


def test_only_smaller_ones_are_enlarged(tree: Path) -> None:
    run_well("batch", "photos", "-o", "out", "-s", "100<", "--quiet")
    assert li.inspect_file("out/a.jpg").size == (150, 103)
    assert li.inspect_file("out/c.png").size == (100, 69)


def test_a_dry_run_makes_nothing(tree: Path) -> None:
    shown = run_well(
        "batch", "photos", "-o", "out", "-f", "png", "-n", "--manifest", "m", "--quiet"
    )
    assert shown.decode().splitlines() == [
        "photos/a.jpg -> out/a.png",
        "photos/c.png -> out/c.png",
        "photos/sub/b.JPG -> out/sub/b.png",
    ]
    assert sorted(os.listdir()) == ["photos"]
    planned = records(run_well("batch", "photos", "-o", "out", "-n", "--json", "--quiet"))
    assert {line["status"] for line in planned} == {"planned"}


def test_what_is_there_can_be_left(tree: Path) -> None:
    os.makedirs("out/sub")
    Path("out/a.jpg").write_text("mine")
    lines = records(
        run_well("batch", "photos", "-o", "out", "--skip-existing", "--json", "--quiet")
    )
    assert {line["output"]: line["status"] for line in lines} == {
        "out/a.jpg": "skipped",
        "out/c.png": "ok",
        "out/sub/b.JPG": "ok",
    }
    assert Path("out/a.jpg").read_text() == "mine"
    done = lazyimage("batch", "photos", "-o", "out", "--skip-existing")
    assert (done.returncode, done.stderr) == (0, b"lazyimage: 3 skipped\n")


def test_nothing_found_is_status_3(tree: Path) -> None:
    os.mkdir("empty")
    for word in ("empty", "photos/*.webp"):
        done = lazyimage("batch", word, "-o", "out")
        assert done.returncode == 3
        assert done.stderr.endswith(b"lazyimage: no picture found\n")
    webp = "webp" in li.supported_output_formats()  # what a thumbnail becomes; else E112
    assert lazyimage("thumb", "empty").returncode == (3 if webp else 1)
    assert lazyimage("optimize", "empty").returncode == 3
    assert not os.path.exists("out")


def test_an_output_that_cannot_be_made_fails_alone(tree: Path) -> None:
    os.makedirs("out/c.png")
    Path("out/sub").write_text("a file")
    done = lazyimage("batch", "photos", "-o", "out", "--json")
    assert done.returncode == 1
    assert [line["status"] for line in records(done.stdout)] == ["ok", "failed", "failed"]
    assert b"E301" in done.stderr and b"FileExists" in done.stderr


def test_memory_refuses_or_runs_alone(tree: Path) -> None:
    done = lazyimage("batch", "photos/a.jpg", "-o", "out", "--memory", "1kB")
    assert done.returncode == 1 and b"E124" in done.stderr
    run_well("batch", "photos/a.jpg", "-o", "out", "-m", "1kB", "--oversize", "alone", "--quiet")
    assert files("out") == ["a.jpg"]


def test_a_policy_guards_every_picture(tree: Path) -> None:
    shutil.copy(JPEG / "icc.jpg", "photos/icc.jpg")
    done = lazyimage("batch", "photos", "-o", "out", "--policy", "strict", "--json")
    failed = [line["input"] for line in records(done.stdout) if line["status"] == "failed"]
    assert failed == ["photos/icc.jpg"] and b"E123" in done.stderr


def test_jobs_make_no_difference(tree: Path) -> None:
    for count in ("1", "3"):
        run_well("batch", "photos", "-o", count, "-s", "33", "-j", count, "--quiet", "--durable")
    for name in files("1"):
        assert Path("1", name).read_bytes() == Path("3", name).read_bytes()


@pytest.mark.parametrize(
    "words",
    [
        "batch photos",
        "batch photos -o out --resume",
        "batch photos -o out --jobs 0",
        "batch photos -o out --jobs many",
        "batch photos -o out --memory big",
        "batch photos -o out --format bmp",
        "batch photos -o out --name x.png",
        "batch photos -o out --policy lax",
        "batch photos -o out --base photos/sub",
        "batch photos -o out --size 0",
        "thumb photos -o out.jpg --files-from x",
        "thumb photos/a.jpg photos/c.png -o out.jpg",
        "thumb -",
        "thumb photos/a.jpg -o out.bmp",
        "optimize",
        "optimize photos --min-saving 101",
        "optimize photos --format webp",
        "optimize photos --drop-icc --keep exif,icc",
    ],
)
def test_wrong_usage_is_status_2_and_does_nothing(tree: Path, words: str) -> None:
    before = files(".")
    done = lazyimage(*words.split())
    assert done.returncode == 2
    assert done.stdout == b"" and b"Traceback" not in done.stderr
    assert files(".") == before


def test_a_closed_pipe_ends_a_batch_quietly(tree: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = lazyimage("batch", "photos", "-o", "out", "--json", "--quiet", stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


# --- thumb -----------------------------------------------------------------------------


def test_thumbnails_stand_beside_their_pictures(tree: Path) -> None:
    run_well("thumb", "photos", "-f", "png", "--quiet")
    assert files("photos") == [
        "a-thumb.png",
        "a.jpg",
        "c-thumb.png",
        "c.png",
        "sub/b-thumb.png",
        "sub/b.JPG",
    ]
    # 150 px at most, never enlarged; and no thumbnails of thumbnails.
    assert li.inspect_file("photos/c-thumb.png").size == (90, 62)
    assert li.inspect_file("photos/a-thumb.png").size == (150, 103)
    before = files("photos")
    run_well("thumb", "photos", "-f", "png", "--quiet")
    assert files("photos") == before


def test_a_thumbnail_can_be_cropped_and_named(tree: Path) -> None:
    words = ["-s", "30x30", "--crop", "-f", "jpeg", "--output-dir", "t", "--name", "{stem}.t.{ext}"]
    run_well("thumb", "photos", *words, "--quiet")
    assert files("t") == ["a.t.jpg", "c.t.jpg", "sub/b.t.jpg"]
    expected = li.Engine.from_path(PHOTO).resize(30, 30, fit="cover", enlarge=True)
    assert Path("t/a.t.jpg").read_bytes() == bytes(expected.to_buffer("jpeg", 75))


def test_one_thumbnail_goes_where_it_is_told(tree: Path) -> None:
    run_well("thumb", "photos/a.jpg", "-o", "one.jpg", "-s", "50")
    expected = bytes(li.Engine.from_path(PHOTO).resize(50, 50).to_buffer("jpeg", 75))
    assert Path("one.jpg").read_bytes() == expected
    out = run_well("thumb", "-", "-o", "-", "-f", "jpeg", "-s", "50", input=PHOTO.read_bytes())
    assert out == expected


def test_the_preset_is_webp(tree: Path) -> None:
    if "webp" not in li.supported_output_formats():
        pytest.skip("this build has no WebP")
    run_well("thumb", "photos/a.jpg", "--quiet")
    expected = li.Engine.from_path(PHOTO).resize(150, 150, enlarge=False).to_buffer("webp", 75)
    assert Path("photos/a-thumb.webp").read_bytes() == bytes(expected)


# --- optimize --------------------------------------------------------------------------


@pytest.fixture
def wasteful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pictures/ with files that can be smaller, cannot, and must not be touched."""
    monkeypatch.chdir(tmp_path)
    os.mkdir("pictures")
    rows, columns = np.mgrid[0:80, 0:120]
    array = np.dstack([rows * 3, columns * 2, rows + columns]).astype(np.uint8)
    engine = li.Engine.from_pixels(array)
    engine.to_file("pictures/large.png", compression=0, durable=False)
    engine.to_file("pictures/large.jpg", quality=100, subsampling="4:4:4", durable=False)
    engine.to_file("pictures/small.jpg", quality=20, durable=False)
    for name in ("icc.jpg", "cmyk.jpg"):
        shutil.copy(JPEG / name, f"pictures/{name}")
    shutil.copy(oracle.DATA / "pngsuite" / "basn2c16.png", "pictures/deep.png")
    os.chmod("pictures/large.png", 0o640)
    os.symlink("large.jpg", "pictures/link.jpg")
    return tmp_path


def contents(top: str) -> dict[str, bytes]:
    return {name: Path(top, name).read_bytes() for name in files(top)}


def test_only_what_gets_smaller_is_replaced(wasteful: Path) -> None:
    before = contents("pictures")
    pixels = np.asarray(li.open("pictures/large.png").to_pixels()).copy()
    done = lazyimage("optimize", "pictures", "--json")
    lines = {line["input"]: line for line in records(done.stdout)}
    assert done.returncode == 0
    after = contents("pictures")
    changed = [name for name in before if after[name] != before[name]]
    assert set(changed) == {"large.png", "large.jpg", "link.jpg"}  # the link leads to large.jpg
    assert os.path.islink("pictures/link.jpg")
    for name in ("large.png", "large.jpg"):
        line = lines[f"pictures/{name}"]
        assert (line["bytes_before"], line["bytes"]) == (len(before[name]), len(after[name]))
        assert len(after[name]) < len(before[name]) * 0.95
    assert np.array_equal(np.asarray(li.open("pictures/large.png").to_pixels()), pixels)
    assert os.stat("pictures/large.png").st_mode & 0o777 == 0o640
    reasons = {
        name: lines[f"pictures/{name}"]["reason"]
        for name in ("icc.jpg", "cmyk.jpg", "deep.png", "small.jpg")
    }
    assert "ICC" in reasons["icc.jpg"] and "CMYK" in reasons["cmyk.jpg"]
    assert "16 bits" in reasons["deep.png"] and "smaller" in reasons["small.jpg"]
    assert b" bytes saved\n" in done.stderr
    again = lazyimage("optimize", "pictures")
    assert again.stderr.endswith(b"skipped, 0 bytes saved\n")
    assert contents("pictures") == after


def test_a_dry_run_of_optimize_only_tells(wasteful: Path) -> None:
    before = contents("pictures")
    shown = run_well("optimize", "pictures/large.png", "-n", "--quiet").decode()
    assert contents("pictures") == before
    run_well("optimize", "pictures/large.png", "--quiet")
    sizes = len(before["large.png"]), os.stat("pictures/large.png").st_size
    assert shown == f"pictures/large.png: {sizes[0]} -> {sizes[1]} bytes\n"


def test_the_least_saving_is_a_choice(wasteful: Path) -> None:
    before = contents("pictures")
    run_well("optimize", "pictures", "--min-saving", "99.9", "--quiet")
    assert contents("pictures") == before
    run_well("optimize", "pictures/icc.jpg", "--drop-icc", "-q", "10", "--quiet")
    assert not li.Engine.from_path("pictures/icc.jpg").has_icc_profile()


def test_a_profile_is_kept_where_that_is_asked_for(wasteful: Path) -> None:
    """Of the same bytes; a picture whose profile cannot be kept is left alone."""
    gray = np.mgrid[0:80, 0:120].sum(0).astype(np.uint8)
    icc = profile(None, gamma_curve(1.8))
    Image.fromarray(gray).save("pictures/gray.png", icc_profile=icc, compress_level=0)
    icc = profile(P3, gamma_curve(1.8))
    with Image.open("pictures/large.jpg") as image:
        image.save("pictures/icc.jpg", icc_profile=icc, quality=100)
    before = contents("pictures")
    profiles = {name: profile_in(f"pictures/{name}") for name in ("icc.jpg", "gray.png")}
    assert all(profiles.values())
    options = ("-q", "10", "-O", "palette=256", "--keep", "icc", "--quiet")
    run_well("optimize", "pictures/icc.jpg", "pictures/gray.png", *options)
    assert contents("pictures")["gray.png"] == before["gray.png"]
    run_well("optimize", "pictures/gray.png", "--keep", "icc", "--quiet")
    after = contents("pictures")
    for name in profiles:
        assert len(after[name]) < len(before[name])
        assert profile_in(f"pictures/{name}") == profiles[name]
    with Image.open("pictures/gray.png") as image:
        assert np.array_equal(np.asarray(image), gray)


def profile_in(path: str) -> bytes | None:
    with Image.open(path) as image:
        found: bytes | None = image.info.get("icc_profile")
    return found


def test_a_file_that_changes_meanwhile_is_left(wasteful: Path, monkeypatch, capsys) -> None:
    from lazyimage import cli
    from lazyimage.cli import work

    real = work.Worker.record_of

    def slow(self, job, result, error):
        Path("pictures/large.png").write_bytes(b"new")
        return real(self, job, result, error)

    monkeypatch.setattr(work.Worker, "record_of", slow)
    assert cli.main(["optimize", "pictures/large.png"]) == 1
    assert "E103" in capsys.readouterr().err
    assert Path("pictures/large.png").read_bytes() == b"new"
