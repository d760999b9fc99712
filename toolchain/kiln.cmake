# SPDX-License-Identifier: BSD-2-Clause
# CMake: cmake -DCMAKE_TOOLCHAIN_FILE=.../lib/kiln/toolchain/kiln.cmake
get_filename_component(KILN_BIN "${CMAKE_CURRENT_LIST_DIR}/../../../bin" REALPATH)
get_filename_component(KILN_SYSROOT "${CMAKE_CURRENT_LIST_DIR}/../sysroot" REALPATH)

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER "${KILN_BIN}/cross-cc")
set(CMAKE_C_COMPILER_TARGET x86_64-kiln-linux-musl)
set(CMAKE_AR "${KILN_BIN}/cross-ar" CACHE FILEPATH "")
set(CMAKE_RANLIB "${KILN_BIN}/cross-ranlib" CACHE FILEPATH "")
set(CMAKE_NM "${KILN_BIN}/cross-nm" CACHE FILEPATH "")
set(CMAKE_STRIP "${KILN_BIN}/cross-strip" CACHE FILEPATH "")
set(CMAKE_OBJCOPY "${KILN_BIN}/cross-objcopy" CACHE FILEPATH "")
set(PKG_CONFIG_EXECUTABLE "${KILN_BIN}/cross-pkg-config" CACHE FILEPATH "")

# Libraries and headers of the sysroot, programs of the build machine.
set(CMAKE_FIND_ROOT_PATH "${KILN_SYSROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# One static program is all that an image can be.
set_property(GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS FALSE)
set(BUILD_SHARED_LIBS OFF CACHE BOOL "")
