#!/bin/sh
# interpreters.sh: every Python from 3.11 up that this machine has and that can build us,
# one a kind: "abi version program" a line. With --first: only the program for .venv,
# which is python3 if it is new enough, else the newest.
set -eu
probe='import sys, sysconfig, pathlib, venv, ensurepip
header = pathlib.Path(sysconfig.get_path("include"), "Python.h")
if sys.version_info >= (3, 11) and header.is_file() and sys.implementation.name == "cpython":
    version = "%d.%d" % sys.version_info[:2] + sys.abiflags
    print(sysconfig.get_config_var("SOABI"), version, sys.executable)'

candidates() {
    command -v python3 || true
    IFS=:
    for directory in $PATH "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin; do
        for program in "$directory"/python3.[1-9][0-9] "$directory"/python3.[1-9][0-9]t; do
            [ ! -x "$program" ] || echo "$program"
        done
    done
}

# Only running one tells: a pyenv shim may stand for a version that is switched off.
found() {
    candidates | awk '!seen[$0]++' | while read -r program; do
        "$program" -I -c "$probe" 2>/dev/null || true
    done | awk '!seen[$1]++'
}

if [ "${1:-}" = --first ]; then
    default=$(command -v python3 || true)
    [ -z "$default" ] || line=$("$default" -I -c "$probe" 2>/dev/null || true)
    [ -n "${line:-}" ] || line=$(found | sort -t' ' -k2,2V | tail -n 1)
    echo "${line##* }"
else
    found
fi
