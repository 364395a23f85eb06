/* The table of all classes of bridging functions: runtime/socks/functions.c. */
#include <config.h>

#include <string.h>

#include "tests/unit/function_rig.h"

static void each_class_is_found_by_its_name(void)
{
	static const char *const names[] = { "seal",         "unseal",    "stateful-firewall",
					     "microsegment", "audit-log", "key-broker",
					     "rate-meter",   "exec" };
	size_t n;
	const struct function_class *const *classes = function_classes(&n);

	CU_ASSERT_EQUAL(n, sizeof(names) / sizeof(*names));
	for (size_t i = 0; i < n; i++) {
		const struct function_class *found = function_class_of(names[i]);

		CU_ASSERT_TRUE_FATAL(found != NULL);
		UNIT_TEXT(names[i], found->name);
		CU_ASSERT_PTR_EQUAL(function_class_of(classes[i]->name), classes[i]);
		CU_ASSERT_TRUE(found->make && found->release && found->open && found->close);
		CU_ASSERT_TRUE(strlen(found->summary) > 10);
	}
	CU_ASSERT_PTR_NULL(function_class_of("audit"));
	CU_ASSERT_PTR_NULL(function_class_of(""));
}

static void none_takes_a_setting_that_it_does_not_know(void)
{
	size_t n;
	const struct function_class *const *classes = function_classes(&n);

	for (size_t i = 0; i < n; i++) {
		struct rig r;

		rig_begin(&r, classes[i]);
		CU_ASSERT_FALSE(rig_make(&r, "{\"nonsense\": 1}"));
		CU_ASSERT_TRUE(strstr(r.error.text, "nonsense") != NULL);
		rig_end(&r);
	}
}

int main(void)
{
	static const struct unit units[] = {
		{ "each_class_is_found_by_its_name", each_class_is_found_by_its_name },
		{ "none_takes_a_setting_that_it_does_not_know",
		  none_takes_a_setting_that_it_does_not_know },
	};

	return unit_main("functions_table", units, sizeof(units) / sizeof(*units));
}
