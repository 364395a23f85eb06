#include <config.h>

#include "backends/cbor/cbor.h"

#include "backends/cbor/out.h"
#include "compiler/plan/plan_walk.h"

static void form_null(void *out)
{
	cbor_put_null(out);
}

static void form_truth(void *out, bool truth)
{
	cbor_put_bool(out, truth);
}

static void form_integer(void *out, int64_t integer)
{
	cbor_put_int(out, integer);
}

static void form_number(void *out, struct dec number)
{
	cbor_put_dec(out, number);
}

static void form_text(void *out, const char *text)
{
	cbor_put_text(out, text);
}

static void form_list(void *out, size_t n)
{
	cbor_put_list(out, n);
}

static void form_object(void *out, size_t n)
{
	cbor_put_object(out, n);
}

/* Lengths are definite, so nothing marks an end. */
static void form_end(void *out)
{
	(void)out;
}

bool cbor_emit(const struct plan *plan, struct sink *sink)
{
	static const struct plan_form form = { form_null, form_truth,  form_integer, form_number,
					       form_text, form_list,   form_object,  form_text,
					       form_end,  cbor_key_cmp };

	if (!plan_is_writable(plan))
		return false;
	cbor_put_self_described(sink);
	plan_walk(plan, &form, sink);
	return true;
}
