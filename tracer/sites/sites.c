/* Opens the object, sees that it is the one that is meant, and has its sites found. */
#include "tracer/sites/sites.h"

#include "config.h"
#include "tracer/sites/find.h"

#include <stdlib.h>
#include <string.h>

static const char *const reasons[] = {
#define X(name, text) [SITES_##name] = (text),
	SITES_REASONS(X)
#undef X
};

const char *sites_reason(unsigned reason)
{
	return reason < SITES_REASON_COUNT ? reasons[reason] : "?";
}

static bool find(struct image *image, const uint8_t *key, struct sites *sites, struct err *err)
{
	if (key && memcmp(key, image->key, sizeof(image->key)) != 0)
		return err_set(err, EXIT_FAILED, "it is another file: its build-id differs");
#if HAVE_CAPSTONE
	return find_sites(image, sites, err);
#else
	(void)sites;
	return err_set(err, EXIT_IMPOSSIBLE, "this gilscope was built without capstone");
#endif
}

bool sites_of_file(struct sites *sites, int fd, const uint8_t *key, struct err *err)
{
	struct image image;
	bool ok;

	*sites = (struct sites){ 0 };
	ok = image_open(&image, fd, err) && find(&image, key, sites, err);
	image_close(&image);
	return ok;
}

bool sites_of_vdso(struct sites *sites, const uint8_t *key, struct err *err)
{
	struct image image;
	bool ok;

	*sites = (struct sites){ 0 };
	ok = image_open_vdso(&image, err) && find(&image, key, sites, err);
	image_close(&image);
	return ok;
}

void sites_finish(struct sites *sites)
{
	free(sites->list);
	*sites = (struct sites){ 0 };
}
