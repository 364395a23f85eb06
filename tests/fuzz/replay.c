/* Feeds every file of the given directories to a fuzzer's entry, so that `make check` replays
 * what fuzzing found without libFuzzer. */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* In memory of just the file's size, so that a sanitizer sees a byte too far. */
static bool replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *bytes = NULL;
	size_t size;
	bool ok = f && fstat(fileno(f), &st) == 0;

	if (ok && S_ISDIR(st.st_mode)) {
		fclose(f);
		return true;
	}
	ok = ok && (bytes = malloc((size_t)st.st_size + 1));

	if (ok) {
		size = fread(bytes, 1, (size_t)st.st_size, f);
		ok = size == (size_t)st.st_size && (bytes = realloc(bytes, size ? size : 1));
	}
	if (ok)
		LLVMFuzzerTestOneInput(bytes, size);
	else
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	free(bytes);
	if (f)
		fclose(f);
	return ok;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Returns how many files were fed; -1: one could not be. */
static long replay_directory(const char *directory)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, is_visible, alphasort);
	bool ok = n >= 0;

	if (!ok)
		fprintf(stderr, "%s: %s\n", directory, strerror(errno));
	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		ok = replay_file(path) && ok;
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return ok ? n : -1;
}

int main(int argc, char **argv)
{
	long total = 0;

	for (int i = 1; i < argc; i++) {
		long n = replay_directory(argv[i]);

		if (n < 0)
			return 1;
		total += n;
	}
	printf("%ld inputs replayed\n", total);
	return total ? 0 : 1;
}
