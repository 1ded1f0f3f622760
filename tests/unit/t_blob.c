/* t_blob.c - a storage account as a directory. */
#include "t.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "blob/blob.h"

static char root[64];

static int make_root(void **state)
{
	(void)state;
	(void)strcpy(root, "/tmp/holdfast-blob-XXXXXX");
	return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static void names_follow_azures_rules(void **state)
{
	static const char *const good[] = { "abc", "a-b-c", "0zz", "vm1-486c980f3f444fb494253f4581453ea0" };
	static const char *const bad[] = { "ab", "-ab", "ab-", "a--b", "Abc", "a_b", "a.b", "..", ".meta", "a/b" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(blob_container_name_valid(str_c(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(blob_container_name_valid(str_c(bad[i])));
	assert_true(blob_name_valid(STR("a/b.c/D e")));
	assert_false(blob_name_valid(STR("")));
	assert_false(blob_name_valid(STR("/a")));
	assert_false(blob_name_valid(STR("a//b")));
	assert_false(blob_name_valid(STR("a/../b")));
	assert_false(blob_name_valid(STR("..")));
	assert_false(blob_name_valid((struct str){ "a\0b", 3 }));
	assert_true(blob_account_name_valid(STR("abc123")));
	assert_false(blob_account_name_valid(STR("ABC")));
	assert_false(blob_account_name_valid(STR("ab")));
}

static void a_blob_is_read_back_with_its_properties(void **state)
{
	auto_json json_t *meta = json_pack("{s:s}", "ConfigBlobSize", "512");
	struct blob_props p = { 0 };
	char bytes[512] = "x", back[512];
	int fd = -1;
	struct err e;

	(void)state;
	OK(blob_container_create(root, "cont", &e));
	OK(blob_container_create(root, "cont", &e));
	OK(blob_put(root, "cont", "dir/config.json", bytes, sizeof(bytes), true, "application/octet-stream",
	    meta, &e));
	assert_int_equal(blob_open(root, "cont", "dir/config.json", &fd, &p, &e), 1);
	assert_true(p.page);
	assert_int_equal(p.size, 512);
	assert_string_equal(p.content_type, "application/octet-stream");
	assert_string_equal(jstr(p.metadata, "ConfigBlobSize", ""), "512");
	assert_true(p.etag[0] == '"' && p.modified_us > 0);
	assert_int_equal(read(fd, back, sizeof(back)), sizeof(back));
	assert_memory_equal(bytes, back, sizeof(back));
	(void)close(fd);
	blob_props_done(&p);
	assert_int_equal(blob_head(root, "cont", "nothere", &p, &e), 0);
	assert_int_equal(blob_head(root, "nothere", "x", &p, &e), 0);
	assert_int_equal(blob_head(root, "cont", "../cont/dir/config.json", &p, &e), 0);
	FAILS(blob_put(root, "cont", "../escape", "x", 1, false, "text/plain", NULL, &e), ERR_INVALID);
	FAILS(blob_put(root, "..", "escape", "x", 1, false, "text/plain", NULL, &e), ERR_INVALID);
}

static void a_file_is_no_blob_until_published(void **state)
{
	auto_free char *path = NULL;
	struct blob_props p = { 0 };
	struct err e;

	(void)state;
	OK(blob_path(root, "cont", "disk.vhd", &path, &e));
	FAILS(blob_publish(root, "cont", "disk.vhd", true, "application/octet-stream", NULL, &e),
	    ERR_NOT_FOUND);
	OK(fs_write_atomic(path, "abc", 3, 0600, &e));
	assert_int_equal(blob_head(root, "cont", "disk.vhd", &p, &e), 0);
	OK(blob_publish(root, "cont", "disk.vhd", true, "application/octet-stream", NULL, &e));
	assert_int_equal(blob_head(root, "cont", "disk.vhd", &p, &e), 1);
	assert_int_equal(p.size, 3);
	blob_props_done(&p);
}

struct seen {
	char text[256];
	int stop_after;
};

static int note(void *arg, const char *name, const struct blob_props *p, struct err *e)
{
	struct seen *s = arg;

	(void)p;
	(void)e;
	(void)strcat(strcat(s->text, name), " ");
	return s->stop_after > 0 && --s->stop_after == 0 ? 7 : 0;
}

static int note_container(void *arg, const char *name, int64_t modified_us, struct err *e)
{
	(void)modified_us;
	return note(arg, name, NULL, e);
}

static void lists_are_in_byte_order(void **state)
{
	static const char *const names[] = { "b", "a/z", "aa", "a.b", "a/b", "C" };
	struct seen s = { 0 };
	struct err e;

	(void)state;
	OK(blob_container_create(root, "listed", &e));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		OK(blob_put(root, "listed", names[i], "x", 1, false, "text/plain", NULL, &e));
	OK(blob_list(root, "listed", "", "", note, &s, &e));
	assert_string_equal(s.text, "C a.b a/b a/z aa b ");
	s.text[0] = '\0';
	OK(blob_list(root, "listed", "a/", "", note, &s, &e));
	assert_string_equal(s.text, "a/b a/z ");
	s.text[0] = '\0';
	OK(blob_list(root, "listed", "", "a.b", note, &s, &e));
	assert_string_equal(s.text, "a/b a/z aa b ");
	s = (struct seen){ .stop_after = 2 };
	assert_int_equal(blob_list(root, "listed", "", "", note, &s, &e), 7);
	assert_string_equal(s.text, "C a.b ");
	s = (struct seen){ 0 };
	OK(blob_container_list(root, note_container, &s, &e));
	assert_string_equal(s.text, "cont listed ");
}

static void what_is_removed_is_gone(void **state)
{
	struct blob_props p = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(blob_delete(root, "listed", "aa", &e), 1);
	assert_int_equal(blob_delete(root, "listed", "aa", &e), 0);
	assert_int_equal(blob_head(root, "listed", "aa", &p, &e), 0);
	assert_int_equal(blob_head(root, "listed", "a/b", &p, &e), 1);
	blob_props_done(&p);
	OK(blob_container_delete(root, "listed", &e));
	OK(blob_container_delete(root, "listed", &e));
	assert_int_equal(blob_head(root, "listed", "a/b", &p, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_follow_azures_rules),
		cmocka_unit_test(a_blob_is_read_back_with_its_properties),
		cmocka_unit_test(a_file_is_no_blob_until_published),
		cmocka_unit_test(lists_are_in_byte_order),
		cmocka_unit_test(what_is_removed_is_gone),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
