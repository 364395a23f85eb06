/* Filters as one eBPF program over struct packet, which rte_bpf turns into machine code.
 *
 * Within a filter there are no jumps: which way they went could not be foretold, and the loader
 * would follow each combination of ways.  A truth value is the uppermost bit of a register, so
 * that `and`, `or` and `not` are one instruction each, whatever the other bits are. */
#include <config.h>

#include "runtime/dpdk/filter_private.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bpf.h>
#include <rte_errno.h>

enum {
	MOST_INSTRUCTIONS = INT16_MAX, /* as far as a jump goes */
	RESULT = EBPF_REG_0,
	PACKET = EBPF_REG_1,
	SHAPE = EBPF_REG_2,
	SCRATCH = EBPF_REG_3,
	FIRST_REGISTER = EBPF_REG_4, /* values of what is being evaluated */
	LAST_REGISTER = EBPF_REG_9,
	TRUTH_BIT = 63
};

struct chooser_bpf {
	struct rte_bpf *bpf;
	uint64_t (*run)(void *);
};

struct emitter {
	struct ebpf_insn *at;
	size_t n, room;
	const char *failed; /* why it cannot be */
};

/* ---- instructions ---- */

static void emit(struct emitter *e, struct ebpf_insn in)
{
	size_t room = e->room ? 2 * e->room : 256;
	struct ebpf_insn *at;

	if (e->failed)
		return;
	if (e->n == MOST_INSTRUCTIONS) {
		e->failed = "the program would be too long";
		return;
	}
	if (e->n == e->room) {
		at = realloc(e->at, room * sizeof(*at));
		if (!at) {
			e->failed = "out of memory";
			return;
		}
		e->at = at;
		e->room = room;
	}
	e->at[e->n++] = in;
}

static void emit_constant(struct emitter *e, uint8_t class, uint8_t op, uint8_t to, uint32_t value)
{
	emit(e, (struct ebpf_insn){
		    .code = class | op | BPF_K, .dst_reg = to & 15, .imm = (int32_t)value });
}

static void emit_register(struct emitter *e, uint8_t op, uint8_t to, uint8_t from)
{
	emit(e, (struct ebpf_insn){
		    .code = EBPF_ALU64 | op | BPF_X, .dst_reg = to & 15, .src_reg = from & 15 });
}

static void emit_load(struct emitter *e, uint8_t to, struct filter_place place)
{
	uint8_t width = place.size == 1 ? BPF_B : place.size == 2 ? BPF_H : BPF_W;

	emit(e, (struct ebpf_insn){ .code = (uint8_t)(BPF_LDX | BPF_MEM | width),
				    .dst_reg = to & 15,
				    .src_reg = PACKET,
				    .off = place.offset });
}

static void emit_return(struct emitter *e)
{
	emit(e, (struct ebpf_insn){ .code = BPF_JMP | EBPF_EXIT });
}

/* ---- comparisons ---- */

/* Whether a column lies in the span: x - lo, modulo 2^32, is less than the span's size. */
static void emit_span(struct emitter *e, uint8_t to, unsigned column, struct filter_span in)
{
	uint64_t size = (uint64_t)in.hi - in.lo + 1, most = UINT64_C(1) << 31;

	emit_load(e, to, filter_places[column]);
	if (in.lo)
		emit_constant(e, BPF_ALU, BPF_SUB, to, in.lo);
	for (; size > most; size -= most)
		emit_constant(e, EBPF_ALU64, BPF_ADD, to, (uint32_t)-most);
	emit_constant(e, EBPF_ALU64, BPF_ADD, to, (uint32_t)-size);
}

/* Whether the spans of the term hold, its shape apart. */
static void emit_term(struct emitter *e, uint8_t to, const struct filter_term *t)
{
	if (!t->n)
		emit_constant(e, EBPF_ALU64, EBPF_MOV, to, UINT32_MAX);
	for (unsigned i = 0; i < t->n; i++) {
		emit_span(e, i ? SCRATCH : to, t->column[i], t->in[i]);
		if (i)
			emit_register(e, BPF_AND, to, SCRATCH);
	}
}

