/* in_flight.c - see in_flight.h.  There are no more entries than workers: a list will do. */
#include "api/in_flight.h"

#include <pthread.h>

struct entry {
	struct entry *next;
	const char *id;
};

struct in_flight {
	pthread_mutex_t mu;
	struct entry *first;
};

int in_flight_new(struct in_flight **ret, struct err *e)
{
	struct in_flight *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return err_nomem(e);
	pthread_mutex_init(&f->mu, NULL);
	*ret = f;
	return 0;
}

void in_flight_free(struct in_flight *f)
{
	if (f == NULL)
		return;
	pthread_mutex_destroy(&f->mu);
	free(f);
}

static bool is_in(const struct in_flight *f, const char *id)
{
	for (const struct entry *x = f->first; x != NULL; x = x->next)
		if (str_ieq(str_c(x->id), str_c(id)))
			return true;
	return false;
}

int in_flight_enter(struct in_flight *f, const char *id, struct err *e)
{
	struct entry *mine = malloc(sizeof(*mine));
	bool taken;

	if (mine == NULL)
		return err_nomem(e);
	pthread_mutex_lock(&f->mu);
	taken = is_in(f, id);
	if (!taken) {
		*mine = (struct entry){ f->first, id };
		f->first = mine;
	}
	pthread_mutex_unlock(&f->mu);
	if (taken)
		free(mine);
	return !taken;
}

void in_flight_leave(struct in_flight *f, const char *id)
{
	struct entry **at, *mine;

	pthread_mutex_lock(&f->mu);
	for (at = &f->first; (*at)->id != id; at = &(*at)->next)
		continue;
	mine = *at;
	*at = mine->next;
	pthread_mutex_unlock(&f->mu);
	free(mine);
}
