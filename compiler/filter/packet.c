#include <config.h>

#include "compiler/filter/filter_private.h"

#include <inttypes.h>
#include <string.h>

#include "compiler/base/text.h"

/* ---- an example ---- */

/* The point of the box that an example shows: the least value of each dimension;
 * where the box leaves it open, an IPv4 packet without the fields that may be
 * absent by themselves. */
static epic_u128 least(const struct fields *f, const struct box *b, uint32_t dim)
{
	const struct dim *d = &f->dims.at[dim];

	if (box_bounds(b, dim))
		return box_values(f, b, dim)->at[0].lo;
	if (dim == DIM_FAM)
		return FAM_V4;
	return d->lacks ? d->max : 0;
}

/* Whether the packet at the point has the dimension's field. */
static bool present(const struct fields *f, const struct box *b, uint32_t dim)
{
	const struct dim *d = &f->dims.at[dim];

	for (size_t i = 0; i < d->needs->n; i++)
		if (!values_have(d->needs->at[i].in, least(f, b, d->needs->at[i].dim)))
			return false;
	return !d->lacks || least(f, b, dim) != d->max;
}

/* Some text without a number. */
static const char *other_text(struct fields *f)
{
	const char *text = "other";

	for (unsigned i = 2; text_is_known(f, text); i++)
		text = arena_printf(f->arena, "other-%u", i);
	return text;
}

static struct packet_value value_at(struct fields *f, const struct box *b, uint32_t dim)
{
	const struct dim *d = &f->dims.at[dim];
	struct packet_value v = { .field = d->field,
				  .family = d->family,
				  .value = least(f, b, dim) };

	if (d->field->kind == FIELD_SYMBOL)
		v.text = d->field->values[(size_t)v.value];
	else if (d->field->kind == FIELD_STRING)
		v.text = v.value < f->texts.n ? f->texts.at[(size_t)v.value] : other_text(f);
	if (v.text)
		v.value = 0;
	v.implied = !box_bounds(b, dim);
	return v;
}

/* A port or flags say that the packet is no later fragment. */
static void hide_fragment(struct fields *f, const struct box *b, struct packet *p)
{
	const struct field *frag = f->dims.at[DIM_FRAG].field;
	bool told = false;

	if (least(f, b, DIM_FRAG))
		return;
	for (size_t i = 0; i < b->n; i++)
		told |= box_bounds(f->dims.at[b->at[i].dim].needs, DIM_FRAG);
	for (size_t i = 0; i < p->n && told; i++)
		p->at[i].implied |= p->at[i].field == frag;
}

/* An IP packet is shown as one, and of its family where that matters: by its
 * source, if by nothing else. */
static void show_family(struct fields *f, const struct box *b, struct packet *p)
{
	const struct values *fam = box_values(f, b, DIM_FAM);
	bool one = fam->at[0].lo == fam->at[fam->n - 1].hi, shown = false;
	struct packet_value *source = NULL;

	if (!fam->at[0].lo)
		return;
	for (size_t i = 0; i < p->n; i++) {
		const struct packet_value *v = &p->at[i];

		if (!source && v->field->kind == FIELD_ADDR)
			source = &p->at[i];
		if (v->implied)
			continue;
		shown |=
		    v->field->kind == FIELD_ADDR || (!one && !strncmp(v->field->name, "ip.", 3));
	}
	if (!shown && source)
		source->implied = false;
}

struct packet box_example(struct fields *f, const struct box *b)
{
	struct packet p = { .at = arena_many(f->arena, struct packet_value, f->list.n) };

	for (size_t i = 0; i < f->list.n; i++) {
		uint32_t dim = f->first_dim.at[i];

		if (dim == DIM_NONE)
			continue;
		if (present(f, b, dim))
			p.at[p.n++] = value_at(f, b, dim);
		else if (f->list.at[i]->kind == FIELD_ADDR && present(f, b, dim + 1))
			p.at[p.n++] = value_at(f, b, dim + 1);
	}
	hide_fragment(f, b, &p);
	show_family(f, b, &p);
	return p;
}

struct packet cubes_example(struct fields *f, const struct cubes *c)
{
	return box_example(f, c->at[0]);
}

/* ---- texts ---- */

static void print_text(struct sink *s, const struct packet_value *v)
{
	if (v->field->kind == FIELD_SYMBOL)
		sink_puts(s, v->text);
	else
		sink_json(s, v->text);
}

static void print_value(struct sink *s, const struct packet_value *v)
{
	const char *protocol =
	    field_is_protocol(v->field) ? protocol_name((uint64_t)v->value) : NULL;
	char buf[ADDR_TEXT_SIZE];

	if (v->text)
		print_text(s, v);
	else if (protocol)
		sink_puts(s, protocol);
	else if (v->field->kind == FIELD_ADDR)
		sink_puts(s, addr_text(v->family, v->value, buf));
	else if (v->field->kind == FIELD_MAC)
		sink_puts(s, mac_text((uint64_t)v->value, buf));
	else
		sink_printf(s, "%" PRIu64, (uint64_t)v->value);
}

static void json_value(struct sink *s, const struct packet_value *v)
{
	char buf[ADDR_TEXT_SIZE];

	if (v->text)
		sink_json(s, v->text);
	else if (v->field->kind == FIELD_ADDR)
		sink_json(s, addr_text(v->family, v->value, buf));
	else if (v->field->kind == FIELD_MAC)
		sink_json(s, mac_text((uint64_t)v->value, buf));
	else
		sink_printf(s, "%" PRIu64, (uint64_t)v->value);
}

void packet_print(struct sink *s, const struct packet *p)
{
	const char *before = "";

	for (size_t i = 0; i < p->n; i++) {
		if (p->at[i].implied)
			continue;
		sink_printf(s, "%s%s ", before, p->at[i].field->name);
		print_value(s, &p->at[i]);
		before = ", ";
	}
}

void packet_json(struct sink *s, const struct packet *p)
{
	const char *before = "";

	sink_putc(s, '{');
	for (size_t i = 0; i < p->n; i++) {
		if (p->at[i].implied)
			continue;
		sink_puts(s, before);
		sink_json(s, p->at[i].field->name);
		sink_puts(s, ": ");
		json_value(s, &p->at[i]);
		before = ", ";
	}
	sink_putc(s, '}');
}
