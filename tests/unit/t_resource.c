/* t_resource.c - resource rows, principals and facts. */
#include "t.h"

#include "db/db.h"
#include "model/credential.h"
#include "model/assignment.h"
#include "model/principal.h"
#include "model/resource.h"
#include "parent.h"

#define SUB "/subscriptions/5ab0a1f0-0000-4000-8000-000000000001"
#define VM_ID(n) SUB "/resourceGroups/Web-RG/providers/" TYPE_VM "/" n

struct place {
	char dir[64], path[96];
	struct db *db;
	struct db_conn *c;	/* one write transaction a test */
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct err e = { 0 };

	assert_non_null(p);
	strcpy(p->dir, "/tmp/t_resource.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(p->path, sizeof(p->path), "%s/control.db", p->dir);
	OK(db_open(p->path, &p->db, &e));
	OK(db_write_begin(p->db, &p->c, &e));
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	db_rollback(&p->c);
	db_close(p->db);
	assert_int_equal(unlink(p->path), 0);	/* closing left no -wal beside it */
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static void put(struct place *p, const char *type, const char *id, const char *parent,
    const char *ref, int64_t sort)
{
	struct err e = { 0 };
	auto_resource struct resource r = { 0 };

	OK(resource_init(&r, type, id, "eastus", parent, json_pack("{s:{}}", "properties"), &e));
	OK(resource_set(&r.ref, ref, &e));
	r.sort = sort;
	put_parents(p->c, parent);
	OK(resource_put(p->c, &r, 1000, &e));
	assert_int_equal(r.version, 1);
}

static void a_resource_needs_its_parent(void **state)
{
	struct place *p = *state;
	auto_resource struct resource r = { 0 };
	struct err e;

	OK(resource_init(&r, TYPE_VM, VM_ID("orphan"), "eastus", SUB "/resourceGroups/gone",
	    json_object(), &e));
	FAILS(resource_put(p->c, &r, 1000, &e), ERR_NOT_FOUND);
	CONTAINS(e.msg, "/resourceGroups/gone");
	put_parents(p->c, SUB "/resourceGroups/Gone");
	OK(resource_put(p->c, &r, 1000, &e));
}

static void an_id_gives_subscription_group_and_name(void **state)
{
	struct err e = { 0 };
	auto_resource struct resource r = { 0 }, g = { 0 };

	(void)state;
	OK(resource_init(&r, TYPE_VM, VM_ID("Vm1"), "eastus", SUB "/resourceGroups/Web-RG",
	    json_object(), &e));
	assert_string_equal(r.subscription, "5ab0a1f0-0000-4000-8000-000000000001");
	assert_string_equal(r.group, "Web-RG");
	assert_string_equal(r.name, "Vm1");
	assert_string_equal(r.ref, "");
	OK(resource_init(&g, TYPE_GROUP, SUB "/resourceGroups/Web-RG", NULL, NULL, json_object(), &e));
	assert_string_equal(g.group, "Web-RG");
	assert_string_equal(g.name, "Web-RG");
	assert_string_equal(g.location, "");
	assert_string_equal(g.parent, "");
}

static void a_row_is_found_in_any_casing_and_keeps_its_own(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	auto_resource struct resource r = { 0 }, again = { 0 }, got = { 0 };

	OK(resource_init(&r, TYPE_VM, VM_ID("Vm1"), "eastus", NULL, json_pack("{s:i}", "n", 1), &e));
	OK(resource_put(p->c, &r, 1000, &e));
	OK(resource_init(&again, TYPE_VM, SUB "/resourcegroups/web-rg/providers/" TYPE_VM "/VM1",
	    "westus", NULL, json_pack("{s:i,s:s}", "n", 2, "t", "é\"\\"), &e));
	OK(resource_put(p->c, &again, 2000, &e));
	assert_string_equal(again.id, VM_ID("Vm1"));
	assert_int_equal(again.version, 2);
	assert_int_equal(again.created_us, 1000);
	assert_int_equal(resource_get(p->c, VM_ID("vM1"), &got, &e), 1);
	assert_string_equal(got.id, VM_ID("Vm1"));
	assert_string_equal(got.name, "Vm1");
	assert_string_equal(got.location, "westus");
	assert_string_equal(got.type, TYPE_VM);
	assert_int_equal(got.version, 2);
	assert_int_equal(got.created_us, 1000);
	assert_int_equal(got.changed_us, 2000);
	assert_int_equal(jint(got.body, "n", 0), 2);
	assert_string_equal(jstr(got.body, "t", ""), "é\"\\");
	assert_int_equal(resource_get(p->c, VM_ID("vm"), &got, &e), 0);
}

static void deleting_a_tree_takes_what_lies_below_and_nothing_beside(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	int64_t n = 0;

	put(p, TYPE_VM, VM_ID("a"), "", "", 0);
	put(p, TYPE_VM, VM_ID("a/x/b"), "", "", 0);
	put(p, TYPE_VM, VM_ID("a/x/c/y/d"), "", "", 0);
	put(p, TYPE_VM, VM_ID("ab"), "", "", 0);
	put(p, TYPE_VM, VM_ID("a-"), "", "", 0);
	put(p, TYPE_VM, VM_ID("a0"), "", "", 0);
	assert_int_equal(resource_delete_tree(p->c, VM_ID("A"), &e), 3);
	OK(resource_count(p->c, &(struct resource_query){ .type = TYPE_VM }, &n, &e));
	assert_int_equal(n, 3);
	assert_int_equal(resource_delete(p->c, VM_ID("AB"), &e), 1);
	assert_int_equal(resource_delete(p->c, VM_ID("ab"), &e), 0);
}

struct names {
	char text[256];
	char *cursor;
};

static int collect(void *arg, struct resource *r, struct err *e)
{
	struct names *n = arg;

	(void)e;
	(void)strcat(strcat(n->text, r->name), " ");
	free(n->cursor);
	n->cursor = resource_cursor(r);
	return 0;
}

#define LISTS(expected, ...) \
	do { \
		struct names got_ = { 0 }; \
		OK(resource_list(p->c, &(struct resource_query){ __VA_ARGS__ }, collect, &got_, \
		    &e)); \
		assert_string_equal(got_.text, expected); \
		free(got_.cursor); \
	} while (0)

static void lists_obey_every_restriction(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };

	put(p, TYPE_VM, VM_ID("b"), "/x/P1", "R1", 30);
	put(p, TYPE_VM, VM_ID("a"), "/x/P1", "R2", 10);
	put(p, TYPE_VM, VM_ID("c"), "/x/P2", "R1", 20);
	put(p, TYPE_DISK, SUB "/resourceGroups/other/providers/" TYPE_DISK "/d", "/x/P1", "R1", 40);
	LISTS("a b c ", .type = TYPE_VM);
	LISTS("b c a ", .type = TYPE_VM, .newest_first = true);
	LISTS("d b ", .parent = "/x/p1", .ref = "r1");
	LISTS("d ", .group = "OTHER");
	LISTS("a b c ", .group = "web-rg", .location = "EastUS");
	LISTS("", .subscription = "another");
	LISTS("b c ", .type = TYPE_VM, .sort_from = 20, .sort_to = 30);
	LISTS("b ", .type = TYPE_VM, .newest_first = true, .limit = 1);
}

static void pages_join_into_the_whole_list(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };

