"""Which pictures the words of a command line mean, and where their outputs go."""

import argparse
import json
import os
import stat
from pathlib import Path

import oracle
import pytest
from shell import lazyimage, run_well

from lazyimage.cli.common import UsageError
from lazyimage.cli.inputs import Input, collect
from lazyimage.cli.names import Job, own_sources, parse_pattern, plan

PICTURE = (oracle.DATA / "jpeg" / "420-7x7.jpg").read_bytes()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names: str | bytes) -> None:
    for name in names:
        os.makedirs(os.path.dirname(os.fsencode(name)) or b".", exist_ok=True)
        with open(name, "wb") as file:
            file.write(PICTURE)


def found(*words: str, output_dir: str | None = "out", **options) -> list[tuple[str, str]]:
    """(path, place) of every picture; there must be no fault."""
    base = options.pop("base", None)
    everything = collect(spaced(words, **options), output_dir, base)
    assert everything.faults == []
    return [tuple(thing) for thing in everything.inputs]


def spaced(words: tuple[str, ...], **options) -> argparse.Namespace:
    default = {"files_from": None, "null": False, "hidden": False, "follow_links": False}
    return argparse.Namespace(inputs=list(words), **{**default, **options})


def test_a_directory_keeps_its_tree_in_order(here: Path) -> None:
    touch("p/b.jpg", "p/a/c.png", "p/a.webp", "p/z/y/x.avif", "p/notes.txt", "p/none", "p/jpg")
    assert found("p") == [
        ("p/a/c.png", "a/c.png"),
        ("p/a.webp", "a.webp"),
        ("p/b.jpg", "b.jpg"),
        ("p/z/y/x.avif", "z/y/x.avif"),
    ]
    assert found("p/") == [(path, place) for path, place in found("p")]
    assert [path for path, _ in found(".")] == [f"./{path}" for path, _ in found("p")]


def test_extensions_count_in_any_case(here: Path) -> None:
    names = ["A.JPG", "B.Jpeg", "C.PNG", "D.JPE", "E.jfif", "F.WebP", "G.AVIF"]
    touch(*(f"p/{name}" for name in names), "p/H.GIF", "p/I.JPG.txt")
    assert [place for _, place in found("p")] == names


def test_a_file_that_is_named_is_a_picture_whatever_it_is_called(here: Path) -> None:
    touch("p/notes.txt", "p/.hidden", "p/[1].jpg")
    assert found("p/notes.txt", "p/.hidden", "p/[1].jpg") == [
        ("p/notes.txt", "notes.txt"),
        ("p/.hidden", ".hidden"),
        ("p/[1].jpg", "[1].jpg"),
    ]


def test_what_is_named_twice_is_made_once(here: Path) -> None:
    touch("p/a.jpg", "p/b.jpg")
    assert found("p/b.jpg", "p", "./p/../p/a.jpg", "p/*.jpg") == [
        ("p/b.jpg", "b.jpg"),
        ("p/a.jpg", "a.jpg"),
    ]


def test_hidden_names_are_left_out_unless_asked_for(here: Path) -> None:
    touch("p/.a.jpg", "p/.git/b.jpg", "p/c.jpg", "p/.lazyimage-00112233")
    assert found("p") == [("p/c.jpg", "c.jpg")]
    assert found("p/**/*.jpg") == [("p/c.jpg", "c.jpg")]
    assert {place for _, place in found("p", hidden=True)} == {".a.jpg", ".git/b.jpg", "c.jpg"}
    assert found("p/.*.jpg") == [("p/.a.jpg", ".a.jpg")]
    assert len(found("p/**/*.jpg", hidden=True)) == 3


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("p/*.jpg", ["1.jpg"]),
        ("p/*/*.jpg", ["a/2.jpg", "b/3.jpg"]),
        ("p/**/*.jpg", ["1.jpg", "a/2.jpg", "a/c/4.jpg", "b/3.jpg"]),
        ("p/**", ["1.jpg", "a/2.jpg", "a/c/4.jpg", "a/c/notes.txt", "b/3.jpg"]),
        ("p/**/c/*", ["a/c/4.jpg", "a/c/notes.txt"]),
        ("p/[ab]/?.jpg", ["a/2.jpg", "b/3.jpg"]),
        ("p/**/**/4.jpg", ["a/c/4.jpg"]),
        ("p//a/*.jpg", ["2.jpg"]),
        ("*/1.jpg", ["p/1.jpg"]),
        ("p/*.JPG", []),
        ("nowhere/*.jpg", []),
        ("p/1.jpg/*", []),
    ],
)
def test_a_glob_keeps_the_tree_below_its_first_wildcard(
    here: Path, pattern: str, expected: list[str]
) -> None:
    touch("p/1.jpg", "p/a/2.jpg", "p/b/3.jpg", "p/a/c/4.jpg", "p/a/c/notes.txt")
    assert sorted(place for _, place in found(pattern)) == expected
    absolute = os.path.join(here, pattern)
    assert sorted(place for _, place in found(absolute)) == expected
    for path, _ in found(absolute):
        assert os.path.isfile(path)


