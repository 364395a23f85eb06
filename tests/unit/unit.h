/* Runs a table of CUnit tests; the name of a test is a sentence.
 *
 *	static const struct unit units[] = { { "a_prefix_contains_itself", contains_itself } };
 *	int main(void) { return unit_main("addr", units, sizeof(units) / sizeof(*units)); }
 */
#ifndef EPIC_UNIT_H
#define EPIC_UNIT_H

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>

struct unit {
	const char *name;
	void (*run)(void);
};

/* Returns main's exit status: 0 if every assertion of every test held. */
int unit_main(const char *suite, const struct unit *units, size_t n);

/* Asserts that two texts are equal and shows both where they differ. */
void unit_text(const char *file, int line, const char *expected, const char *actual);
#define UNIT_TEXT(expected, actual) unit_text(__FILE__, __LINE__, (expected), (actual))

#endif
