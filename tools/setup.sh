#!/bin/sh
# setup.sh: make this machine able to build and test. Idempotent; says nothing when done.
#
#     tools/setup.sh             compiler, libraries, .venv, the extension built in place
#     tools/setup.sh --lint      and clang, clang-format, clang-tidy
#     tools/setup.sh --valgrind  and valgrind
#     tools/setup.sh --fuzz      and clang with libFuzzer
#     tools/setup.sh --judges    and butteraugli, for `make bench-jpeg`
#     tools/setup.sh --coverage  and what tells the lines that a program reached
#     tools/setup.sh --neon      and a compiler for arm64, and qemu to run what it makes
#     tools/setup.sh --pythons   and build/venv-<version> for every other interpreter, and the codecs' tools
#
# On Debian and Ubuntu missing packages are installed (as root or by sudo); elsewhere
# they are named. PYTHON=… chooses the interpreter of .venv.
set -eu
cd "$(dirname "$0")/.."
lint=no fuzz=no pythons=no valgrind=no neon=no coverage=no judges=no
for argument in "$@"; do
    case $argument in
    --lint) lint=yes ;;
    --fuzz) fuzz=yes ;;
    --pythons) pythons=yes ;;
    --valgrind) valgrind=yes ;;
    --coverage) fuzz=yes coverage=yes ;;
    --neon) neon=yes ;;
    --judges) judges=yes ;;
    *) sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
done
mkdir -p build
if command -v flock >/dev/null; then # two setups at once would write into one venv
    exec 9>build/.setup.lock
    flock 9
fi

# One line a thing that is missing: the packages of apt, dnf and brew.
missing() {
    command -v gcc >/dev/null || command -v clang >/dev/null || echo "gcc gcc gcc"
    command -v make >/dev/null || echo "make make make"
    libraries="libjpeg:libjpeg-dev:libjpeg-turbo-devel:jpeg-turbo
libpng:libpng-dev:libpng-devel:libpng zlib:zlib1g-dev:zlib-devel:zlib
libwebp:libwebp-dev:libwebp-devel:webp libavif:libavif-dev:libavif-devel:libavif
lcms2:liblcms2-dev:lcms2-devel:little-cms2 libdeflate:libdeflate-dev:libdeflate-devel:libdeflate
libisal:libisal-dev:isa-l-devel:isa-l"
    if ! command -v pkg-config >/dev/null; then
        echo "pkg-config pkgconf-pkg-config pkgconf"
        echo "$libraries" | tr ' ' '\n' | cut -d: -f2- | tr : ' '
    elif ! pkg-config --exists $(echo "$libraries" | tr ' ' '\n' | cut -d: -f1); then
        for library in $libraries; do
            pkg-config --exists "${library%%:*}" || echo "$library" | cut -d: -f2- | tr : ' '
        done
    fi
    if [ ! -x .venv/bin/python ] && [ -z "$(tools/interpreters.sh --first)" ]; then
        echo "python3 python3 python3"
        echo "python3-dev python3-devel -"
        echo "python3-venv - -"
    fi
    if [ $pythons = yes ]; then # the codecs' own tools: tests compare with them
        command -v djpeg >/dev/null || echo "libjpeg-turbo-progs libjpeg-turbo-utils jpeg-turbo"
        command -v dwebp >/dev/null || echo "webp libwebp-tools webp"
        command -v exiftool >/dev/null || echo "libimage-exiftool-perl perl-Image-ExifTool exiftool"
        command -v avifdec >/dev/null || echo "libavif-bin libavif-tools libavif"
        command -v transicc >/dev/null || echo "liblcms2-utils lcms2-utils little-cms2"
    fi
    if [ $valgrind = yes ] && ! command -v valgrind >/dev/null; then
        echo "valgrind valgrind valgrind"
    fi
    if [ $judges = yes ] && ! ldconfig -p | grep -q 'libjxl\.so\.0\.7'; then
        echo "libjxl0.7 - -"
    fi
    if [ $neon = yes ]; then
        command -v aarch64-linux-gnu-gcc >/dev/null && [ -d /usr/aarch64-linux-gnu/lib ] ||
            printf '%s\n' "gcc-aarch64-linux-gnu gcc-aarch64-linux-gnu -" "libc6-dev-arm64-cross - -"
        command -v qemu-aarch64 >/dev/null || echo "qemu-user qemu-user qemu"
    fi
    if [ $lint = yes ]; then
        for tool in clang clang-format clang-tidy; do
            command -v $tool-14 >/dev/null || echo "$tool-14 clang-tools-extra llvm"
        done
    fi
    if [ $coverage = yes ]; then
        command -v llvm-cov-14 >/dev/null || echo "llvm-14 llvm llvm"
    fi
    if [ $fuzz = yes ]; then
        command -v clang-14 >/dev/null || echo "clang-14 clang llvm"
        echo 'int LLVMFuzzerTestOneInput(void){return 0;}' |
            clang-14 -fsanitize=fuzzer -x c - -o /dev/null 2>/dev/null ||
            echo "libclang-rt-14-dev compiler-rt llvm"
    fi
}

