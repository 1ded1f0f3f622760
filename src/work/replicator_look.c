/* replicator_look.c - the vaults that are copied, and one look at one of them. */
#include "work/replicator_state.h"

#include <stdio.h>

#include "base/log.h"

#define SECOND_US INT64_C(1000000)
#define RETRY_US (5 * SECOND_US)	/* after a failure, twice as much after the next, … */
#define RETRY_MAX_US (300 * SECOND_US)
#define PRESET_INTERVAL_S 60

void replicator_free_target(struct target *t)
{
	free(t->vault_id);
	free(t);
}

/* ---- the list ---- */
struct listing {
	const struct settings *settings;
	json_t *wanted;		/* owned; {id of a vault: name of the copy's region} */
};

/* Where the vault's copy belongs; NULL if it is not looked after.  Nor is one whose copy would be out of
 * reach: switching the copy on is refused then. */
static const struct region_settings *goes_to(const struct settings *s, const struct resource *vault)
{
	const struct region_settings *here = settings_region(s, vault->location), *to;
	struct err ignored;

	return here != NULL && region_is_here(here) && replica_wanted(vault) &&
	    settings_copy_region(s, vault->location, &to, &ignored) == 0 ? to : NULL;
}

static int note_vault(void *arg, struct resource *vault, struct err *e)
{
	const struct listing *l = arg;
	const struct region_settings *to = goes_to(l->settings, vault);

	if (to == NULL)
		return 0;
	return json_object_set_new(l->wanted, vault->id, json_string(to->name)) != 0 ?
	    err_nomem(e) : 0;
}

static int read_wanted(struct replicator *r, struct listing *l, struct err *e)
{
	struct resource_query q = { .type = TYPE_VAULT };
	auto_conn struct db_conn *c = NULL;

	if (l->wanted == NULL)
		return err_nomem(e);
	return db_read_begin(r->world->db, &c, e) != 0 ||
	    resource_list(c, &q, note_vault, l, e) < 0 ? -1 : 0;
}

static int add(struct replicator *r, const char *vault_id, const struct region_settings *to,
    struct err *e)
{
	struct target *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_nomem(e);
	t->vault_id = strdup(vault_id);
	if (t->vault_id == NULL) {
		free(t);
		return err_nomem(e);
	}
	t->to = to;
	(void)snprintf(t->status.region, sizeof(t->status.region), "%s", to->name);
	pthread_mutex_lock(&r->mu);
	t->next = r->targets;
	r->targets = t;
	pthread_mutex_unlock(&r->mu);
	return 0;
}

static bool is_listed(const json_t *wanted, const struct target *t)
{
	const char *to = json_string_value(json_object_get(wanted, t->vault_id));

	return to != NULL && strcmp(to, t->to->name) == 0;
}

/* Takes those that stay out of `wanted`.  A vault may have been made anew in another region. */
static void drop_others(struct replicator *r, json_t *wanted)
{
	struct target **at = &r->targets;

	pthread_mutex_lock(&r->mu);
	while (*at != NULL) {
		struct target *t = *at;

		if (is_listed(wanted, t)) {
			(void)json_object_del(wanted, t->vault_id);
			at = &t->next;
			continue;
		}
		*at = t->next;
		replicator_free_target(t);
	}
	pthread_mutex_unlock(&r->mu);
}

int replicator_list(struct replicator *r, struct err *e)
{
	auto_json json_t *wanted = json_object();
	struct listing l = { r->world->settings, wanted };
	const char *id;
	json_t *to;

	pthread_mutex_lock(&r->mu);
	r->must_list = false;	/* before the look: who wakes from now on is heard again */
	pthread_mutex_unlock(&r->mu);
	if (read_wanted(r, &l, e) != 0)
		return -1;
	drop_others(r, wanted);
	json_object_foreach(wanted, id, to)
		if (add(r, id, settings_region(l.settings, json_string_value(to)), e) != 0)
			return -1;
	return 0;
}

/* ---- a look ---- */
static bool tick(void *arg, int64_t done, int64_t total)
{
	struct replicator *r = arg;
	bool stop;

	(void)done;
	(void)total;
	pthread_mutex_lock(&r->mu);
	stop = r->stop;
	pthread_mutex_unlock(&r->mu);
	return stop;
}

