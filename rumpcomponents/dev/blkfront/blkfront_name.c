/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a virtual device number means: 202 is xvd's major number, with 16 minors a disk, and bit 28
 * says that the rest is a disk's number and, in the lower 8 bits, a partition's.  Numbers of IDE
 * and SCSI disks are of configurations that say hda or sda; these become xvda, as on Linux.
 */
#include <sys/sysmacros.h>
#include "blkfront_impl.h"

#define XVD_MAJOR 202
#define HDA_MAJOR 3
#define HDC_MAJOR 22
#define SDA_MAJOR 8
#define EXTENDED  (1U << 28)

bool blkfront_name(uint64_t vdev, char *name, size_t size, uint64_t *rdev)
{
	unsigned disk, part, minor = vdev & 0xff;
	char letters[3] = "";

	if (vdev >= 2 * EXTENDED)
		return false;
	if (vdev & EXTENDED) {
		disk = (vdev & (EXTENDED - 1)) >> 8;
		part = minor;
		minor = vdev & (EXTENDED - 1);
	} else {
		switch (vdev >> 8) {
		case XVD_MAJOR:
		case SDA_MAJOR:
			disk = minor / 16;
			part = minor % 16;
			break;
		case HDA_MAJOR:
		case HDC_MAJOR:
			disk = minor / 64 + (vdev >> 8 == HDC_MAJOR ? 2 : 0);
			part = minor % 64;
			if (minor >= 128 || part >= 16)
				return false;
			minor = disk * 16 + part;
			break;
		default:
			return false;
		}
	}
	if (disk >= 26 * 27 || minor >= 1U << 20)
		return false;
	if (disk >= 26)
		letters[0] = (char)('a' + disk / 26 - 1);
	letters[disk >= 26] = (char)('a' + disk % 26);
	*rdev = makedev(XVD_MAJOR, minor);
	if (part)
		ksnprintf(name, size, "xvd%s%u", letters, part);
	else
		ksnprintf(name, size, "xvd%s", letters);
	return true;
}
