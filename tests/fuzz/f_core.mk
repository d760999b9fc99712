FUZZ := f_core
SRCS := tests/fuzz/f_core.c app-tools/core.c app-tools/core_qemu.c app-tools/lwps.c app-tools/symbols.c app-tools/image.c \
	app-tools/reach.c app-tools/elfobj.c app-tools/json.c app-tools/util.c
LIBS := -lelf -lcrypto
