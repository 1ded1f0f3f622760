/* t_settings.c - holdfast.conf: what is read, what is refused and where, what a new one says. */
#include "t.h"

#include <stdlib.h>

#include "base/fs.h"
#include "work/settings.h"

#define REGION "[region eastus]\nstore = s\n"

static struct settings *parse(const char *text)
{
	struct settings *s = NULL;
	struct err e;

	OK(settings_parse(str_c(text), "f.conf", "/data", &s, &e));
	return s;
}

static void presets_hold_where_the_file_is_silent(void **state)
{
	struct settings *s = parse(REGION);

	(void)state;
	assert_string_equal(s->dir, "/data");
	assert_string_equal(s->listen, "127.0.0.1:8443");
	assert_string_equal(s->host_names[0], "localhost");
	assert_string_equal(s->host_names[1], "127.0.0.1");
	assert_string_equal(s->host_names[2], "::1");
	assert_null(s->host_names[3]);
	assert_null(s->image_dirs[0]);
	assert_int_equal(s->retry_after_s, 60);
	assert_int_equal(s->token_lifetime_s, 3600);
	assert_int_equal(s->assertion_uses, 20);
	assert_int_equal(s->connections_per_address, 256);
	assert_int_equal(s->reads.bucket, 250);
	assert_int_equal(s->reads.refill, 25);
	assert_int_equal(s->writes.bucket, 200);
	assert_int_equal(s->writes.refill, 10);
	assert_int_equal(s->deletes.bucket, 200);
	assert_int_equal(s->deletes.refill, 10);
	assert_int_equal(s->region_count, 1);
	assert_string_equal(s->regions[0].store, "/data/s");
	assert_string_equal(s->regions[0].pair, "");
	assert_true(region_is_here(&s->regions[0]));
	assert_int_equal(s->replication_interval_s, 60);
	assert_int_equal(s->replication_mib, 0);
	assert_int_equal(s->archive_days, 90);
	assert_null(s->regions[0].archive);
	settings_free(s);
	settings_free(NULL);
}

static void every_key_is_read(void **state)
{
	struct settings *s = parse("# comment\n; comment\n[server]\nlisten = [::1]:0\n"
	    "names = a.example , b\nretry_after = 1\napi_workers=2\njob_workers = 3\nchunk_kib = 1024\n"
	    "connections_max = 10\nconnections_per_address = 7\n"
	    "reads_bucket = 0\nwrites_refill = 3\nsign_ins_bucket = 4\nwrong_secrets_refill = 5\ntoken_lifetime = 600\n"
	    "replication_interval = 5\nreplication_limit = 40\n\n[images]\npath = images\n"
	    "  path = /srv/my images ; odd\n[region eastus]\npair = westus\nstore = /mnt/e\n"
	    "[region westus]\nstore = stores/w\npair = eastus\n");

	(void)state;
	assert_string_equal(s->listen, "[::1]:0");
	assert_string_equal(s->host_names[0], "a.example");
	assert_string_equal(s->host_names[1], "b");
	assert_null(s->host_names[2]);
	assert_int_equal(s->retry_after_s, 1);
	assert_int_equal(s->api_workers, 2);
	assert_int_equal(s->job_workers, 3);
	assert_int_equal(s->chunk_kib, 1024);
	assert_int_equal(s->connections_max, 10);
	assert_int_equal(s->connections_per_address, 7);
	assert_int_equal(s->reads.bucket, 0);
	assert_int_equal(s->writes.refill, 3);
	assert_int_equal(s->sign_ins.bucket, 4);
	assert_int_equal(s->wrong_secrets.refill, 5);
	assert_int_equal(s->token_lifetime_s, 600);
	assert_int_equal(s->replication_interval_s, 5);
	assert_int_equal(s->replication_mib, 40);
	assert_string_equal(s->image_dirs[0], "/data/images");
	assert_string_equal(s->image_dirs[1], "/srv/my images ; odd");
	assert_null(s->image_dirs[2]);
	assert_int_equal(s->region_count, 2);
	assert_string_equal(s->regions[0].pair, "westus");
	assert_string_equal(s->regions[0].store, "/mnt/e");
	assert_string_equal(s->regions[1].store, "/data/stores/w");
	assert_ptr_equal(settings_region(s, "West US"), &s->regions[1]);
	assert_ptr_equal(settings_region(s, "EASTUS"), &s->regions[0]);
	assert_null(settings_region(s, "east"));
	assert_null(settings_region(s, "eastus2"));
	assert_null(settings_region(s, ""));
	settings_free(s);
}

