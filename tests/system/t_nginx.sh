#!/bin/bash
# nginx, unmodified: serves the right bytes on every machine, survives many connections, stops when told to.
# timeout: 900
. tests/system/lib.sh
image=build/packages/nginx/nginx.img
page=packages/nginx/root/var/www/html/index.html
gcc -O2 -Wall -Werror -D_GNU_SOURCE -o "$work/flood" $here/programs/flood.c || exit 1

# start_nginx LOG OPTIONS...: in the background, $pid, $port
start_nginx() {
	local log=$1
	shift
	port=$(free_port)
	kiln run -p "$port:80" "$@" $image > "$log" 2>&1 < /dev/null &
	pid=$!
	wait_http "$port" && return
	tail -n 20 "$log"
	kill -KILL $pid
	return 1
}

# stop_nginx NAME LOG: the power button is SIGTERM, and nginx ends with 0.
stop_nginx() {
	kill -TERM $pid
	local status=0
	wait $pid || status=$?
	[ $status = 0 ] && ok "$1: stops on the power button with status 0" || {
		tail -n 20 "$2"
		fail "$1: status $status after the power button"
	}
}

for machine in pc q35 microvm; do
	for cpus in 1 2; do
		name=$machine-$cpus log=$work/$machine-$cpus.log
		start_nginx "$log" --machine $machine --cpus $cpus -m 32M || { fail "$name: no answer"; continue; }
		curl -s -m 5 -o "$work/page" "http://127.0.0.1:$port/" && cmp -s "$work/page" $page &&
		    ok "$name: the page is the page" || fail "$name: wrong page"
		code=$(curl -s -m 5 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/absent")
		[ "$code" = 404 ] && ok "$name: 404 for what is not there" || fail "$name: $code for what is not there"
		[ "$(curl -s -m 5 -r 10-19 "http://127.0.0.1:$port/" | wc -c)" = 10 ] && ok "$name: a range" || fail "$name: range"
		n=$("$work/flood" "$port" 500 16 2>&1) && ok "$name: 500 connections, $n" || fail "$name: $n"
		stop_nginx "$name" "$log"
	done
done

# 10,000 connections: all good, and nothing that 100 did not leave, too.  What the allocator has given
# out is printed by kern/memstat; connections in TIME-WAIT are there for a minute by design.
kiln bake --with kern/memstat -r build/packages/nginx/root -o "$work/memstat.img" build/packages/nginx/nginx > "$work/bake" ||
    { cat "$work/bake"; fail "nginx with kern/memstat does not bake"; exit 1; }
plain=$image image=$work/memstat.img
for count in 100 10000; do
	log=$work/many-$count.log
	start_nginx "$log" -m 32M || { fail "$count connections: no answer"; continue; }
	n=$("$work/flood" "$port" $count 16 2>&1) && ok "$count connections: $n" || fail "$count connections: $n"
	curl -s -m 5 -o "$work/page" "http://127.0.0.1:$port/" && cmp -s "$work/page" $page &&
	    ok "still serves after $count connections" || fail "does not serve after $count connections"
	stop_nginx "$count connections" "$log"
	# pool name, objects in use
	tr -d '\r' < "$log" | sed -nE 's/^kiln: memstat: pool ([^,]+),.*: ([0-9]+) in use.*/\1 \2/p' > "$work/memstat-$count"
done
image=$plain
# Freed files and the like are kept for the next connection: as many as there were at once, at most 16.
# A leak would be one of thousands.
leaks=$(awk 'NR == FNR { few[$1] = $2; next } $1 != "tcptw" && $2 > few[$1] + 32 { print $1, few[$1] + 0, "->", $2 }' \
    "$work/memstat-100" "$work/memstat-10000")
[ "$(wc -l < "$work/memstat-10000")" -gt 10 ] && [ -z "$leaks" ] &&
    ok "no leak: as much in use after 10000 connections as after 100" || fail "leaks: $leaks"

log=$work/small.log
if start_nginx "$log" -m 8M; then
	n=$("$work/flood" "$port" 300 4 2>&1) && ok "8 MiB: 300 connections, $n" || fail "8 MiB: $n"
	stop_nginx "8 MiB" "$log"
else
	fail "8 MiB: no answer"
fi
exit $failed
