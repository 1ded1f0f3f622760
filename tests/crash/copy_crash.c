/* copy_crash.c - copy_crash DIR ROUNDS SEED: a process that brings a copy of a vault up to date is
 * killed, again and again.  After each time the copy, alone, restores every point that it shows; at the end it
 * has all points, and was sent little more than it holds.
 *
 * Between kills the vault goes on: points come and go, and packs are rewritten.  DIR must not exist; it
 * is removed if all was well. */
#include "../unit/vault_kit.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "vault/copy.h"

#define POINTS_MAX 24u
#define NAMES_MAX (8 * POINTS_MAX)	/* the copy may have some that are gone */
#define LONGEST_MS 60u
#define BLOCKS 320u		/* 20 MiB */

struct point {
	char name[16];
	struct kit_disk disk;
};

struct run {
	char dir[512], store[600], copy[600], image[600], out[600];
	uint8_t key[32];
	uint64_t seed, rng;
	unsigned round, next, kills, checked;
	struct kit_disk disk;	/* as it is now */
	struct point *points;	/* owned, POINTS_MAX */
	size_t count;
};

/* ---- the process that is killed ---- */
struct way {
	struct vault *from, *to;
	struct vault_copy_stats sent;
};

static int copy_one(void *arg, const char *object, struct err *e)
{
	struct way *w = arg;

	return vault_copy_point(w->from, w->to, object, NULL, &w->sent, e) < 0 ? -1 : 0;
}

struct names {
	char (*p)[VAULT_NAME_SIZE];
	size_t n;
};

static int note(void *arg, const char *object, struct err *e)
{
	struct names *l = arg;

	if (l->n == NAMES_MAX)
		return err_set(e, ERR_BUG, "points that are gone are not removed from the copy");
	(void)snprintf(l->p[l->n++], VAULT_NAME_SIZE, "%s", object);
	return 0;
}

static bool is_known(struct vault *v, const char *object)
{
	struct vault_point *p = NULL;
	struct err ignored;

	if (vault_point_open_object(v, object, &p, &ignored) != 0)
		return false;
	vault_point_close(p);
	return true;
}

