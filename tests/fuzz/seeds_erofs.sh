#!/bin/bash
# Makes the seeds of f_erofs anew, small images of all kinds: seeds_erofs.sh [FOLDER]
set -eu
cd "$(dirname "$0")/../.."
out=${1:-tests/fuzz/corpus/f_erofs}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$out"
mk() { mkfs.erofs --quiet -T1 -U 00000000-0000-0000-0000-000000000001 --all-root "$@" > /dev/null; }

mkdir -p "$tmp/a/dir/deeper"
echo "inline tail" > "$tmp/a/small"
ln "$tmp/a/small" "$tmp/a/dir/hard"
ln -s ../small "$tmp/a/dir/link"
: > "$tmp/a/empty"
mkfifo "$tmp/a/fifo"
mk "$out/small" "$tmp/a"
mk -Eforce-inode-extended "$out/extended" "$tmp/a"
mk -Enoinline_data "$out/plain" "$tmp/a"

seq 1500 > "$tmp/a/blocks"
for i in $(seq 60); do ln "$tmp/a/empty" "$tmp/a/dir/a-rather-long-name-so-that-the-directory-fills-more-than-a-block-$i"; done
mk "$out/blocks" "$tmp/a"
# What is not known here: compressed, in chunks.
head -c 20000 /dev/zero > "$tmp/a/blocks"
rm "$tmp"/a/dir/a-rather*
mk -zlz4 "$out/compressed" "$tmp/a"
mk --chunksize=4096 "$out/chunks" "$tmp/a"
ls -l "$out"
