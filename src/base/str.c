/* str.c - comparing borrowed strings.  See base.h. */
#include "base/base.h"

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

bool str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool str_istarts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_ieq((struct str){ s.p, prefix.n }, prefix);
}
