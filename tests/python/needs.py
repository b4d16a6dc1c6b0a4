"""What a test needs and set-up installs: absent, it is skipped; absent where CI=true, it fails."""

import importlib
import os
import shutil
from types import ModuleType

import pytest


def under_ci() -> bool:
    return os.environ.get("CI") == "true"


def need(there: object, what: str) -> None:
    """Go on only if it is there."""
    if there:
        return
    if under_ci():
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def need_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        need(False, f"tools/setup.sh installs {name}: {error}")
        raise


def need_libvips() -> ModuleType:
    pyvips = need_module("pyvips")
    os.unsetenv("VIPSHOME")  # it is set at import, and nothing of ours may change
    return pyvips


def undeclared(absent: set[str]) -> set[str]:
    """Codecs that a build leaves out without having been told: LAZYIMAGE_WEBP=off, …"""
    return {name for name in absent if os.environ.get(f"LAZYIMAGE_{name.upper()}") != "off"}


def need_program(name: str, package: str) -> str:
    found = shutil.which(name)
    need(found, f"tools/setup.sh installs {name} ({package})")
    return str(found)
