/* Whatever parses is formatted without losing a token, and formatting twice is the same
 * as formatting once. */
#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/fmt.h"
#include "grammar/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool is_text(const char *text, size_t size)
{
	size_t bad;

	return text_is_utf8(text, size, &bad) && !memchr(text, '\0', size);
}

static void format_twice(struct ctx *ctx, uint32_t source)
{
	struct sink once = { 0 }, twice = { 0 };
	uint32_t again;

	sink_puts(&once, "");
	sink_puts(&twice, "");
	if (!fmt_source(ctx, source, &once))
		abort();
	again = source_add(&ctx->sources, "once", "once", once.data, once.size);
	if (!fmt_source(ctx, again, &twice) || once.size != twice.size ||
	    memcmp(once.data, twice.data, once.size))
		abort();
	sink_free(&once);
	sink_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct ctx *ctx = ctx_new();
	const char *text = arena_strndup(ctx->arena, (const char *)bytes, size);
	uint32_t source;

	if (is_text(text, size)) {
		source = source_add(&ctx->sources, "fuzz", "fuzz", text, size);
		if (!parse_file(ctx, source)->broken)
			format_twice(ctx, source);
	}
	ctx_free(ctx);
	return 0;
}
