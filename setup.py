#!/usr/bin/env python3
"""Build lazyimage._core and _avif from csrc/. Names and metadata are in pyproject.toml.

Libraries are found by pkg-config alone. What the environment can say:

    LAZYIMAGE_WEBP, LAZYIMAGE_AVIF, LAZYIMAGE_LCMS2, LAZYIMAGE_DEFLATE,
    LAZYIMAGE_ISAL = auto | on | off
    LAZYIMAGE_CFLAGS    flags behind all others
    SANITIZE            address,undefined and the like: an instrumented extension

A C file is compiled again when it, a header that it includes or a flag has changed.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sysconfig
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


class Library(NamedTuple):
    """One library as pkg-config knows it, and what systems call its package."""

    modules: tuple[str, ...]
    apt: str
    dnf: str
    brew: str
    switch: str | None = None  # LAZYIMAGE_<switch>; None: required
    linked: bool = True  # False: looked for and told, used by no source yet
    extension: str = "_core"  # whose alone it is; one of its own is loaded on first use


LIBRARIES = {
    "JPEG": Library(("libjpeg",), "libjpeg-dev", "libjpeg-turbo-devel", "jpeg-turbo"),
    "PNG": Library(("libpng", "zlib"), "libpng-dev", "libpng-devel", "libpng"),
    "ISAL": Library(("libisal",), "libisal-dev", "isa-l-devel", "isa-l", "ISAL"),
    "WEBP": Library(("libwebp",), "libwebp-dev", "libwebp-devel", "webp", "WEBP"),
    "AVIF": Library(
        ("libavif",),
        *("libavif-dev", "libavif-devel", "libavif", "AVIF"),
        extension="_avif",
    ),
    "LCMS2": Library(("lcms2",), "liblcms2-dev", "lcms2-devel", "little-cms2", "LCMS2"),
    "DEFLATE": Library(
        ("libdeflate",),
        *("libdeflate-dev", "libdeflate-devel", "libdeflate", "DEFLATE"),
    ),
}


def ask_pkg_config(*arguments: str) -> str | None:
    """The answer, or None if the module is not there."""
    program = os.environ.get("PKG_CONFIG", "pkg-config")
    if not shutil.which(program):
        return None
    answer = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else None


def wanted(library: Library) -> str:
    """auto, on or off."""
    if library.switch is None:
        return "on"
    value = os.environ.get(f"LAZYIMAGE_{library.switch}", "auto").lower()
    if value not in ("auto", "on", "off"):
        raise SystemExit(f"LAZYIMAGE_{library.switch} is {value!r}: say auto, on or off")
    return value


def refuse(missing: list[Library]) -> None:
    """Leave with the packages to install, for those who do not know them by heart."""
    names = ", ".join(module for library in missing for module in library.modules)
    off = [f"LAZYIMAGE_{library.switch}=off" for library in missing if library.switch]
    lines = [
        f"lazyimage: pkg-config does not find {names}. Install",
        "    apt-get install pkg-config " + " ".join(library.apt for library in missing),
        "    dnf install pkgconf-pkg-config " + " ".join(library.dnf for library in missing),
        "    brew install pkgconf " + " ".join(library.brew for library in missing),
    ]
    if off:
        lines.append(f"or build without: {' '.join(off)}")
    raise SystemExit("\n".join(lines))


def find_libraries() -> dict[str, str]:
    """Name → version of each library that this build may use; prints the table."""
    found: dict[str, str] = {}
    missing: list[Library] = []
    rows: list[tuple[str, str, str]] = []
    for name, library in LIBRARIES.items():
        want = wanted(library)
        version = None if want == "off" else ask_pkg_config("--modversion", *library.modules)
        if version is not None:
            found[name] = version.split()[0]
        elif want == "on":
            missing.append(library)
        use = "linked" if library.linked else "found; no source uses it yet"
        reason = "switched off" if want == "off" else "not found"
        rows.append((library.modules[0], found.get(name, "-"), use if version else reason))
    if missing:
        refuse(missing)
    print(f"lazyimage {VERSION}: what this build has", flush=True)
    for row in rows:
        print("  {:<12}{:<10}{}".format(*row), flush=True)
    return found


class Build(build_ext):
    """build_ext that finds its libraries and compiles only what changed."""

    def finalize_options(self) -> None:
        super().finalize_options()
        # Editable installs would put objects where the next build cannot find them.
        abi = sysconfig.get_config_var("SOABI") or sysconfig.get_platform()
        kind = "sanitized" if os.environ.get("SANITIZE") else "plain"
        kind += "".join(
            f"-no-{n.lower()}" for n, each in LIBRARIES.items() if wanted(each) == "off"
        )
        self.objects = Path("build", "objects", f"{abi}-{kind}")

    def run(self) -> None:
        """An extension whose library is not there is left out, and an earlier one removed."""
        self.found = find_libraries()
        for name, library in LIBRARIES.items():
            if library.extension != "_core" and name not in self.found:
                full = f"lazyimage.{library.extension}"
                self.extensions = [ext for ext in self.extensions if ext.name != full]
                if self.inplace:
                    Path(self.get_ext_fullpath(full)).unlink(missing_ok=True)
        super().run()

    def build_extension(self, ext: Extension) -> None:
        self.configure(ext)
        self.build_temp = str(self.objects / ext.name.rpartition(".")[2])
        usual = self.compiler.compile, self.compiler._compile
        if self.compiler.compiler_type == "unix":
            self.reuse_objects(ext)
            self.compile_beside()
        super().build_extension(ext)
        self.compiler.compile, self.compiler._compile = usual

    def configure(self, ext: Extension) -> None:
        ext.define_macros.append(("LI_VERSION", f'"{VERSION}"'))
        own = {name: LIBRARIES[name] for name in self.found if self.belongs(name, ext)}
        ext.define_macros += [(f"LI_HAVE_{name}", "1") for name in own]
        ext.define_macros += [(f"LI_{name}_VERSION", f'"{self.found[name]}"') for name in own]
        absent = [name.lower() for name in LIBRARIES if name not in self.found]
        folders = tuple(f"csrc/codecs/{name}/" for name in absent)
        ext.sources = [source for source in ext.sources if not source.startswith(folders)]
        for library in own.values():
            if library.linked:
                modules = library.modules
                ext.extra_compile_args += shlex.split(ask_pkg_config("--cflags", *modules) or "")
                ext.extra_link_args += shlex.split(ask_pkg_config("--libs", *modules) or "")
        if self.compiler.compiler_type == "unix":
            ext.extra_compile_args += unix_flags()
            ext.extra_link_args += sanitizer_flags()
        ext.extra_compile_args += shlex.split(os.environ.get("LAZYIMAGE_CFLAGS", ""))

    def belongs(self, name: str, ext: Extension) -> bool:
        return ext.name == f"lazyimage.{LIBRARIES[name].extension}"

    def reuse_objects(self, ext: Extension) -> None:
        """Wrap the compiler's one-file step; the linker always runs when a file did."""
        said = [self.compiler.compiler_so, ext.define_macros, ext.extra_compile_args]
        state = hashlib.sha256(repr([said, ext.extra_link_args]).encode()).hexdigest()
        stamp = Path(self.build_temp, "flags")
        if not stamp.is_file() or stamp.read_text() != state:
            shutil.rmtree(self.build_temp, ignore_errors=True)
            stamp.parent.mkdir(parents=True)
            stamp.write_text(state)
            self.force = True
        compile_one = self.compiler._compile

        def compile_changed(
            obj: str, src: str, suffix: str, cc_args: Any, extra: list[str], pp_opts: Any
        ) -> None:
            if stale(Path(obj)):
                written = str(Path(obj).with_suffix(".d"))
                flags = [*extra, "-MMD", "-MF", written]
                compile_one(obj, src, suffix, cc_args, flags, pp_opts)

        self.compiler._compile = compile_changed

    def compile_beside(self) -> None:
        """Wrap the compiler's step for all files: as many at once as there are CPUs."""
        compile_all, compile_one = self.compiler.compile, self.compiler._compile

        def compile_at_once(*args: Any, **options: Any) -> Any:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                begun = []
                self.compiler._compile = lambda *step: begun.append(pool.submit(compile_one, *step))
                objects = compile_all(*args, **options)
                for each in begun:
                    each.result()
            return objects

        self.compiler.compile = compile_at_once


