/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linker sets: arrays of pointers that the linker collects from all objects
 * of the image.  An entry is retained whenever its object is linked, so
 * linking a component is what registers it.
 */
#ifndef KERN_LINKSET_H
#define KERN_LINKSET_H

/* Add the address of obj (any object) to the set. */
#define LINK_SET_ADD(set, obj)                                                                     \
	static const void *const link_set_##set##_##obj                                            \
	    __attribute__((used, retain, section("link_set_" #set))) = &(obj)

/* Declare a set of pointers to `type` that this file walks; it may be empty. */
#define LINK_SET_DECLARE(set, type)                                                                \
	extern type *const __start_link_set_##set[] __attribute__((weak, visibility("hidden")));   \
	extern type *const __stop_link_set_##set[] __attribute__((weak, visibility("hidden")))

/* for (type *const *pp over the set): *pp is the entry. */
#define LINK_SET_FOREACH(pp, set)                                                                  \
	for (pp = __start_link_set_##set; pp < __stop_link_set_##set; pp++)

#endif
