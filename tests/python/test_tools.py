"""The checks of the house refuse what they are there to refuse: each rule is broken once in a
small tree, and the same tree without the fault passes."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ROOT / "tools"


def write(root: Path, name: str, text: str) -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def run(tool: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOLS / tool, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One header a layer, all of them in order."""
    places = ("base", "image", "ops", "codecs", "color", "meta", "engine", "python")
    for place in (*places, "codecs/jpeg", "codecs/png"):
        name = "codec" if place == "codecs" else Path(place).name
        write(tmp_path, f"csrc/{place}/{name}.h", f"/* {name}.h: of {place}. */\n")
    return tmp_path


def plant(tree: Path, name: str, body: str) -> subprocess.CompletedProcess[str]:
    write(tree, f"csrc/{name}", f"/* {Path(name).name}: planted. */\n{body}\n")
    return run("check_layers.py", tree)


# --- layers ----------------------------------------------------------------------------

ALLOWED = [
    ("image/x.c", '#include "base/base.h"'),
    ("ops/x.c", '#include "image/image.h"'),
    ("codecs/jpeg/x.c", '#include "codecs/jpeg/jpeg.h"\n#include "codecs/codec.h"'),
    ("codecs/jpeg/y.c", '#include "color/color.h"\n#include "meta/meta.h"'),
    ("codecs/codec.c", '#include "codecs/jpeg/jpeg.h"'),
    ("codecs/png/x.c", "#include <setjmp.h>"),
    ("engine/x.c", '#include "codecs/codec.h"\n#include "ops/ops.h"'),
    ("python/x.c", "#include <Python.h>"),
    (
        "base/x.c",
        "#include <stdlib.h>\n#ifdef __linux__\n#endif\nvoid *p(void)\n{ return malloc(1); }",
    ),
    ("image/y.c", 'const char *s = "malloc(1)"; /* free(it) by printf(…) */ // exit(1)'),
    ("image/z.c", "void f(void)\n{\n    li_free(p);\n    pool->free(p);\n    pool.malloc(p);\n}"),
    ("image/simd.c", "#ifdef __AVX2__\n#endif"),
]

REFUSED = [
    ("base/x.c", '#include "image/image.h"', "image is above base"),
    ("image/x.c", '#include "ops/ops.h"', "ops is above image"),
    ("ops/x.c", '#include "engine/engine.h"', "engine is above ops"),
    ("engine/x.c", '#include "python/python.h"', "python is above engine"),
    ("ops/x.c", '#include "codecs/codec.h"', "siblings"),
    ("ops/x.c", '#include "meta/meta.h"', "siblings"),
    ("color/x.c", '#include "codecs/codec.h"', "siblings"),
    ("meta/x.c", '#include "color/color.h"', "siblings"),
    ("codecs/x.c", '#include "ops/ops.h"', "siblings"),
    ("codecs/png/x.c", '#include "codecs/jpeg/jpeg.h"', "knows its own folder"),
    ("engine/x.c", "#include <Python.h>", "only csrc/python"),
    ("codecs/jpeg/x.c", " #  include <Python.h>", "only csrc/python"),
    ("base/x.c", '#include "base.h"', "layer/file.h"),
    ("base/x.c", '#include "base/../base/base.h"', "layer/file.h"),
    ("image/x.c", "#include <base/base.h>", "in quotes"),
    ("image/x.c", '#include "base/absent.h"', "no such file"),
    ("base/x.c", "#include <setjmp.h>", "setjmp"),
    ("engine/x.c", "#include <setjmp.h>", "setjmp"),
    ("image/x.c", "#ifdef _WIN32\n#endif", "_WIN32 outside base/"),
    ("ops/x.c", "#if defined(__linux__)\n#endif", "__linux__ outside base/"),
    ("ops/x.c", "#if 0\n#elif __APPLE__\n#endif", "__APPLE__ outside base/"),
    ("ops/x.c", "void *p(void)\n{ return malloc(1); }", "malloc() outside base/"),
    ("codecs/png/x.c", "void p(void *q)\n{ free (q); }", "free() outside base/"),
    ("engine/x.c", "void *p(void)\n{ return calloc(1, 1); }", "calloc() outside base/"),
    ("engine/x.c", "void *p(void *q)\n{ return realloc(q, 2); }", "realloc() outside base/"),
    ("base/x.c", 'void p(void)\n{ fprintf(stderr, "x"); }', "prints nothing"),
    ("stray/x.c", "", "not in a layer"),
]


def test_a_tree_in_order_passes(tree: Path) -> None:
    found = run("check_layers.py", tree)
    assert (found.returncode, found.stdout) == (0, "check_layers: ok (10 files)\n")


@pytest.mark.parametrize(("name", "body"), ALLOWED)
def test_what_the_design_allows_passes(tree: Path, name: str, body: str) -> None:
    found = plant(tree, name, body)
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize(("name", "body", "why"), REFUSED)
def test_a_planted_violation_is_refused(tree: Path, name: str, body: str, why: str) -> None:
    found = plant(tree, name, body)
    assert found.returncode == 1
    assert len(found.stderr.splitlines()) == 1
    assert f"csrc/{name}" in found.stderr
    assert why in found.stderr


