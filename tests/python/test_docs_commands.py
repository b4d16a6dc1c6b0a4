"""Every command and example that README.md and docs/cli.md show is run as it is written there.

A ```sh block must succeed, so must a ```python block; a ```console block must print what it
shows. Each runs in a directory of its own, with the pictures that docs/cli.md names at its top.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracle
import pytest
from shell import program

import lazyimage as li
from lazyimage import cli

PAGES = ("README.md", "docs/cli.md")


def blocks(kind: str):
    """(page:line, text) of every fenced block of this kind."""
    for page in PAGES:
        text = (oracle.REPOSITORY / page).read_text(encoding="utf-8")
        for found in re.finditer(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, found.start()) + 1
            yield pytest.param(found[1], id=f"{page}:{line}")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages' commands are given."""
    top = tmp_path_factory.mktemp("pictures")
    (top / "photos" / "2024").mkdir(parents=True)
    rows, columns = np.mgrid[0:480, 0:640]
    waves = 127 + 60 * np.sin(rows / 40) + 60 * np.cos(columns / 30)
    photo = np.dstack([waves, waves[::-1], waves[:, ::-1]]).astype(np.uint8)
    engine = li.Engine.from_pixels(photo)
    engine.to_file(top / "photo.jpg", quality=90, durable=False)
    engine.resize(500).to_file(top / "photos" / "beach.jpg", quality=95, durable=False)
    small = engine.resize(320)
    small.to_file(top / "photos" / "2024" / "dune.JPG", quality=98, durable=False)
    small.flip_h().to_file(top / "photos" / "2024" / "port.png", compression=0, durable=False)
    logo = np.zeros((48, 64, 4), np.uint8)
    logo[8:40, 8:56] = (200, 40, 40, 180)
    li.Engine.from_pixels(logo).to_file(top / "logo.png", durable=False)
    return top


@pytest.fixture
def shell(pictures: Path, tmp_path: Path):
    """A function that runs a line in a copy of the pictures: (status, what it prints)."""
    here = tmp_path / "here"
    shutil.copytree(pictures, here)
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin" / "lazyimage"
    words = " ".join(f"'{word}'" for word in program())
    wrapper.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    wrapper.chmod(0o755)
    path = f"{wrapper.parent}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}"
    environment = {**os.environ, "PATH": path + os.environ.get("PATH", "")}

    def run(line: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", line],
            cwd=here,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout.decode(errors="surrogateescape")

    return run


def skip_without_codecs(text: str) -> None:
    built = li.supported_output_formats()
    needs_webp = "webp" in text or "responsive" in text or "placeholder" in text
    if needs_webp and "webp" not in built:
        pytest.skip("this build has no WebP")
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")


@pytest.mark.parametrize("text", list(blocks("sh")))
def test_a_command_of_the_pages_works(text: str, shell) -> None:
    skip_without_codecs(text)
    status, printed = shell(text)
    assert status == 0, printed
    assert "failed" not in printed and "Traceback" not in printed, printed


@pytest.mark.parametrize("text", list(blocks("console")))
def test_a_command_of_the_pages_prints_what_they_show(text: str, shell) -> None:
    skip_without_codecs(text)
    shown = ""
    for line in re.findall(r"^\$ (.*)$", text, re.MULTILINE):
        _, printed = shell(line)
        shown += f"$ {line}\n{printed}"
    if "..." in text:
        pattern = re.escape(text).replace(re.escape("..."), ".*")
        assert re.fullmatch(pattern, shown), shown
    else:
        assert shown == text


@pytest.mark.parametrize("text", list(blocks("python")))
def test_python_of_the_pages_runs(text: str, pictures: Path, tmp_path: Path, monkeypatch) -> None:
    shutil.copytree(pictures, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    exec(compile(text, "the page", "exec"), {})


def test_the_pages_show_commands() -> None:
    found = [block.values[0] for kind in ("sh", "console") for block in blocks(kind)]
    for verb in cli.VERBS:
        assert any(f"lazyimage {verb} " in f"{text} ".replace("\n", " ") for text in found), verb


def options_of(verb: str) -> set[str]:
    """The long options of a verb."""
    (verbs,) = (
        action
        for action in cli.build_parser(verb)._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    parser = verbs.choices[verb]
    assert parser.description and parser.format_help()
    strings = (string for action in parser._actions for string in action.option_strings)
    return {string for string in strings if string.startswith("--")} - {"--help"}


def test_the_page_has_every_option_and_no_other() -> None:
    text = (oracle.REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - {"--help"}
    there = set().union(*(options_of(verb) for verb in cli.VERBS))
    assert there - named == set()
    assert named - there == set()


def test_the_page_has_every_verb() -> None:
    text = (oracle.REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| \[`(\w+)", text, re.MULTILINE)
    assert sorted(table) == sorted(cli.VERBS)


@pytest.mark.parametrize("verb", cli.VERBS)
def test_help_fits_a_terminal_and_says_what_the_verb_does(verb: str, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = subprocess.run([*program(), verb, "--help"], capture_output=True, check=True)
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith(f"usage: lazyimage {verb} ")
    assert max(map(len, lines)) <= 100
    assert done.stderr == b""
