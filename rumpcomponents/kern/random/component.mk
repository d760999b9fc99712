DESC     := Random numbers: ChaCha20 with fast key erasure
PREFIX   := random_
SRCS     := chacha.c random.c getrandom.c
NEEDS    := kern/base kern/config
RUMPUSER := yes
