/* names.c - what Azure Storage allows as names.
 * Source: learn.microsoft.com "Naming and referencing containers, blobs, and metadata". */
#include "blob/blob.h"

static bool small(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool blob_account_name_valid(struct str name)
{
	if (name.n < 3 || name.n > 24)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!small(name.p[i]))
			return false;
	return true;
}

bool blob_container_name_valid(struct str name)
{
	if (name.n < 3 || name.n > 63 || !small(name.p[0]) || !small(name.p[name.n - 1]))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!small(name.p[i]) && (name.p[i] != '-' || name.p[i - 1] == '-'))
			return false;
	return true;
}

bool blob_name_valid(struct str name)
{
	size_t start = 0;

	if (name.n == 0 || name.n > 1024)
		return false;
	for (size_t i = 0; i <= name.n; i++) {
		size_t n = i - start;

		if (i < name.n && name.p[i] == '\0')
			return false;
		if (i < name.n && name.p[i] != '/')
			continue;
		/* empty segments and file-system names are no blobs of ours */
		if (n == 0 || n > 240 || (n == 1 && name.p[start] == '.') ||
		    (n == 2 && name.p[start] == '.' && name.p[start + 1] == '.'))
			return false;
		start = i + 1;
	}
	return true;
}