def stale(obj: Path) -> bool:
    """Whether a file that the object was made of is newer, gone or not known."""
    try:
        made = obj.stat().st_mtime_ns
        _, _, names = obj.with_suffix(".d").read_text().partition(":")
        inputs = names.replace("\\\n", " ").split()
        return any(Path(name).stat().st_mtime_ns > made for name in inputs)
    except OSError:
        return True


def sanitizer_flags() -> list[str]:
    kinds = os.environ.get("SANITIZE")
    return [f"-fsanitize={kinds}"] if kinds else []


def unix_flags() -> list[str]:
    """-ffp-contract=off: the same bytes on every machine (docs of the kernels)."""
    flags = "-std=c11 -O3 -g0 -ffp-contract=off -fvisibility=hidden -Wall -Wextra"
    if os.environ.get("SANITIZE"):
        flags += " -O1 -g -UNDEBUG -fno-omit-frame-pointer -fno-sanitize-recover=all"
    return [*flags.split(), *sanitizer_flags()]


# What _avif has of its own of the core: files without mutable state.
AVIF_SHARES = (
    *("csrc/base/base.c", "csrc/image/rows.c", "csrc/image/sink.c", "csrc/image/planes.c"),
    *("csrc/image/pixel.c", "csrc/kernels/scalar.c", "csrc/kernels/ycc.c", "csrc/meta/exif.c"),
    *("csrc/kernels/plain_pixels.c", "csrc/kernels/plain_resize.c", "csrc/kernels/plain_deep.c"),
    *("csrc/image/out.c", "csrc/base/file.c"),
)


def is_avif(path: str) -> bool:
    return path.startswith("csrc/codecs/avif/") or path == "csrc/python/avif_module.c"


def core_sources() -> list[str]:
    """Every C file but those of the extensions beside it."""
    files = sorted(path.relative_to(ROOT) for path in (ROOT / "csrc").rglob("*.c"))
    return [name for path in files if not is_avif(name := path.as_posix())]


def avif_sources() -> list[str]:
    files = sorted(path.relative_to(ROOT) for path in (ROOT / "csrc").rglob("*.c"))
    return [*AVIF_SHARES, *(name for path in files if is_avif(name := path.as_posix()))]


def depends() -> list[str]:
    headers = sorted(path.relative_to(ROOT) for path in (ROOT / "csrc").rglob("*.h"))
    return [*(path.as_posix() for path in headers), "setup.py", "pyproject.toml"]


def extension(name: str, sources: list[str]) -> Extension:
    return Extension(
        f"lazyimage.{name}",
        sources=sources,
        depends=depends(),
        include_dirs=["csrc"],
        define_macros=[("_GNU_SOURCE", "1")],
    )


os.chdir(ROOT)
setup(
    ext_modules=[extension("_core", core_sources()), extension("_avif", avif_sources())],
    cmdclass={"build_ext": Build},
)
