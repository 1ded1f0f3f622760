/* vault_crash.c - vault_crash DIR ROUNDS SEED: a process works on a vault and is killed, again and
 * again; after each time what it was told to be done must be there.
 *
 * DIR must not exist; it is removed if all was well.  A seed makes the same disks, the same work and the
 * same delays; where a kill hits is still the scheduler's business, so a failure may take several
 * rounds of the same seed to come back. */
#include "crash.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define LONGEST_MS 150u
#define ALL_EVERY 20u		/* rounds */
#define SAMPLE 3u

struct run {
	struct world w;
	struct vault *v;
	uint64_t seed, rng;
	unsigned round;
	off_t read_to;		/* of the log */
	unsigned kills, done[VERBS], interrupted[VERBS], refused;
	unsigned arrived, checked;	/* points that were there though nobody was told; restored */
};

static const char *const verb_names[VERBS + 1] = { "backup", "delete", "collection", "restore",
	"restore in place", "verification", "opening" };

/* ---- the log ---- */
static struct known_point *find(struct run *r, uint32_t op)
{
	for (size_t i = 0; i < r->w.count; i++)
		if (r->w.points[i].op == op)
			return &r->w.points[i];
	return NULL;
}

static void set_state(struct run *r, uint32_t op, enum state state)
{
	struct known_point *p = find(r, op);

	if (p != NULL)
		p->state = state;
}

static int begun(struct run *r, const struct line *l, struct err *e)
{
	struct known_point *p = find(r, l->point);

	r->interrupted[l->verb]++;
	if (l->op >= r->w.next_op)
		r->w.next_op = l->op + 1;
	if (l->verb == BACKUP) {
		if (r->w.count == ARRAY_LEN(r->w.points))
			return err_set(e, ERR_BUG, "too many points");
		r->w.points[r->w.count++] = (struct known_point){ .op = l->op, .item = l->item,
			.state = COMING, .disk = l->disk };
		return 0;
	}
	if (l->verb != COLLECT && p == NULL)
		return err_set(e, ERR_BUG, "the log speaks of point %u, which is unknown", l->point);
	if (l->verb == DELETE)
		set_state(r, l->point, GOING);
	if (l->verb == IN_PLACE)
		r->w.image_point = 0;
	return 0;
}

static void done(struct run *r, const struct line *l)
{
	r->interrupted[l->verb]--;
	r->done[l->verb]++;
	if (l->verb == BACKUP)
		set_state(r, l->op, ACKNOWLEDGED);
	if (l->verb == DELETE)
		set_state(r, l->point, GONE);
	if (l->verb == IN_PLACE) {
		r->w.image_point = l->point;
		r->w.image = l->disk;
	}
}

static int apply(struct run *r, const struct line *l, struct err *e)
{
	switch (l->phase) {
	case BEGUN:
		return begun(r, l, e);
	case DONE:
		done(r, l);
		return 0;
	case REFUSED:
		r->interrupted[l->verb]--;
		r->refused++;
		set_state(r, l->op, GONE);
		return 0;
	case BROKEN:
		return err_set(e, ERR_BUG, "a %s failed before the kill: %s", verb_names[l->verb],
		    l->what);
	}
	return 0;
}

/* A line that the kill cut short was not written. */
static int read_log(struct run *r, struct err *e)
{
	struct line l;

	while (pread(r->w.log, &l, sizeof(l), r->read_to) == (ssize_t)sizeof(l)) {
		r->read_to += (off_t)sizeof(l);
		if (apply(r, &l, e) != 0)
			return -1;
	}
	r->read_to = lseek(r->w.log, 0, SEEK_END);
	return 0;
}

/* ---- checks ---- */
static int count_files(struct run *r, const char *sub, struct err *e)
{
	char path[600];
	const struct dirent *de;
	int n = 0;
	DIR *h;

	(void)snprintf(path, sizeof(path), "%s/store/%s", r->w.dir, sub);
	h = opendir(path);
	if (h == NULL)
		return errno == ENOENT ? 0 : err_sys(e, errno, "listing '%s'", path);
	while ((de = readdir(h)) != NULL)
		n += de->d_name[0] != '.';
	(void)closedir(h);
	return n;
}