static void errors_name_file_line_and_key(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "[server]\nretry_after = 3601\n",
		    "f.conf:2: retry_after: '3601' is not a number from 0 to 3600" },
		{ "[server]\nretry_after = 1x\n", "f.conf:2: retry_after: '1x'" },
		{ "[server]\nretry_after =\n", "f.conf:2: retry_after: ''" },
		{ "[server]\napi_workers = 99999999999999999999\n", "f.conf:2: api_workers" },
		{ "\n[server]\nport = 1\n", "f.conf:3: port: unknown key" },
		{ "[server]\npath = x\n", "f.conf:2: path: unknown key" },
		{ "listen = x\n", "f.conf:1: listen: key before any section" },
		{ "[serve]\nlisten = x\n", "f.conf:1: [serve]: unknown section" },
		{ "[]\n", "f.conf:1: []: unknown section" },
		{ "[server]\nlisten = localhost:1\n",
		    "f.conf:2: listen: 'localhost' is not a numeric IPv4" },
		{ "[server]\nlisten = 127.0.0.1\n",
		    "f.conf:2: listen: '127.0.0.1' is not of the form" },
		{ "[server]\nlisten = 127.0.0.1:65536\n", "f.conf:2: listen:" },
		{ "[server]\nlisten = 127.0.0.1:-1\n", "f.conf:2: listen:" },
		{ "[server]\nlisten = ::1:8443\n", "f.conf:2: listen:" },
		{ "[server]\nlisten = [127.0.0.1]:8443\n", "f.conf:2: listen:" },
		{ "[server]\nretry_after = 1\nretry_after = 1\n",
		    "f.conf:3: retry_after: given twice" },
		{ "[server]\nnames = a, ,b\n", "f.conf:2: names:" },
		{ "[server]\nnames = a/b\n", "f.conf:2: names: 'a/b' is not a host name" },
		{ "[server]\nnames = a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\n",
		    "f.conf:2: names: more than 16" },
		{ "[images]\npath =\n", "f.conf:2: path: a directory is missing" },
		{ "[region East US]\n",
		    "f.conf:1: [region East US]: 'East US' is not a region's name" },
		{ "[region ]\n", "f.conf:1: [region ]" },
		{ REGION REGION,
		    "f.conf:3: [region eastus]: a second section for region 'eastus'" },
		{ "[region eastus]\nstore = a\nstore = b\n", "f.conf:3: store: given twice" },
		{ "[server]\nnonsense\n", "f.conf:2: neither" },
		{ "[server\n", "f.conf:1: neither" },
		{ "", "f.conf: no region" },
		{ "[region eastus]\n", "f.conf: [region eastus]: store is missing" },
		{ "[server]\nchunk_kib = 128\n", "f.conf:2: chunk_kib: '128'" },
		{ "[server]\nchunk_kib = 300\n" REGION, "f.conf: chunk_kib: 300 is not a power" },
		{ REGION "pair = westus\n",
		    "f.conf: [region eastus]: pair: 'westus' is not another region" },
		{ REGION "pair = eastus\n", "f.conf: [region eastus]: pair" },
		{ REGION "pair = ../x\n", "f.conf:3: pair: '../x' is not a region's name" },
		{ REGION "[region westus]\nstore = s\n",
		    "f.conf: [region westus]: store: region 'eastus' has" },
		{ REGION "archive = s\n",
		    "f.conf: [region eastus]: archive: region 'eastus' has that directory" },
		{ REGION "archive = a\n[region westus]\nstore = w\narchive = a\n",
		    "f.conf: [region westus]: archive: region 'eastus' has that directory" },
		{ REGION "[region westus]\nserver = https://b.example\narchive = a\n",
		    "f.conf: [region westus]: archive: the region is another server's" },
		{ REGION "archive =\n", "f.conf:3: archive: a directory is missing" },
		{ "[server]\narchive_after = -1\n", "f.conf:2: archive_after: '-1'" },
		{ REGION "server = b.example:8443\n",
		    "f.conf:3: server: 'b.example:8443' is not a server's URL" },
		{ REGION "server = http://b.example\n", "f.conf:3: server:" },
		{ REGION "server = https://b.example/\n", "f.conf:3: server:" },
		{ REGION "server = https://b.example:0\n", "f.conf:3: server:" },
		{ REGION "server = https://b.example:8443x\n", "f.conf:3: server:" },
		{ REGION "server = https://b.example:65536\n", "f.conf:3: server:" },
		{ REGION "server = https://user@b.example\n", "f.conf:3: server:" },
		{ REGION "server = https://\n", "f.conf:3: server:" },
		{ REGION "server = https://[b]:1\n", "f.conf:3: server:" },
		{ REGION "server = https://[::1\n", "f.conf:3: server:" },
		{ REGION "server = https://b.example\n", "f.conf: every region is another server's" },
		{ "[server]\nreplication_interval = 0\n", "f.conf:2: replication_interval: '0'" },
	};
	struct settings *s = NULL;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		FAILS(settings_parse(str_c(rows[i].text), "f.conf", "/data", &s, &e), ERR_INVALID);
		if (strncmp(e.msg, rows[i].want, strlen(rows[i].want)) != 0)
			fail_msg("'%s' gave '%s'", rows[i].text, e.msg);
	}
	FAILS(settings_parse(STR("[server]\n\0[x]\n"), "f.conf", "/data", &s, &e), ERR_INVALID);
	CONTAINS(e.msg, "f.conf:2: ");
	assert_null(s);
}

