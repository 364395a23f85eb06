/* The interpreter of pipelines: one packet on its way (doc/language.md 5.3).
 *
 * The packet goes from module to module by the one `->` edge whose filter it meets;
 * each `->>` edge whose filter it meets sends a copy, which goes on by itself.
 * Filters are evaluated directly on the packet, without sets of packets.
 *
 * Not everything about a packet need be known: a derived attribute has a value only if
 * one is given, a field that a module rewrites has none behind it.  Where the way hangs
 * on such a field, it ends there and the field is reported as needed; nothing is ever
 * guessed, and nothing is asked for that decides nothing. */
#ifndef EPIC_IR_WALK_H
#define EPIC_IR_WALK_H

#include "compiler/base/ids.h"
#include "compiler/ir/ir.h"

/* A field's value behind a module that rewrites it. */
struct walk_rewrite {
	uint32_t module;
	struct packet_value value;
};

/* What is known of a packet that enters.  A field that is neither in `packet` nor in
 * `hidden` is absent, but for derived attributes: those are unknown then. */
struct walk_packet {
	struct packet packet;              /* derived attributes included */
	const struct field *const *hidden; /* present, value unknown */
	size_t n_hidden;
	const struct walk_rewrite *rewrites;
	size_t n_rewrites;
};

enum walk_end {
	WALK_ON,      /* takes `edge` */
	WALK_EXIT,    /* leaves the pipeline here */
	WALK_DROPPED, /* no edge takes it */
	WALK_OPEN,    /* unknown which edge takes it, or whether one does */
	WALK_CUT,     /* more than WALK_MOST steps, or copies of copies without end */
};

enum { WALK_MOST = 1 << 16 };

struct walk_step;

struct walk_way {
	struct walk_step *steps; /* at least one */
	size_t n;
};

struct walk_copy {
	uint32_t edge; /* of the pipeline */
	bool open;     /* unknown whether it is sent; `way` is empty */
	struct walk_way way;
};

struct walk_step {
	uint32_t module;          /* of the pipeline */
	enum walk_end end;        /* WALK_ON but for the last step of a way */
	uint32_t edge;            /* WALK_ON: of the pipeline, else ID_NONE */
	struct ids open;          /* WALK_OPEN: the edges that may take it */
	struct walk_copy *copies; /* sent on the way out, in the order of the edges */
	size_t n_copies;
};

/* A field that decides which way the packet goes, or to which class it belongs. */
struct walk_need {
	const struct field *field;
	uint32_t module;   /* on whose out-edges it is compared; ID_NONE: by `match` of a class */
	uint32_t rewriter; /* the module that changed it; ID_NONE: it was not known before */
};

struct walk {
	uint32_t pipeline;
	struct walk_way way;
	/* once each, as met */
	struct walk_need *needs;
	size_t n_needs;
};

/* The modules at which packets enter: without in-edges, and a source or a port in use. */
struct ids walk_sources(struct arena *, const struct ir_pipeline *);

/* Sends the packet into SOURCE.  Never NULL; lives in the arena. */
struct walk *walk_packet(struct arena *, const struct ir *, uint32_t pipeline, uint32_t source,
			 const struct walk_packet *);

/* Whether the packet belongs to the class: `match` holds as it enters, and its way (not a
 * copy's) is one of the class's paths.  What `match` needs to know is added to the needs
 * of the walk; a way that is not known to its end leaves every class open whose paths
 * begin so. */
enum fx_truth walk_class(struct arena *, struct walk *, const struct ir_class *,
			 const struct walk_packet *);

/* Whether FIELD is unknown behind a module of this function, for packets that have it. */
bool walk_rewrites(const struct ir_function *, const struct field *);

/* FX on the packet as it enters; what is needed is not kept. */
enum fx_truth walk_entering(const struct walk_packet *, const struct fx *);

#endif