	for (int i = 0; i < 25; i++) {
		char id[200];

		(void)snprintf(id, sizeof(id), "%s%c", VM_ID("v"), 'a' + i);
		put(p, TYPE_VM, id, "", "", i / 3);	/* several with one sort value */
	}
	for (int newest_first = 0; newest_first < 2; newest_first++) {
		struct names whole = { 0 }, pages = { 0 };
		struct resource_query q = { .type = TYPE_VM, .newest_first = newest_first };

		OK(resource_list(p->c, &q, collect, &whole, &e));
		q.limit = 4;
		for (int i = 0; i < 7; i++) {
			auto_free char *after = pages.cursor != NULL ? strdup(pages.cursor) : NULL;

			q.after = after;
			OK(resource_list(p->c, &q, collect, &pages, &e));
		}
		assert_int_equal(strlen(whole.text), 25 * 3);
		assert_string_equal(pages.text, whole.text);
		free(whole.cursor);
		free(pages.cursor);
	}
	FAILS(resource_list(p->c, &(struct resource_query){ .after = "nonsense" }, collect, NULL, &e),
	    ERR_INVALID);
}

static int stop(void *arg, struct resource *r, struct err *e)
{
	(void)e;
	*(struct resource *)arg = *r;
	*r = (struct resource){ 0 };
	return 7;
}

static void the_callback_can_stop_and_keep_the_row(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	auto_resource struct resource kept = { 0 };

	put(p, TYPE_VM, VM_ID("a"), "", "", 0);
	put(p, TYPE_VM, VM_ID("b"), "", "", 0);
	assert_int_equal(resource_list(p->c, &(struct resource_query){ 0 }, stop, &kept, &e), 7);
	assert_string_equal(kept.name, "a");
}

