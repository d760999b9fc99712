#!/bin/bash
# Standard input arrives whole, has an end, and output comes out as the program wrote it: any bytes.
. tests/system/lib.sh
head -c 50000 /dev/urandom > "$work/random"
printf 'abcdef\n0123\nEND!\n' > "$work/lines"
# What a serial line or its framing might eat: CR LF, DLE, DLE EOT, NUL, ^D, XOFF.
printf 'a\r\nb\r\r\n\020\020\020\004c\000d\004e\023f\021\377\n' > "$work/odd"

# copies NAME INPUT OPTIONS...: the guest's output is its input
copies() {
	local name=$1 input=$2 status=0
	shift 2
	timeout -k 5 60 kiln run --net none "$@" < "$input" > "$work/out" 2> "$work/err" || status=$?
	[ $status = 0 ] && cmp -s "$input" "$work/out" && ok "$name" || {
		head -c 300 "$work/err"
		fail "$name: status $status, $(stat -c %s "$work/out") bytes of $(stat -c %s "$input")"
	}
}

for platform in hw hosted; do
	BAKE_OPTIONS="--platform $platform"
	bake_program cat
	image=$work/cat.$platform
	mv "$work/cat.img" "$image"
	machines="-"
	[ $platform = hw ] && machines="microvm pc q35"
	for machine in $machines; do
		on="$platform"
		options=
		[ $machine = - ] || { on="$on $machine" options="--machine $machine --cpus 2"; }
		copies "$on: lines" "$work/lines" $options "$image"
		copies "$on: odd bytes" "$work/odd" $options "$image"
		copies "$on: 50,000 random bytes" "$work/random" $options "$image"
		copies "$on: nothing" /dev/null $options "$image"
		copies "$on: lines for a program that reads late" "$work/lines" $options "$image" -- 1
	done
	# A writer that takes its time.
	(printf 'one '; sleep 0.3; printf 'two '; sleep 0.3; echo three) |
	    timeout -k 5 60 kiln run "$image" > "$work/out" 2> "$work/err"
	[ "$(cat "$work/out")" = "one two three" ] && ok "$platform: a slow writer" || fail "$platform: a slow writer: $(cat "$work/out")"
	timeout -k 5 60 kiln run "$image" > "$work/out" 2> "$work/err" <&-
	status=$?
	[ $status = 0 ] && ok "$platform: no standard input at all" || fail "$platform: no standard input: status $status"
done
exit $failed