static int expect_files(struct run *r, const char *sub, int want, struct err *e)
{
	int n = count_files(r, sub, e);

	if (n > want)
		return err_set(e, ERR_BUG, "%d files are left in '%s'", n, sub);
	return n < 0 ? -1 : 0;
}

static int note(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	struct run *r = arg;
	struct known_point *p;

	if (damage != NULL)
		return err_set(e, ERR_BUG, "damaged: %.400s", damage->msg);
	if (strcmp(jstr(meta, "made", ""), point) != 0)
		return err_set(e, ERR_BUG, "point '%s' has the meta of another", point);
	p = find(r, (uint32_t)strtoul(point + 1, NULL, 10));
	if (p == NULL || p->state == GONE || strcmp(names_of(p->item, p->op).item, item) != 0)
		return err_set(e, ERR_BUG, "point '%s' of '%s' is back", point, item);
	p->is_listed = true;
	return 0;
}

static int check_point(struct run *r, const struct known_point *p, struct err *e)
{
	struct crash_names n = names_of(p->item, p->op);
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/restored", r->w.dir);
	r->checked++;
	return kit_check(r->v, n.item, n.point, &p->disk, path, e);
}

/* Every point is listed or not as it should be; whoever was on its way is whole, or not there. */
static int check_list(struct run *r, struct err *e)
{
	for (size_t i = 0; i < r->w.count; i++)
		r->w.points[i].is_listed = false;
	if (vault_point_list(r->v, NULL, note, r, e) != 0)
		return -1;
	for (size_t i = 0; i < r->w.count;) {
		struct known_point *p = &r->w.points[i];

		if (p->state == ACKNOWLEDGED && !p->is_listed)
			return err_set(e, ERR_BUG, "point %u is lost", p->op);
		if (!p->is_listed) {
			*p = r->w.points[--r->w.count];
			continue;
		}
		if (p->state != ACKNOWLEDGED) {
			r->arrived++;
			if (check_point(r, p, e) != 0)
				return -1;
		}
		p->state = ACKNOWLEDGED;
		i++;
	}
	return 0;
}

static int check_some(struct run *r, bool all, struct err *e)
{
	for (size_t i = 0; all && i < r->w.count; i++)
		if (check_point(r, &r->w.points[i], e) != 0)
			return -1;
	for (unsigned i = 0; !all && i < SAMPLE && r->w.count > 0; i++)
		if (check_point(r, &r->w.points[kit_pick(&r->rng, (uint32_t)r->w.count)], e) != 0)
			return -1;
	return 0;
}

static int collect(struct run *r, struct vault_collect_stats *st, struct err *e)
{
	if (vault_collect(r->v, NULL, st, e) != 0)
		return -1;
	return st->missing == 0 ? 0 :
	    err_set(e, ERR_BUG, "%lld chunks are missing", (long long)st->missing);
}

/* Garbage of the killed goes, and all of it: soon a collection finds nothing.  What is rewritten may
 * make one small pack too many, and then these are joined. */
static int check_collection(struct run *r, struct err *e)
{
	struct vault_collect_stats st;

	for (unsigned i = 0; i < 3; i++)
		if (collect(r, &st, e) != 0)
			return -1;
	if (st.removed_packs != 0 || st.compacted_packs != 0)
		return err_set(e, ERR_BUG, "collections leave %lld packs to remove and %lld to rewrite",
		    (long long)st.removed_packs, (long long)st.compacted_packs);
	return check_some(r, true, e);
}

static int check_image(struct run *r, struct err *e)
{
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/image", r->w.dir);
	return r->w.image_point == 0 ? 0 : kit_same(path, &r->w.image, e);
}

static int check(struct run *r, bool all, struct err *e)
{
	/* To remove what is not there takes the lock, and nothing else. */
	if (vault_point_delete(r->v, "nobody", "nothing", e) != 0)
		return -1;
	if (expect_files(r, "#tmp", 0, e) != 0 || check_image(r, e) != 0 || check_list(r, e) != 0)
		return -1;
	return all ? check_collection(r, e) : check_some(r, false, e);
}

static int open_vault(struct run *r, bool create, struct err *e)
{
	char store[600];

	(void)snprintf(store, sizeof(store), "%s/store", r->w.dir);
	return kit_open(store, r->w.key, create, &r->v, e);
}