static void principals_and_facts_come_back(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	struct principal owner = { .client_id = "ABCDEF00-0000-4000-8000-000000000000",
		.object_id = "o", .name = "admin", .role = "Owner" }, got = { 0 };
	auto_free char *value = NULL;

	assert_int_equal(principal_get(p->c, owner.client_id, &got, &e), 0);
	OK(principal_put(p->c, &owner, &e));
	(void)strcpy(owner.name, "admin2");
	OK(principal_put(p->c, &owner, &e));
	assert_int_equal(principal_get(p->c, "abcdef00-0000-4000-8000-000000000000", &got, &e), 1);
	assert_string_equal(got.client_id, "abcdef00-0000-4000-8000-000000000000");
	assert_string_equal(got.role, "Owner");
	assert_string_equal(got.name, "admin2");
	assert_int_equal(fact_get(p->c, "tenant", &value, &e), 0);
	OK(fact_put(p->c, "tenant", "one", &e));
	OK(fact_put(p->c, "tenant", "two", &e));
	assert_int_equal(fact_get(p->c, "tenant", &value, &e), 1);
	assert_string_equal(value, "two");
}

static struct credential make(const char *client, unsigned n, enum credential_kind kind)
{
	struct credential k = { .kind = kind, .created_us = n };

	(void)strcpy(k.client_id, client);
	(void)snprintf(k.id, sizeof(k.id), "id%u", n);
	(void)snprintf(k.secret, sizeof(k.secret), "hash%u", n);
	return k;
}

static void credentials_come_in_order_and_end(void **state)
{
	auto_credentials struct credentials list = { 0 }, later = { 0 };
	struct place *p = *state;
	struct err e = { 0 };
	struct credential k;

	for (unsigned i = 3; i > 0; i--) {
		k = make("a", i, CREDENTIAL_SECRET);
		k.expires_us = i == 1 ? 50 : 0;
		OK(credential_add(p->c, &k, &e));
	}
	k = make("a", 4, CREDENTIAL_CERTIFICATE);
	OK(credential_add(p->c, &k, &e));
	FAILS(credential_add(p->c, &k, &e), ERR_CONFLICT);
	OK(credentials_expire(p->c, "a", CREDENTIAL_SECRET, "id3", 100, &e));
	OK(credentials_load(p->c, "a", &list, &e));
	assert_int_equal(list.count, 4);
	for (unsigned i = 0; i < 4; i++) {
		static const int64_t want[] = { 50, 100, 0, 0 };

		assert_int_equal(list.all[i].created_us, i + 1);
		assert_int_equal(list.all[i].expires_us, want[i]);
	}
	assert_true(credential_is_over(&list.all[1], 100));
	assert_false(credential_is_over(&list.all[1], 99));
	assert_false(credential_is_over(&list.all[2], INT64_MAX));
	assert_int_equal(credential_delete(p->c, "a", "id2", &e), 1);
	assert_int_equal(credential_delete(p->c, "a", "id2", &e), 0);
	OK(credentials_load(p->c, "a", &later, &e));
	assert_int_equal(later.count, 3);
}

static void a_subject_is_one_principal_and_goes_with_it(void **state)
{
	struct place *p = *state;
	const struct principal who = { .client_id = "a", .object_id = "o", .name = "n",
		.role = "Owner" };
	struct credential k = make("a", 1, CREDENTIAL_FEDERATED), got;
	struct err e = { 0 };

	OK(principal_put(p->c, &who, &e));
	(void)strcpy(k.issuer, "https://issuer");
	(void)strcpy(k.subject, "repo:x");
	OK(credential_add(p->c, &k, &e));
	(void)strcpy(k.client_id, "b");
	FAILS(credential_add(p->c, &k, &e), ERR_CONFLICT);
	assert_int_equal(credential_by_subject(p->c, "https://issuer", "repo:y", &got, &e), 0);
	assert_int_equal(credential_by_subject(p->c, "https://issuer", "repo:x", &got, &e), 1);
	assert_string_equal(got.client_id, "a");
	assert_int_equal(principal_delete(p->c, "a", &e), 1);
	assert_int_equal(credential_by_subject(p->c, "https://issuer", "repo:x", &got, &e), 0);
	assert_int_equal(principal_delete(p->c, "a", &e), 0);
}

static void a_principal_has_so_many_credentials_at_most(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };
	struct credential k;

	for (unsigned i = 0; i < CREDENTIALS_MAX; i++) {
		k = make("a", i, CREDENTIAL_SECRET);
		OK(credential_add(p->c, &k, &e));
	}
	k = make("a", 1000, CREDENTIAL_SECRET);
	FAILS(credential_add(p->c, &k, &e), ERR_INVALID);
	CONTAINS(e.msg, "principal 'a' has 20 credentials");
}

#define RG_ID SUB "/resourceGroups/Web-RG"
#define NOBODY "00000000-0000-4000-8000-0000000000ff"
#define SOMEBODY "00000000-0000-4000-8000-0000000000aa"
#define READER "acdd72a7-3385-48ef-bd42-f606fba81ae7"

static int give(struct place *p, const char *name, const char *who, const char *scope, struct err *e)
{
	struct assignment a = { .scope = scope, .created_us = 1000 };

	(void)snprintf(a.name, sizeof(a.name), "00000000-0000-4000-8000-0000000000%s", name);
	(void)snprintf(a.object_id, sizeof(a.object_id), "%s", who);
	(void)snprintf(a.role, sizeof(a.role), "%s", READER);
	return assignment_put(p->c, &a, e);
}

