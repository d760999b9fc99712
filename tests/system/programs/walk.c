/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads all that is below / by every way there is: names, attributes, contents by read and by
 * mapping, links.  Errors are counted: for images that are damaged.  The work is bounded, since
 * damage may have made a cycle.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAXENTRIES 2000
#define MAXDEPTH   8

static unsigned entries, errors;
static unsigned long sum;

static void failed(const char *what, const char *path)
{
	errors++;
	if (errno != EUCLEAN && errno != ENOENT && errno != EOPNOTSUPP && errno != ENXIO &&
	    errno != ENODEV && errno != ENOTDIR && errno != EACCES && errno != ELOOP &&
	    errno != ENAMETOOLONG)
		printf("FAIL %s of %s: %s\n", what, path, strerror(errno));
}

static void read_file(const char *path, off_t size)
{
	unsigned char buf[5000], *map;
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	ssize_t n;

	if (fd == -1) {
		failed("open", path);
		return;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			sum += buf[i];
	if (n == -1)
		failed("read", path);
	map = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	if (map != MAP_FAILED) {
		for (off_t i = 0; i < size; i++)
			sum -= map[i];
		munmap(map, (size_t)size);
	}
	close(fd);
}

static void walk(const char *dir, int depth)
{
	char path[PATH_MAX], target[PATH_MAX];
	struct dirent *de = NULL;
	struct stat sb;
	DIR *d = opendir(dir);

	if (d == NULL) {
		failed("opendir", dir);
		return;
	}
	while (entries < MAXENTRIES && (errno = 0, de = readdir(d)) != NULL) {
		entries++;
		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		if (de->d_name[0] == '\0' || strchr(de->d_name, '/'))
			printf("FAIL a name like that: '%s'\n", de->d_name);
		snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		if (lstat(path, &sb) == -1)
			failed("lstat", path);
		else if (S_ISLNK(sb.st_mode) && readlink(path, target, sizeof(target)) == -1)
			failed("readlink", path);
		else if (S_ISREG(sb.st_mode))
			read_file(path, sb.st_size);
		else if (S_ISDIR(sb.st_mode) && depth < MAXDEPTH)
			walk(path, depth + 1);
	}
	if (entries < MAXENTRIES && errno != 0)
		failed("readdir", dir);
	closedir(d);
}

int main(void)
{
	walk("/root", 0);
	if (sum != 0)
		printf("FAIL mappings do not have what read gives\n");
	printf("ok walked %u entries, %u errors\n", entries, errors);
	return 0;
}
