#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# CMake and Meson with the files that come with the toolchain.
. "$(dirname "$0")/lib.sh"
tc=$top/build/lib/kiln/toolchain
mkdir -p src
cat > src/main.c <<'C'
#include <stdio.h>
#include <zlib.h>
int main(void) { printf("%s\n", zlibVersion()); return 0; }
C
cat > src/CMakeLists.txt <<'C'
cmake_minimum_required(VERSION 3.18)
project(t C)
include(CheckFunctionExists)
check_function_exists(epoll_create1 HAVE_EPOLL)
check_function_exists(gnu_get_libc_version HAVE_GLIBC)
if(NOT HAVE_EPOLL OR HAVE_GLIBC)
  message(FATAL_ERROR "function tests lie: ${HAVE_EPOLL} ${HAVE_GLIBC}")
endif()
add_library(two SHARED two.c)
find_package(ZLIB REQUIRED)
add_executable(t main.c)
target_link_libraries(t ZLIB::ZLIB)
C
echo 'int two(void); int two(void) { return 2; }' > src/two.c
cat > src/meson.build <<'C'
project('t', 'c')
cc = meson.get_compiler('c')
assert(cc.has_function('epoll_create1'), 'epoll')
assert(not cc.has_function('gnu_get_libc_version'), 'glibc')
executable('t', 'main.c', dependencies: dependency('zlib'), install: true)
C
make -s -C "$top" packages/zlib > make.log 2>&1 || fail "zlib" "$(tail -n 3 make.log)"
if command -v cmake > which; then
	check "cmake configures" cmake -S src -B cm -DCMAKE_TOOLCHAIN_FILE="$tc/kiln.cmake"
	check "cmake builds" cmake --build cm --target t
	check "an unbaked program" sh -c 'readelf -SW cm/t | grep -q "\.kiln\.unbaked"'
else
	echo "skip cmake: not installed"
fi
if command -v meson > which && command -v ninja > which; then
	check "meson configures" meson setup --cross-file "$tc/kiln.meson" me src
	check "meson builds" ninja -C me
	check "meson installs" env DESTDIR="$work/dest" meson install -C me --strip
	check "an unbaked program, stripped" sh -c 'readelf -SW dest/usr/local/bin/t | grep -q "\.kiln\.unbaked" && nm dest/usr/local/bin/t | grep -q " T main"'
else
	echo "skip meson: not installed"
fi
finish