def test_a_glob_without_a_match_is_told(here: Path) -> None:
    touch("a.jpg")
    everything = collect(spaced(("a.jpg", "b*.jpg", "empty")), "out")
    assert [path for path, _ in everything.inputs] == ["a.jpg", "empty"]
    assert everything.unmatched == ["b*.jpg"]


def test_the_output_directory_is_no_input(here: Path) -> None:
    touch("p/a.jpg", "p/out/a.jpg", "p/q/b.jpg")
    expected = [("p/a.jpg", "a.jpg"), ("p/q/b.jpg", "q/b.jpg")]
    for output in ("p/out", "./p/q/../out", os.path.join(here, "p", "out")):
        assert found("p", output_dir=output) == expected
        assert found("p/**/*.jpg", output_dir=output) == expected
    os.symlink("p/out", "link")
    assert found("p", output_dir="link") == expected
    assert len(found("p", output_dir="p")) == 3


def test_loops_of_links_end(here: Path) -> None:
    touch("p/a/b.jpg")
    os.symlink("..", "p/a/up")
    os.symlink(".", "p/self")
    assert found("p") == [("p/a/b.jpg", "a/b.jpg")]
    assert found("p", follow_links=True) == [("p/a/b.jpg", "a/b.jpg")]
    assert found("p/**/*.jpg") == [("p/a/b.jpg", "a/b.jpg")]
    assert found("p/**/*.jpg", follow_links=True) == [("p/a/b.jpg", "a/b.jpg")]


def test_links_to_files_are_pictures_and_links_to_directories_on_request(here: Path) -> None:
    touch("p/a.jpg", "elsewhere/b.jpg")
    os.symlink("a.jpg", "p/link.jpg")
    os.symlink("../elsewhere", "p/more")
    os.symlink("nowhere.jpg", "p/broken.jpg")
    os.mkfifo("p/pipe.jpg")
    places = [place for _, place in found("p")]
    assert places == ["a.jpg", "broken.jpg", "link.jpg"]
    assert "more/b.jpg" in [place for _, place in found("p", follow_links=True)]
    os.symlink("p", "q")
    assert next(path for path, _ in found("q")) == "q/a.jpg"  # a link that is named is meant


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_directory_that_cannot_be_read_is_a_failure(here: Path) -> None:
    touch("p/a.jpg", "p/q/b.jpg")
    os.chmod("p/q", 0)
    try:
        check_unreadable()
    finally:
        os.chmod("p/q", stat.S_IRWXU)


