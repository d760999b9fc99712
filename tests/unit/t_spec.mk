UNIT  := t_spec
SRCS  := tests/unit/t_spec.c app-tools/spec.c