static void emit_presence(struct emitter *e, uint8_t to, uint8_t bit)
{
	if (!bit)
		return;
	emit_register(e, EBPF_MOV, SCRATCH, SHAPE);
	emit_constant(e, EBPF_ALU64, BPF_LSH, SCRATCH, (uint32_t)(TRUTH_BIT - __builtin_ctz(bit)));
	emit_register(e, BPF_AND, to, SCRATCH);
}

static bool claim(struct emitter *e, unsigned reg)
{
	if (reg > LAST_REGISTER && !e->failed)
		e->failed = "it is nested too deeply";
	return !e->failed;
}

/* Terms I... that demand the same shape; returns the index behind them. */
static size_t emit_alike(struct emitter *e, unsigned to, const struct filter_terms *terms, size_t i)
{
	size_t first = i;

	for (; i < terms->n && terms->at[i].shape == terms->at[first].shape; i++) {
		if (i > first && !claim(e, to + 1))
			return terms->n;
		emit_term(e, (uint8_t)(to + (i > first)), &terms->at[i]);
		if (i > first)
			emit_register(e, BPF_OR, (uint8_t)to, (uint8_t)(to + 1));
	}
	emit_presence(e, (uint8_t)to, terms->at[first].shape);
	return i;
}

static void emit_comparison(struct emitter *e, const struct filter *f, unsigned to)
{
	struct filter_terms terms = { 0 };

	filter_terms(&f, 1, false, &terms);
	if (terms.failed)
		e->failed = "out of memory";
	if (!terms.n)
		emit_constant(e, EBPF_ALU64, EBPF_MOV, (uint8_t)to, 0);
	for (size_t i = 0; i < terms.n && !e->failed;) {
		bool more = i;

		if (!claim(e, to + more))
			break;
		i = emit_alike(e, to + more, &terms, i);
		if (more)
			emit_register(e, BPF_OR, (uint8_t)to, (uint8_t)(to + 1));
	}
	filter_terms_free(&terms);
}

/* ---- filters ---- */

static void emit_filter(struct emitter *e, const struct filter *f, unsigned to)
{
	if (!claim(e, to))
		return;
	switch (f->kind) {
	case FILTER_TRUE:
	case FILTER_FALSE:
		emit_constant(e, EBPF_ALU64, EBPF_MOV, (uint8_t)to,
			      f->kind == FILTER_TRUE ? UINT32_MAX : 0);
		break;
	case FILTER_IN:
		emit_comparison(e, f, to);
		break;
	case FILTER_NOT:
		emit_filter(e, f->parts[0], to);
		emit_constant(e, EBPF_ALU64, BPF_XOR, (uint8_t)to, UINT32_MAX);
		break;
	case FILTER_AND:
	case FILTER_OR:
		for (size_t i = 0; i < f->n_parts; i++) {
			emit_filter(e, f->parts[i], to + (i > 0));
			if (i)
				emit_register(e, f->kind == FILTER_AND ? BPF_AND : BPF_OR,
					      (uint8_t)to, (uint8_t)(to + 1));
		}
	}
}

/* As packet_shape does: bit 7 is the `or` of the two families. */
static void emit_shape(struct emitter *e)
{
	_Static_assert(PACKET_IP4 == 1 << 2 && PACKET_IP6 == 1 << 3 && SHAPE_IP == 1 << 7,
		       "the shifts below");
	emit_load(e, SHAPE, (struct filter_place){ offsetof(struct packet, present), 4 });
	emit_register(e, EBPF_MOV, SCRATCH, SHAPE);
	emit_constant(e, EBPF_ALU64, BPF_LSH, SCRATCH, 1);
	emit_register(e, BPF_OR, SCRATCH, SHAPE);
	emit_constant(e, EBPF_ALU64, BPF_LSH, SCRATCH, 4);
	emit_constant(e, EBPF_ALU64, BPF_AND, SCRATCH, SHAPE_IP);
	emit_register(e, BPF_OR, SHAPE, SCRATCH);
}

