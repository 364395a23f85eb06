/* Any bytes as an epic.conf. */
#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compiler/tools/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct options o = { .arena = arena_new() };
	struct ctx *ctx = ctx_new();
	int file = memfd_create("epic.conf", MFD_CLOEXEC);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	o.config = path;
	if (file >= 0 && write(file, bytes, size) == (ssize_t)size)
		conf_apply(&o, ctx, NULL);
	diag_finish(&ctx->diags);
	if (file >= 0)
		close(file);
	ctx_free(ctx);
	arena_free(o.arena);
	return 0;
}