struct telling {
	struct replicator *r;
	struct target *t;
};

static void tell(void *arg, const struct replicate_stand *s)
{
	const struct telling *x = arg;
	struct target *t = x->t;

	pthread_mutex_lock(&x->r->mu);
	t->is_known = true;
	t->oldest_us = s->oldest_us;
	t->status.points = s->points;
	t->status.missing = s->missing;
	t->status.is_active = s->missing > 0;
	t->status.bytes_sent = t->sent_before + s->bytes;
	pthread_mutex_unlock(&x->r->mu);
}

static int read_vault(struct replicator *r, const char *id, struct resource *ret, struct err *e)
{
	auto_conn struct db_conn *c = NULL;

	return db_read_begin(r->world->db, &c, e) != 0 ? -1 : resource_get(c, id, ret, e);
}

/* A vault that is gone, or is another one by now, leaves the list when that is made next. */
static int look(struct replicator *r, struct target *t, struct err *e)
{
	const struct vault_progress progress = { tick, r };
	struct telling telling = { r, t };
	auto_resource struct resource vault = { 0 };
	struct replicate x = { .world = r->world, .vault = &vault, .to = t->to,
		.is_first = !t->was_seen, .must_collect = t->must_collect, .progress = &progress,
		.tell = tell, .arg = &telling };
	int found = read_vault(r, t->vault_id, &vault, e), rc;

	if (found <= 0 || goes_to(r->world->settings, &vault) != t->to)
		return found < 0 ? -1 : 0;
	rc = replicate(&x, e);
	t->must_collect = x.must_collect;
	t->was_seen = t->was_seen || rc == 0;
	return rc;
}

static int64_t pause_after(const struct replicator *r, unsigned failed)
{
	int64_t every = r->world->settings->replication_interval_s, pause = RETRY_US;

	every = (every > 0 ? every : PRESET_INTERVAL_S) * SECOND_US;
	for (unsigned i = 1; i < failed && pause < RETRY_MAX_US; i++)
		pause *= 2;
	if (pause > RETRY_MAX_US)
		pause = RETRY_MAX_US;
	return failed == 0 || pause > every ? every : pause;
}

/* `why` NULL: it went well. */
static void conclude(struct replicator *r, struct target *t, int64_t began_us, const struct err *why)
{
	struct replication_status *s = &t->status;

	t->failed = why != NULL ? t->failed + 1 : 0;
	pthread_mutex_lock(&r->mu);
	t->is_known = true;
	s->is_active = false;
	s->last_error[0] = '\0';
	if (why == NULL)
		s->last_success_us = began_us;
	else
		(void)snprintf(s->last_error, sizeof(s->last_error), "%.511s", why->msg);
	s->failures += why != NULL;
	t->due_us = t->is_woken ? 0 : clock_monotonic_us() + pause_after(r, t->failed);
	pthread_mutex_unlock(&r->mu);
}

static void log_look(const struct target *t, int64_t took_us, const struct err *why)
{
	int64_t bytes = t->status.bytes_sent - t->sent_before;
	char missing[24], sent[24], seconds[24];

	if (why == NULL && bytes == 0)
		return;
	(void)snprintf(missing, sizeof(missing), "%lld", (long long)t->status.missing);
	(void)snprintf(sent, sizeof(sent), "%lld", (long long)bytes);
	(void)snprintf(seconds, sizeof(seconds), "%.3f", (double)took_us / 1e6);
	log_event(why != NULL ? LOG_WARN : LOG_INFO, "replication", "vault", t->vault_id, "region",
	    t->status.region, "bytes", sent, "seconds", seconds, "missing", missing, "error",
	    why != NULL ? why->msg : NULL, NULL);
}

void replicator_look(struct replicator *r, struct target *t)
{
	int64_t began = clock_monotonic_us(), began_us = clock_now_us(r->world->clock);
	struct err why = { 0 };
	bool failed = look(r, t, &why) != 0;

	if (failed && why.kind == ERR_CANCELLED)
		return;		/* the server stops */
	conclude(r, t, began_us, failed ? &why : NULL);
	log_look(t, clock_monotonic_us() - began, failed ? &why : NULL);
	t->sent_before = t->status.bytes_sent;
}
