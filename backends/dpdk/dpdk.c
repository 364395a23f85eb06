#include <config.h>

#include "backends/dpdk/dpdk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/text.h"
#include "compiler/base/text.h"

struct device {
	const char *module, *name;
	struct span span;
};

struct writing {
	struct ctx *ctx;
	const struct plan *plan;
	const struct plan_target *target;
	const struct plan_packet_config *config;
	struct output_file *file;
	VEC(struct device) devices;
	size_t n_items; /* of the array being written */
};

static struct sink *text(struct writing *w)
{
	return &w->file->text;
}

/* ---- what is known ---- */

static const char *device_text(struct writing *w, const struct ir_value *v)
{
	char number[DEC_TEXT_SIZE];

	if (v->kind == IR_VALUE_NUMBER)
		return arena_strdup(w->ctx->arena, rat_text(v->number, number));
	return v->kind == IR_VALUE_TEXT ? v->text : NULL;
}

static void find_device(struct writing *w, const struct plan_module *m)
{
	for (size_t i = 0; i < m->config.n; i++) {
		struct device d = { m->id, NULL, m->span };

		if (strcmp(m->config.at[i].name, "device"))
			continue;
		d.name = device_text(w, m->config.at[i].value);
		if (d.name)
			vec_push(w->ctx->arena, &w->devices, d);
	}
}

static int by_module(const void *x, const void *y)
{
	return strcmp(((const struct device *)x)->module, ((const struct device *)y)->module);
}

static void find_devices(struct writing *w)
{
	for (size_t i = 0; i < w->config->pipelines.n; i++)
		for (size_t k = 0; k < w->plan->pipelines.n; k++) {
			const struct plan_pipeline *p = &w->plan->pipelines.at[k];

			for (size_t m = 0;
			     !strcmp(p->name, w->config->pipelines.at[i]) && m < p->modules.n; m++)
				find_device(w, &p->modules.at[m]);
		}
	if (w->devices.n)
		qsort(w->devices.at, w->devices.n, sizeof(*w->devices.at), by_module);
}

/* Targets stand in the root file only, after which the plan is named. */
static const char *plan_path(struct writing *w)
{
	const char *shown = source_at(&w->ctx->sources, w->target->span.source)->shown;
	const char *slash = strrchr(shown, '/'), *name = slash ? slash + 1 : shown;
	const char *dot = strrchr(name, '.');

	if (!strcmp(shown, "-") || *shown == '<')
		return "../stdin.plan";
	return arena_printf(w->ctx->arena, "../%.*s.plan",
			    dot && dot > name ? (int)(dot - name) : (int)strlen(name), name);
}

static bool is_virtual(const char *device)
{
	return !strncmp(device, "net_", 4);
}

static bool is_pci(const char *device)
{
	size_t digits = strspn(device, "0123456789abcdefABCDEF");

	return (digits == 2 || digits == 4) && device[digits] == ':' && strchr(device, '.');
}

static bool is_first(const struct writing *w, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(w->devices.at[k].name, w->devices.at[i].name))
			return false;
	return true;
}

/* ---- JSON, keys in order ---- */

static void open_array(struct writing *w, const char *key)
{
	sink_printf(text(w), "  \"%s\": [", key);
	w->n_items = 0;
}

static void next_item(struct writing *w)
{
	sink_puts(text(w), w->n_items++ ? ",\n    " : "\n    ");
}

static void close_array(struct writing *w, bool last)
{
	sink_puts(text(w), w->n_items ? "\n  ]" : "]");
	sink_puts(text(w), last ? "\n" : ",\n");
}

static void put_argument(struct writing *w, const char *option, const char *value)
{
	next_item(w);
	sink_json(text(w), option);
	if (!value)
		return;
	next_item(w);
	sink_json(text(w), value);
}

static void put_devices(struct writing *w)
{
	open_array(w, "devices");
	for (size_t i = 0; i < w->devices.n; i++) {
		size_t first;

		next_item(w);
		first = output_line(w->file);
		sink_puts(text(w), "{\"device\": ");
		sink_json(text(w), w->devices.at[i].name);
		sink_puts(text(w), ", \"module\": ");
		sink_json(text(w), w->devices.at[i].module);
		sink_putc(text(w), '}');
		vec_push(w->ctx->arena, &w->file->ranges,
			 (struct output_range){ first, first, w->devices.at[i].span,
						"The module states the device." });
	}
	close_array(w, false);
}

/* Without a PCI device among them the bus is not probed, so that no other card is seized. */
static void put_eal(struct writing *w)
{
	bool pci = false;

	open_array(w, "eal");
	for (size_t i = 0; i < w->devices.n; i++) {
		const char *device = w->devices.at[i].name;

		pci = pci || is_pci(device);
		if (is_first(w, i) && (is_pci(device) || is_virtual(device)))
			put_argument(w, is_pci(device) ? "-a" : "--vdev", device);
	}
	if (!pci)
		put_argument(w, "--no-pci", NULL);
	close_array(w, false);
}

static void put_lcores(struct writing *w)
{
	const struct plan_ints *c = &w->config->cores;
	int64_t stride = c->n ? c->at[c->n - 1] - c->at[0] + 1 : 0;

	open_array(w, "lcores");
	for (int64_t copy = 0; copy < w->config->replicas; copy++)
		for (size_t i = 0; i < c->n; i++) {
			next_item(w);
			sink_printf(text(w), "%" PRId64, c->at[i] + copy * stride);
		}
	close_array(w, false);
}

static void emit(struct ctx *ctx, const struct plan *plan, const struct plan_target *t,
		 struct output_files *files)
{
	struct output_file file = { .path = arena_printf(ctx->arena, "%s/launch.json",
							 name_tail(t->name)) };
	struct writing w = { .ctx = ctx, .plan = plan, .target = t, .config = t->config };

	vec_push(ctx->arena, files, file);
	w.file = &files->at[files->n - 1];
	find_devices(&w);
	sink_puts(text(&w), "{\n");
	put_devices(&w);
	put_eal(&w);
	put_lcores(&w);
	sink_puts(text(&w), "  \"plan\": ");
	sink_json(text(&w), plan_path(&w));
	sink_puts(text(&w), ",\n  \"target\": ");
	sink_json(text(&w), t->name);
	sink_puts(text(&w), "\n}\n");
	output_note(ctx, w.file, 1, t->span, "The target says what runs, and on which cores.");
}

const struct backend backend_dpdk = { .name = "dpdk",
				      .summary = "a launch file for epic-dpdkd",
				      .emit = emit };
