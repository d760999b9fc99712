DESC     := virtio entropy source
PREFIX   := virtio_rng_
SRCS     := virtio_rng.c
NEEDS    := kern/base kern/mem kern/random dev/virtio
FOR      := sys_getrandom
PLATFORMS := hw any
