#!/bin/bash
# A root file system that is damaged: a clear message if it cannot be mounted, errors for the program
# where it is broken further in, and never a crash.
. tests/system/lib.sh
mkdir -p "$work/root/root/dir/deeper"
echo "a small file" > "$work/root/root/small"
seq 5000 > "$work/root/root/dir/blocks"
ln -s ../small "$work/root/root/dir/link"
mkfifo "$work/root/root/dir/fifo"
for i in $(seq 40); do echo "$i" > "$work/root/root/dir/deeper/one-of-many-files-whose-names-fill-more-than-one-block-of-the-directory-in-which-they-are-$i"; done
BAKE_OPTIONS="--root $work/root" bake_program walk
mv "$work/walk.img" "$work/hw.img"
BAKE_OPTIONS="--root $work/root --platform hosted" bake_program walk
mv "$work/walk.img" "$work/hosted.img"

# damage IMAGE: images with the superblock's fields changed, and .1 to .40 with some fields changed
# somewhere in inodes and directories.
damage() {
	python3 - "$1" << 'PY'
import os, random, sys
path = sys.argv[1]
good = open(path, "rb").read()
# Its superblock lies 1024 bytes from the root image's start; the code, before it, has the magic, too.
at = good.rfind(bytes.fromhex("e2e1f5e0"))
end = at - 1024 + 4096 * int.from_bytes(good[at + 36:at + 40], "little")
def write(name, changes):
    b = bytearray(good)
    for off, value in changes:
        b[off:off + len(value)] = value
    open(path + "." + name, "wb").write(b)
    os.chmod(path + "." + name, 0o755)
write("magic", [(at, b"XXXX")])
write("blocksize", [(at + 12, b"\xff")])
write("features", [(at + 80, b"\0\0\0\x80")])
write("rootdir", [(at + 14, b"\xff\xff")])
fields = [o for o in range(at + 128, end, 2) if good[o:o + 2] != b"\0\0"]
for n in range(1, 41):
    r = random.Random(n)
    value = lambda: r.choice([b"\0\0", b"\xff\xff", r.randbytes(2), r.randbytes(1) + b"\0", good[(o := r.choice(fields)):o + 2]])
    write(str(n), [(r.choice(fields), value()) for _ in range(r.choice([1, 4, 30]))])
PY
}

# expect PLATFORM KIND MESSAGE: it does not start, and says why.
expect() {
	local log=$work/$1-$2.log
	run_guest "$log" --platform "$1" --status-file "$work/status" "$work/$1.img.$2"
	[ "$status" = 134 ] && [ "$(cat "$work/status")" = panic ] && grep -qaE "^kiln: the root image is $3" "$log" &&
	    ok "$1: $2 is wrong: the root image is $3" || { cat "$log"; fail "$1: $2: status $status, not told that the root image is $3"; }
}

for platform in hw hosted; do
	run_guest "$work/$platform.log" --platform $platform "$work/$platform.img"
	[ "$status" = 0 ] && grep -qa '^ok walked 52 entries, 0 errors' "$work/$platform.log" && ok "$platform: the good image" ||
	    { cat "$work/$platform.log"; fail "$platform: the good image: status $status"; }
	damage "$work/$platform.img"
	expect $platform magic "not an EROFS image"
	expect $platform blocksize damaged
	expect $platform features "an EROFS with features not known here"
	expect $platform rootdir damaged
	images=40 errors=0
	[ $platform = hw ] && images=12
	for n in $(seq $images); do
		log=$work/$platform-$n.log
		run_guest "$log" --platform $platform --status-file "$work/status" "$work/$platform.img.$n"
		# Either the program ran, or the root directory itself was hit.
		if grep -qa '^FAIL' "$log" || { [ "$(cat "$work/status")" != "exit 0" ] && ! grep -qa '^kiln: the root image is damaged' "$log"; }; then
			cat "$log"
			fail "$platform: damage $n: status $status, $(cat "$work/status")"
		fi
		grep -qaE ' 0 errors' "$log" || errors=$((errors + 1))
	done
	[ $errors -gt $((images / 4)) ] && ok "$platform: $errors of $images damaged images give errors, none more than that" ||
	    fail "$platform: only $errors of $images damaged images give errors"
done
exit $failed
