/* replicator.c - the thread, and what others see of it.  See replicator.h. */
#include "work/replicator_state.h"

#include "base/log.h"

#define SECOND_US INT64_C(1000000)
#define LIST_US (60 * SECOND_US)	/* how often the database is asked for vaults, woken or not */

/* ---- for others ---- */
static struct target *find(struct replicator *r, const char *vault_id)
{
	struct target *t = r->targets;

	while (t != NULL && !str_ieq(str_c(t->vault_id), str_c(vault_id)))
		t = t->next;
	return t;
}

void replicator_wake(struct world *w, const char *vault_id)
{
	struct replicator *r = w->replicator;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->mu);
	for (struct target *t = r->targets; t != NULL; t = t->next)
		if (vault_id == NULL || str_ieq(str_c(t->vault_id), str_c(vault_id))) {
			t->is_woken = true;
			t->due_us = 0;
		}
	r->must_list = true;	/* it may be one that is not copied so far */
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->mu);
}

int replicator_status(struct world *w, const char *vault_id, struct replication_status *ret,
    struct err *e)
{
	struct replicator *r = w->replicator;
	const struct target *t;
	int64_t lag;

	(void)e;
	if (r == NULL)
		return 0;
	pthread_mutex_lock(&r->mu);
	t = find(r, vault_id);
	if (t != NULL && !t->is_known)
		t = NULL;
	if (t != NULL) {
		*ret = t->status;
		lag = t->oldest_us != 0 ? clock_now_us(w->clock) - t->oldest_us : 0;
		ret->lag_us = lag > 0 ? lag : 0;
	}
	pthread_mutex_unlock(&r->mu);
	return t != NULL;
}

/* ---- the thread ---- */
static struct target *next_due(struct replicator *r, int64_t *ret_when)
{
	int64_t now = clock_monotonic_us();
	struct target *first = NULL;

	for (struct target *t = r->targets; t != NULL; t = t->next)
		if (first == NULL || t->due_us < first->due_us)
			first = t;
	*ret_when = first != NULL && first->due_us < now + LIST_US ? first->due_us : now + LIST_US;
	if (first == NULL || first->due_us > now)
		return NULL;
	first->is_woken = false;
	return first;
}

/* Until it is somebody's turn, the list is out of date, or the end.  NULL: not a look. */
static struct target *wait_turn(struct replicator *r, bool *ret_stop)
{
	struct target *t;
	int64_t when;

	pthread_mutex_lock(&r->mu);
	t = r->must_list ? NULL : next_due(r, &when);
	if (t == NULL && !r->must_list && !r->stop) {
		struct timespec until = { when / SECOND_US, when % SECOND_US * 1000 };

		if (pthread_cond_timedwait(&r->changed, &r->mu, &until) != 0)
			r->must_list = true;
	}
	*ret_stop = r->stop;
	pthread_mutex_unlock(&r->mu);
	return t;
}

static void *run(void *arg)
{
	struct replicator *r = arg;
	struct target *t;
	struct err e;
	bool stop;

	for (;;) {
		t = wait_turn(r, &stop);
		if (stop)
			return NULL;
		e = (struct err){ 0 };
		if (t != NULL)
			replicator_look(r, t);
		else if (replicator_list(r, &e) != 0)
			log_event(LOG_WARN, "replication", "what", "cannot list vaults", "error",
			    e.msg, NULL);
	}
}

static int init(struct replicator *r, struct world *w, struct err *e)
{
	pthread_condattr_t attr;
	int rc;

	r->world = w;
	r->must_list = true;
	pthread_mutex_init(&r->mu, NULL);
	pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->changed, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&r->thread, NULL, run, r);
	if (rc == 0)
		return 0;
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->mu);
	return err_sys(e, rc, "starting the replicator's thread");
}

int replicator_start(struct world *w, struct replicator **ret, struct err *e)
{
	struct replicator *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_nomem(e);
	if (init(r, w, e) != 0) {
		free(r);
		return -1;
	}
	*ret = r;
	return 0;
}

void replicator_stop(struct replicator *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->mu);
	r->stop = true;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->mu);
	(void)pthread_join(r->thread, NULL);
	while (r->targets != NULL) {
		struct target *t = r->targets;

		r->targets = t->next;
		replicator_free_target(t);
	}
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->mu);
	free(r);
}
