/* blob.c - one blob: written, opened, described, removed.  See blob.h.
 *
 * The properties file makes a blob visible: bytes first, properties after, and
 * the other way round when removing. */
#include "blob/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/fs.h"

#define META_BYTES_MAX (64u * 1024)

void blob_props_done(struct blob_props *p)
{
	json_decref(p->metadata);
	p->metadata = NULL;
}

static int write_meta(const char *root, const char *container, const char *name, bool page,
    const char *content_type, const json_t *metadata, struct err *e)
{
	auto_free char *path = NULL;
	auto_json json_t *doc = NULL;
	auto_buf struct buf text = { 0 };
	uint64_t id = random_u64();
	char etag[40];

	(void)snprintf(etag, sizeof(etag), "\"0x8D%014llX\"", (unsigned long long)(id >> 8));
	doc = json_pack("{s:b, s:s, s:s}", "page", (int)page, "contentType", content_type, "etag",
	    etag);
	if (doc == NULL || (metadata != NULL &&
	    json_object_set_new(doc, "metadata", json_deep_copy(metadata)) != 0))
		return err_nomem(e);
	if (jdump(doc, &text, e) != 0 || blob_meta_path(root, container, name, &path, e) != 0 ||
	    blob_make_parent(path, e) != 0)
		return -1;
	return fs_write_atomic(path, text.p, text.n, 0640, e);
}

int blob_path(const char *root, const char *container, const char *name, char **ret, struct err *e)
{
	auto_free char *path = NULL;

	if (blob_data_path(root, container, name, &path, e) != 0 || blob_make_parent(path, e) != 0)
		return -1;
	*ret = TAKE(path);
	return 0;
}

int blob_put(const char *root, const char *container, const char *name, const void *p, size_t n,
    bool page, const char *content_type, const json_t *metadata, struct err *e)
{
	auto_free char *path = NULL;

	if (blob_path(root, container, name, &path, e) != 0 ||
	    fs_write_atomic(path, p, n, 0640, e) != 0 ||
	    write_meta(root, container, name, page, content_type, metadata, e) != 0)
		return err_in(e, "writing blob '%s/%s'", container, name);
	return 0;
}

int blob_publish(const char *root, const char *container, const char *name, bool page,
    const char *content_type, const json_t *metadata, struct err *e)
{
	auto_free char *path = NULL;
	struct stat st;

	if (blob_data_path(root, container, name, &path, e) != 0)
		return -1;
	if (stat(path, &st) != 0)
		return err_sys(e, errno, "publishing blob '%s/%s'", container, name);
	return write_meta(root, container, name, page, content_type, metadata, e);
}

static int read_meta(const char *path, struct blob_props *ret, struct err *e)
{
	auto_buf struct buf text = { 0 };
	auto_json json_t *doc = NULL;

	if (fs_read_all(path, META_BYTES_MAX, &text, e) != 0) {
		if (e->sys == ENOENT || e->sys == ENOTDIR)
			return 0;
		return -1;
	}
	if (jparse(buf_str(&text), &doc, e) != 0) {
		(void)err_in(e, "properties of a blob in '%s'", path);
		e->kind = ERR_CORRUPT;
		return -1;
	}
	ret->page = jbool(doc, "page", false);
	(void)snprintf(ret->content_type, sizeof(ret->content_type), "%s",
	    jstr(doc, "contentType", "application/octet-stream"));
	(void)snprintf(ret->etag, sizeof(ret->etag), "%s", jstr(doc, "etag", "\"0x0\""));
	ret->metadata = json_incref(jat(doc, "metadata"));
	return 1;
}

int blob_open(const char *root, const char *container, const char *name, int *ret_fd,
    struct blob_props *ret, struct err *e)
{
	auto_free char *meta = NULL, *path = NULL;
	auto_close int fd = -1;
	struct blob_props props = { 0 };
	struct stat st;
	int r;

	if (!blob_container_name_valid(str_c(container)) || !blob_name_valid(str_c(name)))
		return 0;
	if (blob_meta_path(root, container, name, &meta, e) != 0 ||
	    blob_data_path(root, container, name, &path, e) != 0)
		return -1;
	r = read_meta(meta, &props, e);
	if (r <= 0)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		int sys = errno;

		blob_props_done(&props);
		if (fd >= 0 || sys == ENOENT)
			return 0;
		return err_sys(e, sys, "opening blob '%s/%s'", container, name);
	}
	props.size = st.st_size;
	props.modified_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
	*ret = props;
	*ret_fd = TAKE_FD(fd);
	return 1;
}

int blob_head(const char *root, const char *container, const char *name, struct blob_props *ret,
    struct err *e)
{
	auto_close int fd = -1;

	return blob_open(root, container, name, &fd, ret, e);
}

static int remove_file(const char *path, struct err *e)
{
	if (unlink(path) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(e, errno, "removing '%s'", path);
}

int blob_delete(const char *root, const char *container, const char *name, struct err *e)
{
	auto_free char *meta = NULL, *path = NULL;
	int was;

	if (blob_meta_path(root, container, name, &meta, e) != 0 ||
	    blob_data_path(root, container, name, &path, e) != 0)
		return -1;
	was = remove_file(meta, e);
	if (was < 0 || remove_file(path, e) < 0)
		return -1;
	return was;
}
