/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenbus against any back end: its source is included, and the store is what the input says.  Each
 * step is a look at the back end's state, with whatever the store, the driver and the tools
 * do then.  What must hold: the driver's functions are called in the order that xenbus.h promises,
 * the state that we show goes with that, a look costs few requests, and after anything at all a
 * new back end that behaves gets a device that works.
 */
#include "fuzz_input.h"
#include "native.h"
#include "xenbus.c"

static bool proper; /* the store and the driver do as they should */
static uint64_t back_state;
static const struct xenbus_device *current;
static unsigned requests, shown;
static bool up, connected_told;

static bool keeps; /* the back end keeps too much */

bool xenbus_keeps_too_much(struct xenbus_device *xd)
{
	return keeps;
}

/* --------------------------------------------------------------- the store */

int xenstore_read(uint32_t tx, const char *dir, const char *node, char *buf, size_t size)
{
	size_t n;

	REQUIRE(strcmp(node, "backend") == 0);
	if (proper || fuzz_byte() & 1) {
		strlcpy(buf, "/back", size);
		return 0;
	}
	n = fuzz_byte();
	n = KMIN(n, KMIN(size - 1, fuzz_left));
	memset(buf, 0, size);
	memcpy(buf, fuzz_in, n);
	fuzz_in += n;
	fuzz_left -= n;
	return 0;
}

int xenstore_read_uint(uint32_t tx, const char *dir, const char *node, uint64_t *value)
{
	uint8_t what = proper ? 0 : fuzz_byte();

	requests++;
	if (current && dir == current->xd_path && strcmp(node, "state") == 0) {
		if (what & 1)
			shown = XenbusStateInitialising; /* the tools have begun anew */
		*value = shown;
		return 0;
	}
	if (what > 240)
		return what == 241 ? ENOENT : what == 242 ? EIO : EINVAL;
	if (strcmp(node, "state") == 0)
		*value = back_state;
	else if (strcmp(node, "online") == 0)
		*value = what & 1;
	else
		*value = what == 240 ? UINT64_MAX : what == 239 ? DOMID_LIMIT : what;
	return 0;
}

int xenstore_write_uint(uint32_t tx, const char *dir, const char *node, uint64_t value)
{
	REQUIRE(strcmp(node, "state") == 0);
	REQUIRE(value >= XenbusStateInitialising && value <= XenbusStateClosed);
	requests++;
	shown = (unsigned)value;
	return proper ? 0 : fuzz_byte() & 1 ? EACCES : 0;
}

int xenstore_directory(uint32_t tx, const char *dir, const char *node, char **names, size_t *len)
{
	size_t n = fuzz_byte();

	n = KMIN(n, fuzz_left);
	*names = NULL;
	*len = 0;
	if (n == 0)
		return fuzz_byte() & 1 ? ENOENT : 0;
	*names = kmem_alloc(n);
	if (*names == NULL)
		return ENOMEM;
	memcpy(*names, fuzz_in, n);
	(*names)[n - 1] = '\0';
	*len = n;
	fuzz_in += n;
	fuzz_left -= n;
	return 0;
}

int xenstore_watch(struct xenstore_watch *w)
{
	return proper || fuzz_byte() < 200 ? 0 : ENOMEM;
}

void xenstore_unwatch(struct xenstore_watch *w)
{
}

void xenstore_watch_run(struct xenstore_watch *w)
{
}

void xenbus_channels_lost(void)
{
}

/* -------------------------------------------------------------- the driver */

static int error(void)
{
	return proper || fuzz_byte() < 200 ? 0 : EINVAL;
}

static int drv_attach(struct xenbus_device *xd)
{
	REQUIRE(xd->xd_backend_domid < DOMID_LIMIT);
	REQUIRE(memchr(xd->xd_path, 0, sizeof(xd->xd_path)) != NULL);
	return error();
}

static int drv_connect(struct xenbus_device *xd)
{
	int e = error();

	REQUIRE(!up && !keeps);
	up = e == 0;
	connected_told = false;
	return e;
}

static int drv_connected(struct xenbus_device *xd)
{
	REQUIRE(up && !connected_told);
	connected_told = true;
	return error();
}

static void drv_disconnect(struct xenbus_device *xd)
{
	REQUIRE(up);
	up = connected_told = false;
}

static struct xenbus_driver driver = {.xdr_type = "vbd",
    .xdr_attach = drv_attach,
    .xdr_connect = drv_connect,
    .xdr_connected = drv_connected,
    .xdr_disconnect = drv_disconnect};
XENBUS_DRIVER(driver);

/* ------------------------------------------------------------------- steps */

static void look(struct xenbus_device *xd, uint64_t state)
{
	back_state = state;
	requests = 0;
	backend_changed(&xd->xd_watch);
	REQUIRE(requests <= 5);
	REQUIRE(up == xd->xd_up && shown == xd->xd_state);
	if (up)
		REQUIRE(shown == XenbusStateInitialised || shown == XenbusStateConnected);
	else
		REQUIRE(shown == XenbusStateInitialising || shown == XenbusStateClosed);
	if (up && shown == XenbusStateConnected)
		REQUIRE(connected_told || driver.xdr_connected_first);
}

static void ways(struct xenbus_device *xd)
{
	while (fuzz_left > 0) {
		uint8_t what = fuzz_byte();

		if (what >= 0xe0 && what < 0xf0) {
			location_changed(&xd->xd_location);
			REQUIRE(up == xd->xd_up && shown == xd->xd_state);
			continue;
		}
		if (what >= 0xc8 && what < 0xd0) {
			moved();
			REQUIRE(!up && !xd->xd_up && shown == XenbusStateInitialising);
			continue;
		}
		if (what >= 0xd0 && what < 0xe0)
			keeps = what & 1;
		look(xd, what < 0xf0	? what % 10U
			 : what == 0xff ? UINT64_MAX
					: 1ULL << (what & 63));
	}
	proper = true;
	keeps = false;
	look(xd, XenbusStateUnknown);
	look(xd, XenbusStateInitWait);
	REQUIRE(up);
	look(xd, XenbusStateConnected);
	REQUIRE(up && connected_told && shown == XenbusStateConnected && xd->xd_settled);
	look(xd, XenbusStateClosed);
	REQUIRE(!up);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t live = native_alloc_live();
	struct xenbus_device *xd, *first;

	fuzz_in = data;
	fuzz_left = size;
	native_quiet = true;
	native_console_clear();
	mutex_init(&lock, MUTEX_DEFAULT);
	cv_init(&changed, "xenbus");
	driver.xdr_connected_first = fuzz_byte() & 1;
	proper = keeps = up = connected_told = false;
	current = NULL;
	shown = XenbusStateInitialising;
	search(NULL);
	/* All that were found are one after the other the one that things happen to. */
	current = first = TAILQ_FIRST(&devices);
	if (first != NULL && !first->xd_failed) {
		shown = XenbusStateInitialising;
		location_changed(&first->xd_location);
		if (first->xd_attached)
			ways(first);
		else
			REQUIRE(first->xd_settled && !up);
	}
	while ((xd = TAILQ_FIRST(&devices)) != NULL) {
		TAILQ_REMOVE(&devices, xd, xd_list);
		kmem_free(xd, sizeof(*xd));
	}
	REQUIRE(native_alloc_live() == live && native_locks_held() == 0);
	return 0;
}
