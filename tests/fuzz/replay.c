/* replay.c - runs a fuzz target over its corpus, without libFuzzer: every
 * file of the directories given, and each file's truncations to 64 lengths. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>

#include "base/base.h"
#include "base/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	auto_buf struct buf b = { 0 };
	struct err e;

	if (fs_read_all(path, 16u << 20, &b, &e) != 0) {
		(void)fprintf(stderr, "%s\n", e.msg);
		return -1;
	}
	for (size_t i = 0; i < 64; i++) {
		size_t n = b.n * (64 - i) / 64;
		/* a copy of its own size, so that a sanitizer sees reads past the end */
		uint8_t *copy = malloc(n > 0 ? n : 1);

		if (copy == NULL)
			return -1;
		memcpy(copy, b.p != NULL ? b.p : "", n);
		(void)LLVMFuzzerTestOneInput(copy, n);
		free(copy);
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned files = 0;

	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		struct dirent *ent;

		if (d == NULL) {
			perror(argv[i]);
			return 1;
		}
		while ((ent = readdir(d)) != NULL) {
			char path[PATH_MAX];

			if (ent->d_name[0] == '.')
				continue;
			if (snprintf(path, sizeof(path), "%s/%s", argv[i], ent->d_name) >= (int)sizeof(path) ||
			    replay_file(path) != 0) {
				(void)closedir(d);
				return 1;
			}
			files++;
		}
		(void)closedir(d);
	}
	(void)printf("%u files replayed\n", files);
	return files > 0 ? 0 : 1;
}
