/* A text that grows, and the forms in which a runtime tells its state. */
#ifndef EPIC_CORE_TEXT_H
#define EPIC_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero it to begin; text_free ends it.  Where memory runs out, `failed` is set and nothing more is
 * added. */
struct text {
	char *at; /* ends with NUL; NULL while nothing was added */
	size_t n, room;
	bool failed;
};

void text_puts(struct text *, const char *);
void text_add(struct text *, const char *bytes, size_t n);
void text_printf(struct text *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_json(struct text *, const char *); /* in quotes; bytes that are no UTF-8 as U+FFFD */
/* A number without exponent and without trailing zeros; NaN and infinities as null. */
void text_number(struct text *, double);
void text_free(struct text *);

/* ---- Prometheus text exposition format 0.0.4 ---- */

/* A summary's samples carry the label `quantile`, or end in _sum and _count. */
enum prometheus_kind { PROMETHEUS_COUNTER, PROMETHEUS_GAUGE, PROMETHEUS_SUMMARY };

/* `# HELP` and `# TYPE`. */
void prometheus_family(struct text *, const char *name, enum prometheus_kind, const char *help);
/* One sample; LABELS are pairs of name and value, ended by NULL. */
void prometheus_sample(struct text *, const char *name, double value, const char *const *labels);

#endif
