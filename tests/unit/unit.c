#include <config.h>

#include "tests/unit/unit.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

void unit_text(const char *file, int line, const char *expected, const char *actual)
{
	bool equal = actual && !strcmp(expected, actual);

	if (!equal)
		fprintf(stderr, "%s:%d: expected: %s\n%s:%d:   actual: %s\n", file, line, expected, file,
			line, actual ? actual : "(null)");
	CU_assertImplementation(equal, (unsigned)line, expected, file, "", CU_FALSE);
}

int unit_main(const char *suite, const struct unit *units, size_t n)
{
	CU_pSuite s;
	unsigned failures;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 99;
	s = CU_add_suite(suite, NULL, NULL);
	for (size_t i = 0; s && i < n; i++)
		if (!CU_add_test(s, units[i].name, units[i].run))
			s = NULL;
	if (!s) {
		CU_cleanup_registry();
		return 99;
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
