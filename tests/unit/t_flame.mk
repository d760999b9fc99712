UNIT  := t_flame
SRCS  := tests/unit/t_flame.c app-tools/flame.c app-tools/util.c
LIBS  := -lcrypto