static int drop_gone(struct way *w, struct err *e)
{
	char names[NAMES_MAX][VAULT_NAME_SIZE];
	struct names l = { names, 0 };

	if (vault_point_names(w->to, note, &l, e) != 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (!is_known(w->from, names[i]) && vault_point_delete_object(w->to, names[i], e) != 0)
			return -1;
	return 0;
}

/* Copy what is lacking, remove what is gone, collect. */
static int update(struct way *w, struct err *e)
{
	struct vault_collect_stats st;

	if (vault_point_names(w->from, copy_one, w, e) != 0 || drop_gone(w, e) != 0 ||
	    vault_collect(w->to, NULL, &st, e) != 0)
		return -1;
	return st.missing == 0 ? 0 :
	    err_set(e, ERR_BUG, "the copy lacks %lld chunks", (long long)st.missing);
}

static int open_both(struct run *r, struct way *w, struct err *e)
{
	struct object_store *s = NULL;
	int result;

	if (kit_open(r->store, r->key, false, &w->from, e) != 0 ||
	    object_dir_open(r->copy, true, &s, e) != 0)
		return -1;
	result = vault_copy_begin(w->from, s, e);
	object_close(s);
	return result != 0 ? -1 : kit_open(r->copy, r->key, false, &w->to, e);
}

static int update_once(struct run *r, struct vault_copy_stats *ret, struct err *e)
{
	struct way w = { 0 };
	int result = open_both(r, &w, e) == 0 ? update(&w, e) : -1;

	vault_close(w.to);
	vault_close(w.from);
	*ret = w.sent;
	return result;
}

_Noreturn static void child_main(struct run *r)
{
	struct vault_copy_stats sent;
	struct err e = { 0 };

	if (update_once(r, &sent, &e) == 0)
		_exit(0);
	fprintf(stderr, "the process that copies: %s\n", e.msg);
	_exit(1);
}

static int kill_one(struct run *r, struct err *e)
{
	uint32_t us = 1000 + kit_pick(&r->rng, (LONGEST_MS - 1) * 1000);
	struct timespec delay = { .tv_nsec = (long)us * 1000 };
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return err_sys(e, errno, "forking");
	if (pid == 0)
		child_main(r);
	(void)nanosleep(&delay, NULL);
	(void)kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		return err_sys(e, errno, "waiting");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		r->kills++;
		return 0;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 :
	    err_set(e, ERR_BUG, "it ended by itself, with status %d", status);
}

/* ---- the vault goes on ---- */
static int add_point(struct run *r, struct vault *v, struct err *e)
{
	struct extent dirty[64];
	struct point *p = &r->points[r->count];

	(void)kit_change(&r->rng, &r->disk, 1 + kit_pick(&r->rng, 40), dirty);
	(void)snprintf(p->name, sizeof(p->name), "p%05u", r->next++);
	p->disk = r->disk;
	if (kit_write(r->image, &r->disk, e) != 0 ||
	    kit_backup(v, "vm", p->name, r->image, NULL, 256 << 10, e) != 0)
		return -1;
	r->count++;
	return 0;
}

static int drop_point(struct run *r, struct vault *v, struct err *e)
{
	size_t i = kit_pick(&r->rng, (uint32_t)r->count);
	struct vault_collect_opts opts = { .compact_percent = kit_pick(&r->rng, 2) == 0 ? 70 : 100 };
	struct vault_collect_stats st;

	if (vault_point_delete(v, "vm", r->points[i].name, e) < 0 ||
	    vault_collect(v, &opts, &st, e) != 0)
		return -1;
	r->points[i] = r->points[--r->count];
	return 0;
}

static int go_on(struct run *r, struct err *e)
{
	struct vault *v = NULL;
	int result = kit_open(r->store, r->key, false, &v, e);

	if (result == 0)
		result = add_point(r, v, e);
	while (result == 0 && r->count > 2 &&
	    (r->count == POINTS_MAX || kit_pick(&r->rng, 3) == 0))
		result = drop_point(r, v, e);
	vault_close(v);
	return result;
}

/* ---- the copy alone ---- */
static int check(struct run *r, size_t *ret_shown, struct err *e)
{
	struct vault *v = NULL;
	struct vault_point *p;

	*ret_shown = 0;
	if (kit_open(r->copy, r->key, false, &v, e) != 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;	/* killed before there was a copy */
	for (size_t i = 0; i < r->count; i++) {
		if (vault_point_open(v, "vm", r->points[i].name, &p, e) != 0) {
			if (e->kind == ERR_NOT_FOUND)
				continue;
			break;
		}
		vault_point_close(p);
		++*ret_shown;
		r->checked++;
		*e = (struct err){ 0 };
		if (kit_check(v, "vm", r->points[i].name, &r->points[i].disk, r->out, e) != 0)
			break;
	}
	vault_close(v);
	return e->kind == ERR_NONE || e->kind == ERR_NOT_FOUND ? 0 : -1;
}

static int finish(struct run *r, struct err *e)
{
	struct vault_copy_stats sent;
	size_t shown;

	if (update_once(r, &sent, e) != 0 || check(r, &shown, e) != 0)
		return -1;
	if (shown != r->count)
		return err_set(e, ERR_BUG, "the copy shows %zu of %zu points", shown, r->count);
	if (update_once(r, &sent, e) != 0)
		return -1;
	return sent.bytes == 0 ? 0 : err_set(e, ERR_BUG, "%lld bytes were sent again",
	    (long long)sent.bytes);
}

/* ---- rounds ---- */
static int begin(struct run *r, struct err *e)
{
	struct vault *v = NULL;

	for (unsigned i = 0; i < sizeof(r->key); i++)
		r->key[i] = (uint8_t)kit_rnd(&r->rng);
	r->points = calloc(POINTS_MAX + 1, sizeof(*r->points));
	if (r->points == NULL)
		return err_nomem(e);
	(void)snprintf(r->store, sizeof(r->store), "%s/store", r->dir);
	(void)snprintf(r->copy, sizeof(r->copy), "%s/copy", r->dir);
	(void)snprintf(r->image, sizeof(r->image), "%s/image", r->dir);
	(void)snprintf(r->out, sizeof(r->out), "%s/out", r->dir);
	if (mkdir(r->dir, 0700) != 0)
		return err_sys(e, errno, "creating '%s'", r->dir);
	kit_random(&r->rng, &r->disk, BLOCKS, 20, 60);
	if (kit_open(r->store, r->key, true, &v, e) != 0)
		return -1;
	vault_close(v);
	return 0;
}

static int all_rounds(struct run *r, unsigned rounds, struct err *e)
{
	size_t shown;

	if (begin(r, e) != 0)
		return -1;
	for (r->round = 1; r->round <= rounds; r->round++) {
		if (go_on(r, e) != 0 || kill_one(r, e) != 0 || check(r, &shown, e) != 0)
			return -1;
		if (r->round % 10 == 0 && finish(r, e) != 0)
			return -1;
	}
	return finish(r, e);
}

int main(int argc, char **argv)
{
	static struct run r;
	unsigned rounds = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	struct err e = { 0 };

	if (rounds == 0 || strlen(argv[1]) >= sizeof(r.dir)) {
		fprintf(stderr, "usage: copy_crash DIR ROUNDS SEED\n");
		return 2;
	}
	strcpy(r.dir, argv[1]);
	r.seed = strtoull(argv[3], NULL, 0);
	r.rng = r.seed * 2 + 1;
	if (all_rounds(&r, rounds, &e) != 0) {
		printf("FAILED in round %u of seed %llu: %s\n'%s' is left as it was found\n", r.round,
		    (unsigned long long)r.seed, e.msg, r.dir);
		return 1;
	}
	printf("seed %llu: %u rounds, %u kills, %u points restored from the copy\n",
	    (unsigned long long)r.seed, rounds, r.kills, r.checked);
	free(r.points);
	if (fs_remove_tree(r.dir, &e) != 0)
		fprintf(stderr, "%s\n", e.msg);
	return 0;
}