static int reopen_and_check(struct run *r, bool all, struct err *e)
{
	int n;

	if (open_vault(r, false, e) != 0)
		return -1;
	n = check(r, all, e);
	vault_close(TAKE(r->v));
	return n;
}

/* ---- rounds ---- */
static int kill_one(struct run *r, struct err *e)
{
	uint32_t us = 1000 + kit_pick(&r->rng, (LONGEST_MS - 1) * 1000);
	uint64_t seed = kit_rnd(&r->rng) | 1;
	struct timespec delay = { .tv_nsec = (long)us * 1000 };
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return err_sys(e, errno, "forking");
	if (pid == 0)
		child_main(&r->w, seed);
	(void)nanosleep(&delay, NULL);
	(void)kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		return err_sys(e, errno, "waiting");
	r->kills += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	if (read_log(r, e) != 0)
		return -1;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		return err_set(e, ERR_BUG, "it ended by itself, with status %d", status);
	return 0;
}

/* When every point is removed, so is everything else. */
static int empty(struct run *r, struct err *e)
{
	struct vault_collect_stats st;
	int n = 0;

	if (open_vault(r, false, e) != 0)
		return -1;
	for (size_t i = 0; n >= 0 && i < r->w.count; i++) {
		struct crash_names x = names_of(r->w.points[i].item, r->w.points[i].op);

		n = vault_point_delete(r->v, x.item, x.point, e);
	}
	if (n >= 0)
		n = collect(r, &st, e);
	vault_close(TAKE(r->v));
	if (n < 0)
		return -1;
	return expect_files(r, "packs", 0, e) != 0 || expect_files(r, "damaged", 0, e) != 0 ||
	    expect_files(r, "#tmp", 0, e) != 0 ? -1 : 0;
}

static int begin(struct run *r, struct err *e)
{
	const struct kit_disk nothing = { .blocks = 1 };
	char path[600];

	for (unsigned i = 0; i < sizeof(r->w.key); i++)
		r->w.key[i] = (uint8_t)kit_rnd(&r->rng);
	r->w.next_op = 1;
	if (mkdir(r->w.dir, 0700) != 0)
		return err_sys(e, errno, "creating '%s'", r->w.dir);
	(void)snprintf(path, sizeof(path), "%s/image", r->w.dir);
	if (kit_write(path, &nothing, e) != 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/log", r->w.dir);
	r->w.log = open(path, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	if (r->w.log < 0)
		return err_sys(e, errno, "creating '%s'", path);
	if (open_vault(r, true, e) != 0)
		return -1;
	vault_close(TAKE(r->v));
	return 0;
}

static int all_rounds(struct run *r, unsigned rounds, struct err *e)
{
	if (begin(r, e) != 0)
		return -1;
	for (r->round = 1; r->round <= rounds; r->round++)
		if (kill_one(r, e) != 0 ||
		    reopen_and_check(r, r->round % ALL_EVERY == 0 || r->round == rounds, e) != 0)
			return -1;
	return empty(r, e);
}

int main(int argc, char **argv)
{
	static struct run r;
	unsigned rounds = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	struct err e = { 0 };

	if (rounds == 0 || strlen(argv[1]) >= sizeof(r.w.dir)) {
		fprintf(stderr, "usage: vault_crash DIR ROUNDS SEED\n");
		return 2;
	}
	strcpy(r.w.dir, argv[1]);
	r.seed = strtoull(argv[3], NULL, 0);
	r.rng = r.seed * 2 + 1;
	if (all_rounds(&r, rounds, &e) != 0) {
		printf("FAILED in round %u of seed %llu: %s\n'%s' is left as it was found\n", r.round,
		    (unsigned long long)r.seed, e.msg, r.w.dir);
		return 1;
	}
	printf("seed %llu: %u rounds, %u kills, %u points restored; %u points had arrived unacknowledged, "
	    "%u incrementals lost their base\n", (unsigned long long)r.seed, rounds, r.kills,
	    r.checked, r.arrived, r.refused);
	for (unsigned i = 0; i < VERBS; i++)
		printf("%s: %u done, %u interrupted\n", verb_names[i], r.done[i], r.interrupted[i]);
	(void)close(r.w.log);
	if (fs_remove_tree(r.w.dir, &e) != 0)
		fprintf(stderr, "%s\n", e.msg);
	return 0;
}
