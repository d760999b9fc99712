UNIT  := t_launch
SRCS  := tests/unit/t_launch.c app-tools/run_status.c app-tools/run_config.c app-tools/start.c app-tools/spec.c app-tools/json.c app-tools/util.c
LIBS  := -lcrypto