@pytest.mark.parametrize("first", ["", "#include <stdio.h>\n", "/* other.h: not me. */\n"])
def test_a_file_without_its_opening_line_is_refused(tree: Path, first: str) -> None:
    write(tree, "csrc/base/x.h", f"{first}\nint x;\n")
    found = run("check_layers.py", tree)
    assert found.returncode == 1
    assert "csrc/base/x.h:1: a file opens with" in found.stderr


def test_small_layers_of_6301_lines_are_refused(tree: Path) -> None:
    plant(tree, "engine/x.c", "\n" * (6300 - 3 - 2))  # three headers, this file's two lines
    assert run("check_layers.py", tree).returncode == 0
    found = plant(tree, "engine/x.c", "\n" * (6300 - 3 - 1))
    assert found.returncode == 1
    assert "base + image + engine have 6301 lines" in found.stderr


def test_an_empty_tree_is_no_success(tmp_path: Path) -> None:
    for tool in ("check_layers.py", "check_size.py", "check_globals.py"):
        assert run(tool, tmp_path).returncode == 1, tool


# --- sizes -----------------------------------------------------------------------------


def c_function(lines: int, name: str = "li_long") -> str:
    """A function of so many lines: type, name, two braces, the rest."""
    return "\n".join(["int", f"{name}(void)", "{", *["    x();"] * (lines - 4), "}", ""])


def test_a_c_function_of_51_lines_is_refused_and_of_50_passes(tmp_path: Path) -> None:
    file = "csrc/base/x.c"
    before = "const int table[] = {\n    1,\n};\n" * 30
    write(tmp_path, file, before + c_function(50) + "\n" + c_function(50, "li_other"))
    assert run("check_size.py", tmp_path).returncode == 0
    write(tmp_path, file, before + c_function(50) + "\n" + c_function(51, "li_other"))
    found = run("check_size.py", tmp_path)
    assert found.returncode == 1
    assert "csrc/base/x.c:142: li_other has 51 lines" in found.stderr


def test_a_test_macro_counts_as_the_function_it_opens(tmp_path: Path) -> None:
    body = "\n".join(["TEST(its_claim)", "{", *["    x();"] * 48, "}", ""])
    write(tmp_path, "tests/c/base/test_x.c", body)
    found = run("check_size.py", tmp_path)
    assert found.returncode == 1
    assert "test_x.c:1: its_claim has 51 lines" in found.stderr


def test_a_python_function_of_51_lines_is_refused_and_its_docstring_is_free(
    tmp_path: Path,
) -> None:
    lines = ["    x = 1"] * 49
    doc = ['    """Says much.', *["    more"] * 40, '    """']
    write(tmp_path, "src/x.py", "\n".join(["def f():", *doc, *lines, ""]))
    assert run("check_size.py", tmp_path).returncode == 0
    write(
        tmp_path, "src/x.py", "\n".join(["class C:", "  async def f():", *lines, "    y = 2", ""])
    )
    found = run("check_size.py", tmp_path)
    assert found.returncode == 1
    assert "src/x.py:2: f has 51 lines" in found.stderr


@pytest.mark.parametrize(
    "name", ["csrc/base/x.c", "csrc/base/x.h", "src/x.py", "tests/python/x.py"]
)
def test_a_file_of_501_lines_is_refused_and_of_500_passes(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, "\n" * 500)
    assert run("check_size.py", tmp_path).returncode == 0
    write(tmp_path, name, "\n" * 501)
    found = run("check_size.py", tmp_path)
    assert found.returncode == 1
    assert f"{name}: 501 lines" in found.stderr


# --- globals ---------------------------------------------------------------------------

needs_gcc = pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("nm")), reason="no gcc")


def check_object(root: Path, name: str, text: str) -> subprocess.CompletedProcess[str]:
    source = write(root, "x.c", text)
    target = root / "objects" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    # Without LD_PRELOAD: under a sanitized run the compiler itself is not the patient.
    clean = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    subprocess.run(["gcc", "-std=c11", "-fPIC", "-c", source, "-o", target], check=True, env=clean)
    return run("check_globals.py", root / "objects")


@needs_gcc
@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("int counter = 1;", "counter"),
        ("int counter;", "counter"),
        ("static int counter; int next(void) { return ++counter; }", "counter"),
        ("int next(void) { static int counter; return ++counter; }", "counter"),
        ("int next(void) { static int counter = 5; return ++counter; }", "counter"),
        ("_Thread_local int counter;", "counter"),
        ("static _Thread_local int counter = 3; int *p(void) { return &counter; }", "counter"),
        ("const char *name = 0;", "name"),
        ('const char *names[] = {"a", "b"};', "names"),
        ("int counter __attribute__((common));", "counter"),
        ("int guard_slots[4];", "guard_slots"),
    ],
)
def test_a_mutable_global_is_refused(tmp_path: Path, text: str, symbol: str) -> None:
    found = check_object(tmp_path, "csrc/image/x.o", text)
    assert found.returncode == 1
    assert f"{symbol}" in found.stderr
    assert "is mutable" in found.stderr


