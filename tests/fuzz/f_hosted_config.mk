FUZZ := f_hosted_config
SRCS := tests/fuzz/f_hosted_config.c platform/hosted/config.c
