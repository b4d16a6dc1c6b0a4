#!/bin/sh
# fuzz.sh: run one fuzzer that `make fuzz` has built.
#
#     tools/fuzz.sh TARGET SECONDS
#
# Seeds are the small files of the target's formats in tests/data, tests/crashers and, if it
# is set, of LAZYIMAGE_CORPUS, each with the bytes behind it that choose a hint or a job. What
# it finds is kept in build/fuzz/TARGET, crashes in build/fuzz.
set -eu
cd "$(dirname "$0")/.."
target=$1 seconds=$2
seeds=build/fuzz/seeds-$target
case $target in
*jpeg | jpeg_*) formats=jpeg ;;
*webp) formats=webp ;;
*avif) formats=avif ;;
pipeline | probe | icc) formats="jpeg png webp avif" ;;
exif | roundtrip | stream | window) formats=no ;; # an input is no file
*) formats=png ;;
esac
case $target in
decode_*) tail=8 ;;
pipeline) tail=16 ;;
*) tail=0 ;;
esac

# Of which format are these first bytes?
format_of() {
    case $(od -An -v -tx1 -N12 "$1" | tr -d ' ') in
    89504e47*) echo png ;;
    ffd8ff*) echo jpeg ;;
    52494646????????57454250) echo webp ;;
    ????????66747970*) echo avif ;;
    esac
}

rm -rf "$seeds"
mkdir -p "$seeds" "build/fuzz/$target"
find tests/data tests/crashers ${LAZYIMAGE_CORPUS:+"$LAZYIMAGE_CORPUS"} -type f -size -24 |
    while read -r file; do
        format=$(format_of "$file")
        case " $formats " in *" ${format:-none} "*) ;; *) continue ;; esac
        { cat "$file"; head -c $tail /dev/zero; } >"$seeds/$(cksum <"$file" | tr ' ' -)"
    done
# What ASan keeps of freed blocks counts as memory: less of it than it would.
export ASAN_OPTIONS="quarantine_size_mb=32:${ASAN_OPTIONS:-}"
exec nice "build/fuzz/c/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=5 \
    -rss_limit_mb=512 -max_len=16384 -print_final_stats=1 -artifact_prefix=build/fuzz/ \
    "build/fuzz/$target" "$seeds"
