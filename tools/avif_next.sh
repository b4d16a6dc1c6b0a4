#!/bin/sh
# avif_next.sh: build and run the AVIF tests against the libavif of Debian's next release.
#
# Its packages are fetched by apt and unpacked below build/next, nothing is installed; the
# programs run with that release's own C library. Needs Debian, a mirror that has it, gcc.
set -eu
cd "$(dirname "$0")/.."
suite=${1:-trixie}
next=$PWD/build/next root=$PWD/build/next/root
mirror=$(sed -n 's/^URIs: \(.*\/debian\)\/*$/\1/p; s/^deb .*\(http[^ ]*\/debian\)\/* .*/\1/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -1)
mkdir -p "$next/lists/partial" "$next/cache/archives/partial" "$root"

apt() {
    command=$1
    shift
    "$command" -o Dir::Etc::sourcelist="$next/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$next/lists" -o Dir::Cache="$next/cache" \
        -o Dir::State::status="$next/status" -o APT::Sandbox::User=root -qq "$@"
}

unpack() {
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" \
        >"$next/sources.list"
    : >"$next/status" # nothing counts as installed: every dependency is fetched
    apt apt-get update
    apt apt-get install -y --no-install-recommends --download-only \
        libavif-dev libpng-dev libjpeg62-turbo-dev libwebp-dev libdeflate-dev libisal-dev zlib1g-dev
    for package in "$next"/cache/archives/*.deb; do
        dpkg -x "$package" "$root"
    done
    ln -sfn usr/lib "$root/lib"
    ln -sfn usr/lib64 "$root/lib64"
    touch "$root/.whole"
}

[ -f "$root/.whole" ] || unpack
libraries=$root/usr/lib/$(gcc -print-multiarch)
[ -d "$libraries" ] || { echo "no libraries below $root" >&2; exit 1; }
export PKG_CONFIG_SYSROOT_DIR="$root" PKG_CONFIG_LIBDIR="$libraries/pkgconfig:$root/usr/share/pkgconfig"
pkg-config --modversion libavif
out=build/next/c
make --no-print-directory OUT="$out" CC="gcc --sysroot=$root" \
    $(for test in tests/c/codecs/test_avif_*.c tests/c/codecs/samples.c; do echo "$out/${test%.c}"; done)
loader=$(find "$root/usr/" -name 'ld-linux*' | head -1)
failed=0
for test in "$out"/tests/c/codecs/test_avif_*; do
    [ -x "$test" ] && [ ! -d "$test" ] || continue
    case $test in *.o | *.d) continue ;; esac
    echo "$test"
    "$loader" --library-path "$libraries" "$test" || failed=1
done
exit $failed