def test_a_directory_that_cannot_be_listed_is_a_failure(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch("p/a.jpg", "p/q/b.jpg")
    real = os.scandir

    def refuse(path: str):
        if str(path).endswith("q"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    check_unreadable()


def check_unreadable() -> None:
    for word in ("p", "p/**/*.jpg"):
        everything = collect(spaced((word,)), "out")
        assert everything.inputs == [Input("p/a.jpg", "a.jpg")]
        (fault,) = everything.faults
        assert fault.path == "p/q" and "Permission denied" in str(fault.error)


def test_listed_names_keep_their_directories(here: Path) -> None:
    names = ["a/b.jpg", "./c.jpg", "/abs/d.jpg", "../e.jpg", "f/../g.jpg", "sp ace.jpg"]
    Path("list").write_text("\n".join(names) + "\n\n")
    assert found(files_from="list") == [
        ("a/b.jpg", "a/b.jpg"),
        ("./c.jpg", "c.jpg"),
        ("/abs/d.jpg", "d.jpg"),
        ("../e.jpg", "e.jpg"),
        ("f/../g.jpg", "g.jpg"),
        ("sp ace.jpg", "sp ace.jpg"),
    ]


def test_listed_directories_are_walked(here: Path) -> None:
    touch("p/a.jpg", "p/q/b.jpg")
    Path("list").write_text("p\np/q\np/q/b.jpg\n")  # as find prints them
    assert found(files_from="list") == [("p/a.jpg", "p/a.jpg"), ("p/q/b.jpg", "p/q/b.jpg")]


def test_base_decides_the_place_of_every_input(here: Path) -> None:
    touch("p/a/b.jpg", "p/c.jpg")
    for word in ("p", "p/**/*.jpg", os.path.join(here, "p")):
        assert [place for _, place in found(word, base=".")] == ["p/a/b.jpg", "p/c.jpg"]
    assert found("p/c.jpg", base="p") == [("p/c.jpg", "c.jpg")]
    with pytest.raises(UsageError, match="is not below --base"):
        found("p/c.jpg", base="p/a")


def test_names_with_newlines_and_bytes_that_are_no_text(here: Path) -> None:
    odd = [b"n\new.jpg", b"\xff\xfe.jpg", b" lead.jpg", b"-dash.jpg", "é.jpg".encode()]
    touch(*(b"p/" + name for name in odd))
    listed = b"".join(b"p/" + name + b"\0" for name in odd)
    lines = run_well(
        "batch", "--files-from", "-", "-0", "-o", "out", "-f", "png", "--json", "--quiet",
        input=listed,
    ).splitlines()  # fmt: skip
    records = [json.loads(line) for line in lines]
    assert [os.fsencode(record["input"]) for record in records] == [b"p/" + name for name in odd]
    made = sorted(os.listdir(b"out/p"))
    assert made == sorted(name.replace(b".jpg", b".png") for name in odd)
    shown = run_well("batch", "p", "-o", "out", "--dry-run", "--quiet").splitlines()
    assert len(shown) == len(odd)
    assert rb"p/n\new.jpg -> out/n\new.jpg" in shown
    assert b"p/\xff\xfe.jpg -> out/\xff\xfe.jpg" in shown


def test_nothing_to_take_names_from_is_wrong_usage(here: Path) -> None:
    assert lazyimage("batch", "-o", "out").returncode == 2
    assert lazyimage("batch", "a.jpg", "-0", "-o", "out").returncode == 2
    assert lazyimage("batch", "--files-from", "nowhere", "-o", "out").returncode == 1
    assert lazyimage("batch", "--files-from", "-", "-o", "out", input=b"").returncode == 3


# --- names -----------------------------------------------------------------------------


def planned(places: list[str], named: str | None = "webp", pattern: str = "{stem}.{ext}"):
    inputs = [Input(f"in/{place}", place) for place in places]
    return [job.output for job in plan(inputs, "out", named, pattern)]


def test_the_extension_follows_the_format() -> None:
    places = ["a.JPG", "b/c.jpeg", "d.png", "e.tar.jpg", "f"]
    assert planned(places, "webp") == [
        "out/a.webp",
        "out/b/c.webp",
        "out/d.webp",
        "out/e.tar.webp",
        "out/f.webp",
    ]
    assert planned(["a.JPG", "b.jpeg"], "jpeg") == ["out/a.jpg", "out/b.jpg"]
    assert planned(["a.JPG", "b.jpeg", "c.png"], None) == ["out/a.JPG", "out/b.jpeg", "out/c.png"]


def test_names_that_clash_are_numbered_in_order() -> None:
    places = ["a.jpg", "a.png", "A.webp", "b/a.jpg", "a-2.jpg", "a.avif"]
    assert planned(places) == [
        "out/a.webp",
        "out/a-2.webp",
        "out/A-3.webp",
        "out/b/a.webp",
        "out/a-2-2.webp",
        "out/a-4.webp",
    ]


def test_a_pattern_names_the_files() -> None:
    assert planned(["x/a.jpg"], pattern="{stem}@2x.{ext}") == ["out/x/a@2x.webp"]
    assert planned(["{ext}.jpg"], pattern="s-{stem}.{ext}") == ["out/s-{ext}.webp"]
    for wrong in ("same.webp", "{ext}", "../{stem}", "a/{stem}", "{stem}\0"):
        with pytest.raises(argparse.ArgumentTypeError):
            parse_pattern(wrong)


def test_an_input_without_a_format_is_a_failure_of_its_own() -> None:
    jobs = plan(
        [Input("in/notes.txt", "notes.txt"), Input("in/a.jpg", "a.jpg")],
        "out",
        None,
        "{stem}.{ext}",
    )
    assert jobs[0].error is not None and "no extension" in str(jobs[0].error)
    assert jobs[1] == Job("in/a.jpg", "out/a.jpg", "jpeg")


def test_a_source_is_seen_through_links(here: Path) -> None:
    touch("p/a.jpg", "p/b.jpg")
    os.symlink("p", "same")
    os.symlink("p/a.jpg", "link.jpg")
    jobs = [Job("p/a.jpg", "same/a.jpg", "jpeg"), Job("p/b.jpg", "out/b.jpg", "jpeg")]
    assert own_sources(jobs) == {"p/a.jpg"}
    assert own_sources([Job("p/a.jpg", "link.jpg", "jpeg")]) == {"p/a.jpg"}


def test_a_source_is_not_overwritten_unless_asked(here: Path) -> None:
    touch("p/a.jpg", "p/b.jpg")
    done = lazyimage("batch", "p", "-o", "p", "-s", "4")
    assert done.returncode == 2
    assert b"2 of the inputs would be overwritten, 'p/a.jpg' first" in done.stderr
    assert Path("p/a.jpg").read_bytes() == PICTURE
    run_well("batch", "p", "-o", "p", "-s", "4", "--in-place", "--quiet")
    assert Path("p/a.jpg").read_bytes() != PICTURE
    assert sorted(os.listdir("p")) == ["a.jpg", "b.jpg"]