static int add_scope(void *arg, const struct assignment *a, struct err *e)
{
	struct buf *b = arg;

	(void)e;
	buf_addf(b, "%s;", a->scope + strlen(SUB));
	return 0;
}

static void list_is(struct place *p, const char *scope, const char *who, bool below,
    const char *want)
{
	const struct assignment_query q = { scope, who, below };
	auto_buf struct buf b = { 0 };
	struct err e = { 0 };

	buf_adds(&b, ":");
	OK(assignment_list(p->c, &q, add_scope, &b, &e));
	assert_string_equal(b.p, want);
}

static void assignments_hold_above_and_below(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };

	assert_int_equal(give(p, "01", SOMEBODY, SUB, &e), 1);
	assert_int_equal(give(p, "02", SOMEBODY, RG_ID, &e), 1);
	assert_int_equal(give(p, "03", NOBODY, VM_ID("a"), &e), 1);
	assert_int_equal(give(p, "04", NOBODY, RG_ID "2", &e), 1);
	list_is(p, SUB "/RESOURCEGROUPS/web-rg", NULL, false, ":;/resourceGroups/Web-RG;");
	list_is(p, RG_ID, NULL, true,
	    ":;/resourceGroups/Web-RG;/resourceGroups/Web-RG/providers/" TYPE_VM "/a;");
	list_is(p, VM_ID("a"), SOMEBODY, false, ":;/resourceGroups/Web-RG;");
	list_is(p, SUB, NOBODY, false, ":");
}

static void an_assignment_is_made_once(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };

	assert_int_equal(give(p, "01", SOMEBODY, RG_ID, &e), 1);
	assert_int_equal(give(p, "01", SOMEBODY, SUB "/RESOURCEGROUPS/WEB-RG", &e), 0);
	FAILS(give(p, "02", SOMEBODY, RG_ID, &e), ERR_CONFLICT);
	assert_string_equal(e.code, "RoleAssignmentExists");
	CONTAINS(e.msg, "000001'");
	FAILS(give(p, "01", NOBODY, RG_ID, &e), ERR_CONFLICT);
	assert_string_equal(e.code, "RoleAssignmentUpdateNotPermitted");
	assert_int_equal(assignment_delete(p->c, "00000000-0000-4000-8000-000000000001", SUB, &e), 0);
	assert_int_equal(
	    assignment_delete(p->c, "00000000-0000-4000-8000-000000000001", RG_ID, &e), 1);
	list_is(p, RG_ID, NULL, true, ":");
}

static void a_deleted_resource_takes_its_assignments_along(void **state)
{
	struct place *p = *state;
	struct err e = { 0 };

	put(p, TYPE_GROUP, RG_ID, "", "", 0);
	put(p, TYPE_VM, VM_ID("a"), RG_ID, "", 0);
	assert_int_equal(give(p, "01", SOMEBODY, SUB, &e), 1);
	assert_int_equal(give(p, "02", SOMEBODY, VM_ID("A") "/extensions/x", &e), 1);
	assert_int_equal(give(p, "03", SOMEBODY, VM_ID("aa"), &e), 1);
	assert_int_equal(give(p, "04", SOMEBODY, RG_ID, &e), 1);
	assert_int_equal(resource_delete(p->c, VM_ID("a"), &e), 1);
	list_is(p, RG_ID, NULL, true, ":;/resourceGroups/Web-RG;/resourceGroups/Web-RG/providers/"
	    TYPE_VM "/aa;");
	assert_int_equal(resource_delete_tree(p->c, RG_ID, &e), 1);
	list_is(p, RG_ID, NULL, true, ":;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_id_gives_subscription_group_and_name, setup, teardown),
		cmocka_unit_test_setup_teardown(a_resource_needs_its_parent, setup, teardown),
		cmocka_unit_test_setup_teardown(a_row_is_found_in_any_casing_and_keeps_its_own, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(deleting_a_tree_takes_what_lies_below_and_nothing_beside,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(lists_obey_every_restriction, setup, teardown),
		cmocka_unit_test_setup_teardown(pages_join_into_the_whole_list, setup, teardown),
		cmocka_unit_test_setup_teardown(the_callback_can_stop_and_keep_the_row, setup, teardown),
		cmocka_unit_test_setup_teardown(principals_and_facts_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(credentials_come_in_order_and_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_subject_is_one_principal_and_goes_with_it, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(a_principal_has_so_many_credentials_at_most, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(assignments_hold_above_and_below, setup, teardown),
		cmocka_unit_test_setup_teardown(an_assignment_is_made_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_deleted_resource_takes_its_assignments_along, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
