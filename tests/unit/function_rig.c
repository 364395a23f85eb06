#include <config.h>

#include "tests/unit/function_rig.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void rig_begin(struct rig *r, const struct function_class *class)
{
	*r = (struct rig){ .class = class };
	r->log =
	    (struct log){ .fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .most = LOG_LEVEL_DEBUG };
	r->site = (struct function_site){ &r->log, "gate" };
}

static struct function *make(struct rig *r, const char *settings)
{
	struct tree_error error = { "" };
	struct tree *tree = settings ? tree_read(settings, strlen(settings), &error) : NULL;
	struct function *f;

	CU_ASSERT_TRUE_FATAL(tree || !settings);
	f = r->class->make(&r->site, "std.bridges.test", tree ? tree_root(tree) : NULL, r->function,
			   &r->error);
	tree_free(tree);
	return f;
}

bool rig_make(struct rig *r, const char *settings)
{
	r->site.log = &r->log;
	r->function = make(r, settings);
	return r->function;
}

bool rig_reload(struct rig *r, const char *settings)
{
	struct function *f = make(r, settings);

	if (f) {
		r->class->release(r->function);
		r->function = f;
	}
	return f;
}

void rig_end(struct rig *r)
{
	if (r->function)
		r->class->release(r->function);
	r->function = NULL;
	close(r->log.fd);
}

void rig_refuses(const struct function_class *class, const char *settings, const char *error)
{
	struct rig r;

	rig_begin(&r, class);
	CU_ASSERT_FALSE(rig_make(&r, settings));
	UNIT_TEXT(error, r.error.text);
	rig_end(&r);
}

struct function_facts rig_facts(const char *source, const char *destination,
				const char *application)
{
	struct function_facts facts = { .connection = 7,
					.function = "std.bridges.test",
					.application = application,
					.from = "north",
					.to = "hub",
					.file = "study.epi",
					.line = 12,
					.protocol = IPPROTO_TCP };

	CU_ASSERT_TRUE(wire_address_parse(source, strlen(source), &facts.source));
	CU_ASSERT_TRUE(wire_address_parse(destination, strlen(destination), &facts.destination));
	return facts;
}

bool rig_open(struct rig *r, const struct function_facts *facts, void **state)
{
	*state = NULL;
	strcpy(r->why, "");
	return r->class->open(r->function, facts, NULL, state, r->why);
}

void rig_close(struct rig *r, void *state, uint64_t forward, uint64_t back)
{
	r->class->close(r->function, state, (const uint64_t[N_WAYS]){ forward, back });
}

double rig_count(struct rig *r, const char *key)
{
	struct text t = { 0 };
	struct tree_error error;
	struct tree *tree;
	double value = -1;

	text_puts(&t, "{");
	r->class->status(r->function, &t);
	text_puts(&t, "}");
	tree = tree_read(t.at, t.n, &error);
	CU_ASSERT_TRUE_FATAL(tree != NULL);
	CU_ASSERT_TRUE(tree_number(tree_root(tree), key, &value, &error));
	tree_free(tree);
	text_free(&t);
	return value;
}

bool rig_datagram(struct rig *r, void *state, enum way way, size_t n)
{
	static const uint8_t zeros[65536];
	struct bytes out = { 0 };
	bool passed = r->class->datagram(r->function, state, way, zeros, n, &out);

	CU_ASSERT_EQUAL(out.n, passed ? n : 0);
	bytes_free(&out);
	return passed;
}