static const char *pair_of(const struct settings *s, const char *name)
{
	return settings_region(s, name)->pair;
}

static void a_region_without_pair_has_azures(void **state)
{
	struct settings *s = parse("[region westus3]\nstore = a\n[region eastus]\nstore = b\n"
	    "[region westus]\nstore = c\n[region brazilsouth]\nstore = d\n[region mars]\nstore = e\n"
	    "[region uksouth]\nstore = f\npair = mars\n[region ukwest]\nstore = g\npair =\n");

	(void)state;
	assert_string_equal(pair_of(s, "eastus"), "westus");
	assert_string_equal(pair_of(s, "westus"), "eastus");
	assert_string_equal(pair_of(s, "westus3"), "eastus");	/* which has another */
	assert_string_equal(pair_of(s, "brazilsouth"), "");	/* southcentralus is not here */
	assert_string_equal(pair_of(s, "mars"), "");
	assert_string_equal(pair_of(s, "uksouth"), "mars");	/* what is said goes first */
	assert_string_equal(pair_of(s, "ukwest"), "");
	settings_free(s);
}

static void a_region_may_be_another_servers(void **state)
{
	static const char *const urls[] = { "https://b.example", "https://b.example:8443",
		"https://10.0.0.2:1", "https://[fd00::2]:65535", "https://[::1]" };
	const struct region_settings *copies = NULL;
	struct settings *s;
	char text[256];
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		(void)snprintf(text, sizeof(text), REGION "[region westus]\nserver = %s\n", urls[i]);
		s = parse(text);
		assert_false(region_is_here(settings_region(s, "westus")));
		assert_string_equal(settings_region(s, "westus")->server, urls[i]);
		assert_null(settings_region(s, "westus")->store);
		assert_true(region_is_here(settings_region(s, "eastus")));
		settings_free(s);
	}
	/* copies need a pair, and its store */
	s = parse(REGION "[region westus]\nserver = https://b.example\n");
	FAILS(settings_copy_region(s, "eastus", &copies, &e), ERR_INVALID);
	CONTAINS(e.msg, "no store in [region westus]");
	settings_free(s);
	s = parse(REGION "[region westus]\nserver = https://b.example\nstore = /mnt/w\n"
	    "[region uksouth]\nstore = u\n");
	OK(settings_copy_region(s, "East US", &copies, &e));
	assert_string_equal(copies->store, "/mnt/w");
	FAILS(settings_copy_region(s, "uksouth", &copies, &e), ERR_INVALID);
	CONTAINS(e.msg, "'uksouth' has no paired region");
	FAILS(settings_copy_region(s, "mars", &copies, &e), ERR_INVALID);
	settings_free(s);
}

