UNIT  := t_json
SRCS  := tests/unit/t_json.c app-tools/json.c app-tools/util.c
LIBS  := -lcrypto
