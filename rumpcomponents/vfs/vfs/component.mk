DESC   := Files by name: vnodes, mounts, path lookup, the file calls
PREFIX := vfs_ vn_ vnode_ vref vtryref vrele namei pathbuf_ cache_ file_vnode
SRCS   := vnode.c cache.c namei.c vnfile.c open.c create.c remove.c rename.c attr.c stat.c access.c fdcalls.c cwd.c path.c kernfile.c device.c memfd.c
NEEDS  := kern/base kern/mem kern/desc
SMALL  := memfd.c create.c remove.c rename.c attr.c access.c fdcalls.c cwd.c path.c kernfile.c device.c