/* There is one exit, behind all filters: rte_bpf 22.11 makes each further one a jump back to the
 * first, and goes wrong where that is 127 or 128 bytes away. */
static void emit_first(struct emitter *e, const struct filter *const *filters, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		emit_constant(e, EBPF_ALU64, EBPF_MOV, RESULT, (uint32_t)i);
		emit_filter(e, filters[i], FIRST_REGISTER);
		emit(e, (struct ebpf_insn){ .code = BPF_JMP | EBPF_JSLT | BPF_K,
					    .dst_reg = FIRST_REGISTER });
	}
	emit_constant(e, EBPF_ALU64, EBPF_MOV, RESULT, UINT32_MAX);
	for (size_t i = 0; i < e->n; i++)
		if (BPF_CLASS(e->at[i].code) == BPF_JMP)
			e->at[i].off = (int16_t)(e->n - i - 1);
	emit_return(e);
}

static void emit_masks(struct emitter *e, const struct filter *const *filters, size_t n)
{
	emit_constant(e, EBPF_ALU64, EBPF_MOV, RESULT, 0);
	for (size_t i = 0; i < n; i++) {
		emit_filter(e, filters[i], FIRST_REGISTER);
		emit_constant(e, EBPF_ALU64, BPF_RSH, FIRST_REGISTER, TRUTH_BIT);
		emit_constant(e, EBPF_ALU64, BPF_LSH, FIRST_REGISTER, (uint32_t)i);
		emit_register(e, BPF_OR, RESULT, FIRST_REGISTER);
	}
	emit_return(e);
}

/* ---- loading ---- */

static bool load(struct chooser_bpf *b, const struct emitter *e, struct filter_error *error)
{
	struct rte_bpf_prm program = { .ins = e->at,
				       .nb_ins = (uint32_t)e->n,
				       .prog_arg = { .type = RTE_BPF_ARG_PTR,
						     .size = sizeof(struct packet) } };
	struct rte_bpf_jit jit;

	b->bpf = rte_bpf_load(&program);
	if (!b->bpf)
		return filter_fail(error, "rte_bpf: %s", rte_strerror(rte_errno));
	if (rte_bpf_get_jit(b->bpf, &jit) || !jit.func)
		return filter_fail(error, "rte_bpf makes no machine code here");
	b->run = jit.func;
	return true;
}

struct chooser_bpf *chooser_bpf_open(const struct filter *const *filters, size_t n, bool masks,
				     struct filter_error *error)
{
	struct chooser_bpf *b = calloc(1, sizeof(*b));
	struct emitter e = { 0 };
	bool ok = b || filter_fail(error, "out of memory");

	emit_shape(&e);
	if (masks)
		emit_masks(&e, filters, n);
	else
		emit_first(&e, filters, n);
	if (ok && e.failed)
		ok = filter_fail(error, "rte_bpf: %s", e.failed);
	ok = ok && load(b, &e, error);
	free(e.at);
	if (ok)
		return b;
	chooser_bpf_close(b);
	return NULL;
}

void chooser_bpf_close(struct chooser_bpf *b)
{
	if (!b)
		return;
	rte_bpf_destroy(b->bpf);
	free(b);
}

void chooser_bpf_first(const struct chooser_bpf *b, struct rte_mbuf *const *packets, unsigned n,
		       int16_t *first)
{
	for (unsigned i = 0; i < n; i++)
		first[i] = (int16_t)b->run(packet_of(packets[i]));
}

void chooser_bpf_all(const struct chooser_bpf *b, struct rte_mbuf *const *packets, unsigned n,
		     uint64_t *masks)
{
	for (unsigned i = 0; i < n; i++)
		masks[i] = b->run(packet_of(packets[i]));
}