# column N of what is missing, on one line
packages() {
    echo "$needed" | cut -d' ' -f"$1" | grep -v '^-$' | sort -u | tr '\n' ' '
}

install_packages() {
    needed=$(missing)
    [ -n "$needed" ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "Missing. Install, then run this again:" >&2
        echo "    dnf install $(packages 2)" >&2
        echo "    brew install $(packages 3)" >&2
        exit 1
    fi
    as_root=""
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "As root: apt-get install $(packages 1)" >&2; exit 1; }
        as_root=sudo
    fi
    $as_root apt-get update -q
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
        --no-install-recommends $(packages 1)
    needed=$(missing)
    [ -z "$needed" ] || { echo "Still missing: $(packages 1)" >&2; exit 1; }
}

# make_venv PYTHON DIRECTORY: a venv that has the package in place and what its tests need
make_venv() {
    stamp=$(cat pyproject.toml setup.py | cksum)
    if ! "$2/bin/python" -c '' 2>/dev/null; then
        rm -rf "$2"
        "$1" -m venv "$2"
    fi
    if [ "$(cat "$2/.installed" 2>/dev/null)" != "$stamp" ]; then
        # The build tools live in the venv: an isolated build would fetch them each time.
        "$2/bin/python" -m pip install -q --disable-pip-version-check 'setuptools>=77'
        "$2/bin/python" -m pip install -q --disable-pip-version-check \
            --no-build-isolation -e '.[test,cli]'
        echo "$stamp" >"$2/.installed"
        rm -f "$2/.extension"
    fi
    build_extension "$2"
}

# Built again when a C file, or a directory of C files, is newer than the last build.
build_extension() {
    extension=$(cat "$1/.extension" 2>/dev/null || true)
    if [ ! -f "$extension" ] ||
        [ -n "$(find csrc setup.py pyproject.toml -newer "$1/.extension" -print -quit)" ]; then
        touch "$1/.building"
        "$1/bin/python" -W ignore setup.py -q build_ext --inplace
        "$1/bin/python" -c 'import sysconfig
print("src/lazyimage/_core" + sysconfig.get_config_var("EXT_SUFFIX"))' >"$1/.extension"
        touch -r "$1/.building" "$1/.extension" # a file saved while it ran is newer
    fi
}

install_packages
first=$(readlink -f .venv/bin/python 2>/dev/null || true)
[ -x "$first" ] || first=${PYTHON:-$(tools/interpreters.sh --first)}
make_venv "$first" .venv
if [ $pythons = yes ]; then
    echo .venv >build/venvs.new
    ours=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_config_var("SOABI"))')
    tools/interpreters.sh | while read -r abi version program; do
        [ "$abi" != "$ours" ] || continue
        make_venv "$program" "build/venv-$version"
        echo "build/venv-$version" >>build/venvs.new
    done
    mv build/venvs.new build/venvs # what run_tests.py goes through
fi
