#!/bin/bash
# demo.sh: what `make demo` does after the build: boot nginx, fetch its page, print figures.
set -euo pipefail
cd "$(dirname "$0")/.."
image=build/packages/nginx/nginx.img
kiln=build/bin/kiln
log=build/demo.log

free_port() { # the first port from 8080 that nothing listens on
	local p=8080
	while (exec 3<> "/dev/tcp/127.0.0.1/$p") 2> /dev/null; do p=$((p + 1)); done
	echo $p
}

port=$(free_port)
echo
echo "== boot nginx: kiln run -p $port:80 -m 32M $image"
start=$(date +%s%N)
$kiln run -p "$port:80" -m 32M "$image" > "$log" 2>&1 < /dev/null &
pid=$!
trap 'kill -TERM $pid 2> /dev/null || true' EXIT
for _ in $(seq 500); do
	if curl -s -m 1 -o build/demo.html "http://127.0.0.1:$port/"; then break; fi
	kill -0 $pid 2> /dev/null || { echo "the guest ended early:"; cat "$log"; exit 1; }
	sleep 0.02
done
ms=$((($(date +%s%N) - start) / 1000000))
code=$(curl -s -m 5 -o build/demo.html -w '%{http_code}' "http://127.0.0.1:$port/")
[ "$code" = 200 ] || { echo "expected HTTP 200, got $code:"; cat "$log"; exit 1; }
echo "== fetched http://127.0.0.1:$port/ : HTTP $code, $(stat -c %s build/demo.html) bytes"
head -n 4 build/demo.html

echo "== stop it as Ctrl-C would"
kill -TERM $pid
status=0
wait $pid || status=$?
trap - EXIT
echo "   nginx ended with status $status"
echo
how="emulated: no KVM"
if $kiln run --dry-run "$image" | grep -qE -- '(-accel |accel=)kvm'; then how="with KVM"; fi
echo "== figures"
printf '   %-42s %s\n' \
    "image" "$(stat -c %s $image) bytes (kiln inspect $image)" \
    "without its root directory" "$($kiln inspect --size $image) bytes (kiln inspect --size $image)" \
    "kiln run to first page ($how)" "$ms ms" \
    "hello image" "$(stat -c %s build/packages/hello/hello.img) bytes"
cat <<'TXT'

Next:
   build/bin/kiln inspect build/packages/nginx/nginx.img      what is in the image, and why
   build/bin/kiln run build/packages/hello/hello.img          the smallest one
   make check                                                 all tests
   make bench                                                 the figures beside a Linux guest's
The tutorial in README.md builds a program of your own.
TXT
exit $status
