DESC   := The launch configuration: JSON, defaults from bake under the launcher's document
PREFIX := config_
SRCS   := config.c document.c
NEEDS  := kern/base
OPT    := -Oz
