#include <config.h>

#include "compiler/base/span_json.h"

#include "compiler/base/text.h"

static void point(struct sink *s, const char *key, const struct source *src, size_t offset)
{
	struct place at = { 0 };

	if (src)
		at = source_place(src, offset);
	sink_printf(s, ", \"%s\": {\"line\": %zu, \"col\": %zu, \"byte\": %zu, \"utf16\": %zu}", key, at.line,
		    at.col, offset, at.utf16);
}

void span_json(struct sink *s, const struct sources *sources, struct span span, const char *label)
{
	const struct source *src = span_is_none(span) ? NULL : source_at(sources, span.source);

	sink_puts(s, "{\"file\": ");
	sink_json(s, src ? src->path : "");
	point(s, "start", src, span.start);
	point(s, "end", src, span.end);
	sink_puts(s, ", \"label\": ");
	if (label)
		sink_json(s, label);
	else
		sink_puts(s, "null");
	sink_putc(s, '}');
}