static void long_paths_fit_and_longer_lines_are_refused(void **state)
{
	static char text[8192], path[4096];
	struct settings *s;
	struct err e;

	(void)state;
	memset(path, 'x', 4000);
	path[0] = '/';
	(void)snprintf(text, sizeof(text), "%s[images]\npath = %s\n", REGION, path);
	s = parse(text);
	assert_string_equal(s->image_dirs[0], path);
	settings_free(s);
	(void)snprintf(text, sizeof(text), "%s[images]\npath = %s%s\n", REGION, path, path);
	FAILS(settings_parse(str_c(text), "f.conf", "/data", &s, &e), ERR_INVALID);
	CONTAINS(e.msg, "f.conf:4: ");
}

static void an_issuer_is_read(void **state)
{
	static const char section[] = REGION "[issuer ci-1]\nurl = https://id.example:8443/realm/\n"
	    "audience = api://x; y\nca = tls/id.pem\n[issuer second]\nurl = https://[::1]\n"
	    "jwks = https://a/keys\n";
	struct settings *s = parse(section);

	(void)state;
	assert_int_equal(s->issuer_count, 2);
	assert_string_equal(s->issuers[0].name, "ci-1");
	assert_string_equal(s->issuers[0].url, "https://id.example:8443/realm/");
	assert_string_equal(s->issuers[0].audience, "api://x; y");
	assert_string_equal(s->issuers[0].ca, "/data/tls/id.pem");
	assert_string_equal(s->issuers[0].jwks, "");
	assert_string_equal(s->issuers[1].jwks, "https://a/keys");
	assert_string_equal(s->issuers[1].audience, "");
	assert_null(s->issuers[1].ca);
	settings_free(s);
}

static void an_issuer_that_cannot_be_is_named(void **state)
{
	static const struct {
		const char *section, *want;
	} rows[] = {
		{ "[issuer a]\n", "[issuer a]: url is missing" },
		{ "[issuer A]\n", "'A' is not an issuer's name" },
		{ "[issuer ]\n", "'' is not an issuer's name" },
		{ "[issuer a]\nurl = https://a\n[issuer a]\n", "a second section for issuer 'a'" },
		{ "[issuer a]\nurl = https://a\n[issuer b]\nurl = https://a\n",
		    "[issuer b]: url: issuer 'a' has the same" },
		{ "[issuer a]\nurl = http://a\n", "'http://a' is not of the form" },
		{ "[issuer a]\nurl = https://\n", "'https://' is not of the form" },
		{ "[issuer a]\nurl = https://a b/\n", "'https://a b/' is not of the form" },
		{ "[issuer a]\nurl = https://a/b?c\n", "has a character that no path has" },
		{ "[issuer a]\nrole = Owner\n", "role: unknown key" },
	};
	struct settings *s;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text), "%s%s", REGION, rows[i].section);
		FAILS(settings_parse(str_c(text), "f.conf", "/data", &s, &e), ERR_INVALID);
		CONTAINS(e.msg, rows[i].want);
	}
}

static void a_new_file_says_every_key_and_is_read_back(void **state)
{
	static const char *const keys[] = { "listen", "names", "retry_after", "api_workers",
		"job_workers", "chunk_kib", "replication_interval", "replication_limit",
		"connections_max", "token_lifetime", "assertion_uses", "path", "pair", "server",
		"store" };
	auto_buf struct buf b = { 0 };
	struct settings *s;
	struct err e;

	(void)state;
	OK(settings_write_new(&b, &(struct settings_new){ .listen = NULL }, &e));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "\n%s = ", keys[i]);
		CONTAINS(b.p, line);
	}
	s = parse(b.p);
	assert_string_equal(s->image_dirs[0], "/data/images");
	assert_null(s->image_dirs[1]);
	assert_int_equal(s->retry_after_s, 60);
	assert_int_equal(s->region_count, 2);
	assert_string_equal(s->regions[0].name, "eastus");
	assert_string_equal(s->regions[0].pair, "westus");
	assert_string_equal(s->regions[1].pair, "eastus");
	settings_free(s);
}