@needs_gcc
def test_const_data_passes_with_and_without_pointers(tmp_path: Path) -> None:
    text = """
    static int one(void) { return 1; }
    const int table[] = {1, 2, 3};
    const char *const names[] = {"a", "b"};
    const struct { const char *name; int (*call)(void); } ops = {"one", one};
    """
    found = check_object(tmp_path, "csrc/image/x.o", text)
    assert (found.returncode, found.stderr) == (0, "")


@needs_gcc
def test_the_guards_slots_may_change_in_the_guard_alone(tmp_path: Path) -> None:
    found = check_object(tmp_path, "csrc/base/guard.o", "int guard_slots[4];")
    assert (found.returncode, found.stderr) == (0, "")
    assert check_object(tmp_path, "csrc/base/guard.o", "int others[4];").returncode == 1


@needs_gcc
def test_cpythons_tables_pass_in_the_python_layer_alone(tmp_path: Path) -> None:
    text = "struct row { int x; } module_methods[] = {{1}}, source_slots[] = {{2}};"
    assert check_object(tmp_path, "csrc/python/x.o", text).returncode == 0
    assert check_object(tmp_path, "csrc/python/x.o", "int cache = 1;").returncode == 1
    (tmp_path / "objects/csrc/python/x.o").unlink()
    assert check_object(tmp_path, "csrc/engine/x.o", text).returncode == 1


@pytest.mark.skipif(not shutil.which("nm"), reason="no nm")
@pytest.mark.parametrize("name", ["_core", "_avif"])
def test_the_extension_exports_its_entry_alone(name: str) -> None:
    module = importlib.util.find_spec(f"lazyimage.{name}")
    if module is None and name == "_avif":
        pytest.skip("built without libavif")
    assert module is not None
    assert module.origin is not None
    command = ["nm", "-D", "--defined-only", "--format=posix", module.origin]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = {line.split()[0] for line in lines.splitlines()}
    # __odr_asan and the like are the sanitizer's, in an instrumented build.
    assert {name for name in names if not name.startswith("__")} == {f"PyInit_{name}"}


# --- leaks and totals --------------------------------------------------------------------


def load(name: str):
    """The tool as a module."""
    sys.path.insert(0, str(TOOLS))
    try:
        return __import__(name)
    finally:
        sys.path.remove(str(TOOLS))


LEAK = """
==7==ERROR: LeakSanitizer: detected memory leaks

Direct leak of 10 byte(s) in 1 object(s) allocated from:
    #0 0x7f in __interceptor_calloc ../asan_malloc_linux.cpp:77
    #1 0x7e in {first}
    #2 0x7d in PyObject_Call (/usr/bin/python3.11+0x12)
    #3 0x7c in py_run csrc/python/run.c:10 (/lib/_core.cpython-311.so+0x99)

SUMMARY: AddressSanitizer: 10 byte(s) leaked in 1 allocation(s).
"""


@pytest.mark.parametrize(
    ("first", "count"),
    [
        ("li_alloc csrc/base/base.c:9 (/x/_core.cpython-311-x86_64-linux-gnu.so+0x5)", 1),
        ("_PyMem_RawMalloc (/usr/bin/python3.11+0x5)", 0),
    ],
)
def test_a_leak_is_ours_if_our_code_asked_for_the_block(
    tmp_path: Path, first: str, count: int
) -> None:
    write(tmp_path, "report.7", LEAK.replace("{first}", first))
    assert len(load("run_sanitized").judge(tmp_path)) == count


def test_a_memory_error_is_a_report_whoever_made_it(tmp_path: Path) -> None:
    write(tmp_path, "report.7", "==7==ERROR: AddressSanitizer: heap-use-after-free on address\n")
    write(tmp_path, "report.8", "csrc/x.c:1:2: runtime error: signed integer overflow\n")
    assert len(load("run_sanitized").judge(tmp_path)) == 2


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo '3 passed, 0 failed'", (3, 0, 0)),
        ("echo '3 passed, 2 failed'; exit 1", (3, 2, 0)),
        ("echo '3 passed, 0 failed'; kill -KILL $$", (3, 1, 0)),
        ("echo '0 passed, 0 failed'", (0, 1, 0)),
        ("echo '0 passed: no malloc of its own'", (0, 0, 1)),
        ("echo '0 passed: no malloc of its own'; exit 1", (0, 1, 0)),
        ("true", (0, 1, 0)),
        ("sleep 5", (0, 1, 0)),
    ],
)
def test_a_c_program_that_dies_hangs_or_says_nothing_has_failed(
    tmp_path: Path, script: str, expected: tuple[int, int, int]
) -> None:
    program = write(tmp_path, "test_x", f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert tuple(load("run_tests").run_program(program, "x", 1.0)) == expected
