#!/bin/sh
# fuzz.sh: run one fuzzer that `make fuzz` has built.
#
#     tools/fuzz.sh TARGET SECONDS
#
# Seeds are the small files of tests/data, tests/crashers and, if it is set, of
# LAZYIMAGE_CORPUS. What it finds is kept in build/fuzz/TARGET, crashes in build/fuzz.
set -eu
cd "$(dirname "$0")/.."
target=$1 seconds=$2
seeds=build/fuzz/seeds-$target
case $target in
png*) magic='\211PNG' ;;
*) magic='' ;;
esac
rm -rf "$seeds"
mkdir -p "$seeds" "build/fuzz/$target"
wanted=$(printf "$magic" | od -An -tx1)
find tests/data tests/crashers ${LAZYIMAGE_CORPUS:+"$LAZYIMAGE_CORPUS"} -type f -size -12 |
    while read -r file; do
        [ "$(od -An -tx1 -N4 "$file")" = "$wanted" ] || [ -z "$magic" ] || continue
        cp "$file" "$seeds/$(cksum <"$file" | tr ' ' -)"
    done
exec nice "build/fuzz/c/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 -artifact_prefix=build/fuzz/ \
    "build/fuzz/$target" "$seeds"