static void a_new_file_takes_what_it_is_given(void **state)
{
	static const char *const names[] = { "backup.example", "10.0.0.1", NULL };
	static const char *const images[] = { "/srv/a b;c", "/x = y # z", NULL };
	static const char *const bad[][2] = { { "x", NULL }, { "/a\n[server]", NULL },
		{ "/a ", NULL } };
	static const struct settings_new_region regions[] = {
		{ "westus", "eastus", NULL }, { "eastus", "westus", "https://a.example:8443" },
		{ NULL, NULL, NULL } };
	struct settings_new o = { "0.0.0.0:443", names, images, regions };
	auto_buf struct buf b = { 0 };
	struct settings *s;
	struct err e;

	(void)state;
	OK(settings_write_new(&b, &o, &e));
	s = parse(b.p);
	assert_string_equal(s->listen, "0.0.0.0:443");
	assert_string_equal(s->host_names[0], "backup.example");
	assert_string_equal(s->host_names[1], "10.0.0.1");
	assert_null(s->host_names[2]);
	assert_string_equal(s->image_dirs[1], images[0]);
	assert_string_equal(s->image_dirs[2], images[1]);
	assert_string_equal(s->regions[0].store, "/data/regions/westus");
	assert_true(region_is_here(&s->regions[0]));
	assert_string_equal(s->regions[1].server, "https://a.example:8443");
	assert_string_equal(s->regions[1].pair, "westus");
	assert_null(s->regions[1].store);
	assert_int_equal(s->region_count, 2);
	settings_free(s);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		o.images = bad[i];
		FAILS(settings_write_new(&b, &o, &e), ERR_INVALID);
	}
	o.images = NULL;
	o.listen = "host:1";
	FAILS(settings_write_new(&b, &o, &e), ERR_INVALID);
	o.listen = NULL;
	o.names = (const char *const[]){ "a\nb = c", NULL };
	FAILS(settings_write_new(&b, &o, &e), ERR_INVALID);
}

static void listen_addresses_are_split(void **state)
{
	char address[LISTEN_ADDRESS_MAX];
	uint16_t port;
	struct err e;

	(void)state;
	OK(settings_listen("127.0.0.1:8443", address, &port, &e));
	assert_string_equal(address, "127.0.0.1");
	assert_int_equal(port, 8443);
	OK(settings_listen("[fe80::1]:0", address, &port, &e));
	assert_string_equal(address, "fe80::1");
	assert_int_equal(port, 0);
}

static void a_directory_without_settings_is_named(void **state)
{
	char dir[] = "/tmp/t_settings.XXXXXX", file[64];
	struct settings *s;
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(dir));
	FAILS(settings_load(dir, &s, &e), ERR_NOT_FOUND);
	CONTAINS(e.msg, dir);
	CONTAINS(e.msg, "holdfast init");
	(void)snprintf(file, sizeof(file), "%s/holdfast.conf", dir);
	OK(fs_write_atomic(file, REGION, strlen(REGION), 0644, &e));
	OK(settings_load(dir, &s, &e));
	assert_string_equal(s->dir, dir);
	settings_free(s);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
	FAILS(settings_load(dir, &s, &e), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(presets_hold_where_the_file_is_silent),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(errors_name_file_line_and_key),
		cmocka_unit_test(a_region_without_pair_has_azures),
		cmocka_unit_test(a_region_may_be_another_servers),
		cmocka_unit_test(long_paths_fit_and_longer_lines_are_refused),
		cmocka_unit_test(an_issuer_is_read),
		cmocka_unit_test(an_issuer_that_cannot_be_is_named),
		cmocka_unit_test(a_new_file_says_every_key_and_is_read_back),
		cmocka_unit_test(a_new_file_takes_what_it_is_given),
		cmocka_unit_test(listen_addresses_are_split),
		cmocka_unit_test(a_directory_without_settings_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
