#!/bin/bash
# One image for any platform: what it costs, and that it is at home on PCs.  tests/system/t_xen.sh has it on Xen.
. tests/system/lib.sh
page=packages/nginx/root/var/www/html/index.html

bytes() { stat -c %s "$1"; }
for program in hello nginx; do
	folder=build/packages/$program
	root=$([ -d $folder/root ] && echo --root $folder/root)
	kiln bake --platform any $root -o "$work/$program.img" $folder/$program > "$work/bake" 2>&1 ||
		{ cat "$work/bake"; fail "$program does not bake"; exit 1; }
	more=$(($(bytes "$work/$program.img") - $(bytes $folder/$program.img)))
	[ $more -le 40960 ] && ok "$program: $more bytes more than for hw alone" || fail "$program: $more bytes more than for hw alone"
done

for machine in pc microvm; do
	run_guest "$work/hello.log" --machine $machine "$work/hello.img"
	[ $status = 0 ] && grep -q "^Hello" "$work/hello.log" && ok "hello on $machine" || fail "hello on $machine: status $status"
	port=$(free_port)
	kiln run -p "$port:80" --machine $machine --cpus 2 -m 32M "$work/nginx.img" > "$work/nginx.log" 2>&1 < /dev/null &
	pid=$!
	wait_http "$port" && curl -s -m 5 -o "$work/page" "http://127.0.0.1:$port/" && cmp -s "$work/page" $page &&
		ok "nginx on $machine" || { tail "$work/nginx.log"; fail "nginx on $machine: no page"; }
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	[ $status = 0 ] && ok "nginx on $machine ends" || { tail "$work/nginx.log"; fail "nginx on $machine ends with $status"; }
done
exit $failed
