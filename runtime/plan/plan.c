#include <config.h>

#include "runtime/plan/plan.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/plan/reader.h"
#include "runtime/plan/rows.h"

enum { SELF_DESCRIBED = 55799 };

/* Far more than any plan; keeps a wrong file from filling the memory. */
static const size_t largest_file = (size_t)256 << 20;

struct opened {
	struct rplan_plan plan; /* first: what callers hold */
	struct pool pool;
};

/* How LIST and MAP lie in memory, whatever their rows are. */
struct any_list {
	const char *at;
	size_t n;
};

struct any_map {
	const char *const *names;
	const char *at;
	size_t n;
};

static bool read_row(struct reader *, const struct rplan_row *, char *out);

/* Members of a row are written by their offsets, as only the table knows their types. */
#define PUT(member, ...) memcpy((member), &(__VA_ARGS__), sizeof(__VA_ARGS__))

static bool read_text(struct reader *r, bool null_allowed, char *out)
{
	const char *text = NULL;
	struct token t;

	if (!reader_token(r, &t))
		return false;
	if (t.kind != TOKEN_TEXT && !(null_allowed && t.kind == TOKEN_NULL))
		return reader_refuse(r, "expected text%s, found %s", null_allowed ? " or null" : "",
				     token_name(&t));
	if (t.kind == TOKEN_TEXT && !(text = reader_text(r, &t)))
		return false;
	PUT(out, text);
	return true;
}

static bool is_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *w = words; *w; w += strspn(w, " ")) {
		size_t n = strcspn(w, " ");

		if (n == length && !memcmp(w, word, n))
			return true;
		w += n;
	}
	return false;
}

static bool read_word(struct reader *r, const char *words, bool null_allowed, char *out)
{
	const char *word;

	if (!read_text(r, null_allowed, out))
		return false;
	memcpy(&word, out, sizeof(word));
	if (word && !is_word(words, word))
		return reader_refuse(r, "'%.40s' is none of: %s", word, words);
	return true;
}

static bool integer_of(struct reader *r, const struct token *t, int64_t *integer)
{
	if (t->kind != TOKEN_UINT && t->kind != TOKEN_NEGATIVE)
		return reader_refuse(r, "expected an integer, found %s", token_name(t));
	if (t->count > INT64_MAX)
		return reader_refuse(r, "an integer beyond 64 bits");
	*integer = t->kind == TOKEN_UINT ? (int64_t)t->count : -1 - (int64_t)t->count;
	return true;
}

static bool number_of(struct reader *r, const struct token *t, double *number)
{
	switch (t->kind) {
	case TOKEN_UINT:
		*number = (double)t->count;
		return true;
	case TOKEN_NEGATIVE:
		*number = -1 - (double)t->count;
		return true;
	case TOKEN_FLOAT:
		*number = t->number;
		return true;
	default:
		return reader_refuse(r, "expected a number, found %s", token_name(t));
	}
}

static bool read_int(struct reader *r, char *out)
{
	struct token t;
	int64_t integer = 0;

	if (!reader_token(r, &t) || !integer_of(r, &t, &integer))
		return false;
	PUT(out, integer);
	return true;
}

static bool read_int_or_null(struct reader *r, char *out)
{
	struct rplan_int integer = { 0 };
	struct token t;

	if (!reader_token(r, &t))
		return false;
	integer.present = t.kind != TOKEN_NULL;
	if (integer.present && !integer_of(r, &t, &integer.value))
		return false;
	PUT(out, integer);
	return true;
}

static bool read_num(struct reader *r, char *out)
{
	struct token t;
	double number = 0;

	if (!reader_token(r, &t) || !number_of(r, &t, &number))
		return false;
	PUT(out, number);
	return true;
}

static bool read_num_or_null(struct reader *r, char *out)
{
	struct rplan_num number = { 0 };
	struct token t;

	if (!reader_token(r, &t))
		return false;
	number.present = t.kind != TOKEN_NULL;
	if (number.present && !number_of(r, &t, &number.value))
		return false;
	PUT(out, number);
	return true;
}

static bool read_bool(struct reader *r, char *out)
{
	struct token t;

	if (!reader_expect(r, TOKEN_BOOL, "true or false", &t))
		return false;
	PUT(out, t.truth);
	return true;
}

/* Reads the head of a list and takes memory for its items; NULL: refused.  LEAST: bytes
 * that an item has at least. */
static char *read_list_head(struct reader *r, size_t item_size, size_t least, size_t *n)
{
	struct token t;

	if (!reader_expect(r, TOKEN_LIST, "a list", &t) || !reader_room(r, t.count, least))
		return NULL;
	*n = t.count;
	return reader_take(r, t.count, item_size);
}

static bool read_texts(struct reader *r, char *out)
{
	struct rplan_texts texts = { 0 };
	char *items = read_list_head(r, sizeof(*texts.at), 1, &texts.n);

	if (!items)
		return false;
	for (size_t i = 0; i < texts.n; i++) {
		if (!reader_enter_index(r, i) ||
		    !read_text(r, false, items + i * sizeof(*texts.at)))
			return false;
		reader_leave(r);
	}
	texts.at = (const char *const *)(void *)items;
	PUT(out, texts);
	return true;
}

static bool read_ints(struct reader *r, char *out)
{
	struct rplan_ints ints = { 0 };
	char *items = read_list_head(r, sizeof(*ints.at), 1, &ints.n);

	if (!items)
		return false;
	for (size_t i = 0; i < ints.n; i++) {
		if (!reader_enter_index(r, i) || !read_int(r, items + i * sizeof(*ints.at)))
			return false;
		reader_leave(r);
	}
	ints.at = (const int64_t *)(void *)items;
	PUT(out, ints);
	return true;
}

static bool read_lists(struct reader *r, char *out)
{
	struct rplan_lists lists = { 0 };
	char *items = read_list_head(r, sizeof(*lists.at), 1, &lists.n);

	if (!items)
		return false;
	for (size_t i = 0; i < lists.n; i++) {
		if (!reader_enter_index(r, i) || !read_texts(r, items + i * sizeof(*lists.at)))
			return false;
		reader_leave(r);
	}
	lists.at = (const struct rplan_texts *)(void *)items;
	PUT(out, lists);
	return true;
}

static bool read_rows(struct reader *r, const struct rplan_row *row, char *out)
{
	struct any_list list = { 0 };
	char *items = read_list_head(r, row->size, row->least, &list.n);

	if (!items)
		return false;
	for (size_t i = 0; i < list.n; i++) {
		if (!reader_enter_index(r, i) || !read_row(r, row, items + i * row->size))
			return false;
		reader_leave(r);
	}
	list.at = items;
	PUT(out, list);
	return true;
}

static bool next_is_null(const struct reader *r)
{
	struct token t;
	const char *why;

	return token_read(r->bytes + r->at, r->size - r->at, &t, &why) && t.kind == TOKEN_NULL;
}

static bool read_one(struct reader *r, const struct rplan_row *row, bool null_allowed, char *out)
{
	char *one;

	/* Members are zeroed, so null leaves NULL behind. */
	if (null_allowed && next_is_null(r))
		return reader_skip(r);
	one = reader_take(r, 1, row->size);
	if (!one || !read_row(r, row, one))
		return false;
	PUT(out, one);
	return true;
}

static bool read_object_head(struct reader *r, size_t least, struct reader_object *object)
{
	struct token t;

	*object = (struct reader_object){ 0 };
	if (!reader_expect(r, TOKEN_OBJECT, "an object", &t) || !reader_room(r, t.count, least))
		return false;
	object->n_left = t.count;
	return true;
}

static bool read_map(struct reader *r, const struct rplan_row *row, char *out)
{
	struct any_map map = { 0 };
	struct reader_object object;
	const char **names;
	struct token key;
	char *items;

	if (!read_object_head(r, 1 + row->least, &object) ||
	    !(names = reader_take(r, object.n_left, sizeof(*names))) ||
	    !(items = reader_take(r, object.n_left, row->size)))
		return false;
	for (; reader_key(r, &object, &key); map.n++) {
		if (!reader_enter_key(r, &key) || !(names[map.n] = reader_text(r, &key)) ||
		    !read_row(r, row, items + map.n * row->size))
			return false;
		reader_leave(r);
	}
	map.names = names;
	map.at = items;
	PUT(out, map);
	return !r->failed;
}

static bool read_map_num(struct reader *r, char *out)
{
	struct rplan_map_num map = { 0 };
	struct rplan_named_num *items;
	struct reader_object object;
	struct token key;

	if (!read_object_head(r, 2, &object) ||
	    !(items = reader_take(r, object.n_left, sizeof(*items))))
		return false;
	for (; reader_key(r, &object, &key); map.n++) {
		if (!reader_enter_key(r, &key) || !(items[map.n].key = reader_text(r, &key)) ||
		    !read_num(r, (char *)&items[map.n].value))
			return false;
		reader_leave(r);
	}
	map.at = items;
	PUT(out, map);
	return !r->failed;
}

static bool read_value(struct reader *r, struct rplan_value *value);

static bool read_members(struct reader *r, uint64_t n, struct rplan_values *members)
{
	struct reader_object object = { n, { 0 } };
	struct rplan_named_value *items;
	struct token key;

	if (!reader_room(r, n, 2) || !(items = reader_take(r, n, sizeof(*items))))
		return false;
	members->at = items;
	for (; reader_key(r, &object, &key); members->n++) {
		struct rplan_named_value *m = &items[members->n];

		if (!reader_enter_key(r, &key) || !(m->key = reader_text(r, &key)) ||
		    !read_value(r, &m->value))
			return false;
		reader_leave(r);
	}
	return !r->failed;
}

static bool read_items(struct reader *r, uint64_t n, struct rplan_value *list)
{
	struct rplan_value *items;

	if (!reader_room(r, n, 1) || !(items = reader_take(r, n, sizeof(*items))))
		return false;
	list->items = items;
	list->n_items = n;
	for (size_t i = 0; i < n; i++) {
		if (!reader_enter_index(r, i) || !read_value(r, &items[i]))
			return false;
		reader_leave(r);
	}
	return true;
}

static bool read_value(struct reader *r, struct rplan_value *value)
{
	struct token t;

	if (!reader_token(r, &t))
		return false;
	switch (t.kind) {
	case TOKEN_NULL:
		value->kind = RPLAN_NULL;
		return true;
	case TOKEN_BOOL:
		value->kind = RPLAN_BOOL;
		value->truth = t.truth;
		return true;
	case TOKEN_TEXT:
		value->kind = RPLAN_TEXT;
		return (value->text = reader_text(r, &t));
	case TOKEN_LIST:
		value->kind = RPLAN_LIST;
		return read_items(r, t.count, value);
	case TOKEN_OBJECT:
		value->kind = RPLAN_OBJECT;
		return read_members(r, t.count, &value->members);
	default:
		value->kind = RPLAN_NUMBER;
		return number_of(r, &t, &value->number);
	}
}

static bool read_values(struct reader *r, char *out)
{
	struct rplan_values values = { 0 };
	struct token t;

	if (!reader_expect(r, TOKEN_OBJECT, "an object", &t) || !read_members(r, t.count, &values))
		return false;
	PUT(out, values);
	return true;
}

static bool read_key(struct reader *r, const struct rplan_key *key, char *out)
{
	const struct rplan_row *of = rplan_row(key->of);

	switch (key->kind) {
	case RPLAN_KIND_TEXT:
		return read_text(r, false, out);
	case RPLAN_KIND_TEXT_NULL:
		return read_text(r, true, out);
	case RPLAN_KIND_WORD:
		return read_word(r, key->of, false, out);
	case RPLAN_KIND_WORD_NULL:
		return read_word(r, key->of, true, out);
	case RPLAN_KIND_INT:
		return read_int(r, out);
	case RPLAN_KIND_INT_NULL:
		return read_int_or_null(r, out);
	case RPLAN_KIND_NUM:
		return read_num(r, out);
	case RPLAN_KIND_NUM_NULL:
		return read_num_or_null(r, out);
	case RPLAN_KIND_BOOL:
		return read_bool(r, out);
	case RPLAN_KIND_TEXTS:
		return read_texts(r, out);
	case RPLAN_KIND_INTS:
		return read_ints(r, out);
	case RPLAN_KIND_LISTS:
		return read_lists(r, out);
	case RPLAN_KIND_LIST:
		return read_rows(r, of, out);
	case RPLAN_KIND_ONE:
		return read_one(r, of, false, out);
	case RPLAN_KIND_ONE_NULL:
		return read_one(r, of, true, out);
	case RPLAN_KIND_MAP:
		return read_map(r, of, out);
	case RPLAN_KIND_MAP_NUM:
		return read_map_num(r, out);
	case RPLAN_KIND_VALUES:
		return read_values(r, out);
	case RPLAN_KIND_CHOICE:
		return reader_skip(r); /* see read_choice */
	}
	return false;
}

static const struct rplan_key *row_key(const struct rplan_row *row, const char *name, size_t n)
{
	for (size_t i = 0; i < row->n_keys; i++)
		if (strlen(row->keys[i].name) == n && !memcmp(row->keys[i].name, name, n))
			return &row->keys[i];
	return NULL;
}

/* Reads the value of a CHOICE key, which lies at AT: before `backend`, which decides what it is,
 * so that it was stepped over at first. */
static bool read_choice(struct reader *r, const struct rplan_row *row, const struct rplan_key *key,
			size_t at, char *out)
{
	struct token name = { .kind = TOKEN_TEXT, .bytes = key->name, .count = strlen(key->name) };
	size_t behind = r->at;
	const struct rplan_row *of;
	const char *backend;

	memcpy(&backend, out + row_key(row, "backend", 7)->offset, sizeof(backend));
	of = rplan_choice(backend);
	assert(of); /* `backend` is a known word */
	r->at = at;
	if (!reader_enter_key(r, &name) || !read_one(r, of, false, out + key->offset))
		return false;
	reader_leave(r);
	r->at = behind;
	return true;
}

static bool all_present(struct reader *r, const struct rplan_row *row, uint64_t seen)
{
	for (size_t i = 0; i < row->n_keys; i++)
		if (!(seen >> i & 1))
			return reader_refuse(r, "key '%s' is missing", row->keys[i].name);
	return true;
}

static bool read_row(struct reader *r, const struct rplan_row *row, char *out)
{
	const struct rplan_key *choice = NULL;
	struct reader_object object;
	size_t choice_at = 0;
	uint64_t seen = 0;
	struct token name;

	if (!read_object_head(r, 2, &object))
		return false;
	while (reader_key(r, &object, &name)) {
		const struct rplan_key *key = row_key(row, name.bytes, name.count);

		if (key && key->kind == RPLAN_KIND_CHOICE) {
			choice = key;
			choice_at = r->at;
		}
		if (!reader_enter_key(r, &name) ||
		    !(key ? read_key(r, key, out + key->offset) : reader_skip(r)))
			return false;
		reader_leave(r);
		if (key)
			seen |= (uint64_t)1 << (key - row->keys);
	}
	return !r->failed && all_present(r, row, seen) &&
	       (!choice || read_choice(r, row, choice, choice_at, out));
}

/* ---- the whole ---- */

static bool read_tag(struct reader *r)
{
	struct token t;
	const char *why;
	size_t size = token_read(r->bytes, r->size, &t, &why);

	if (!size || t.kind != TOKEN_TAG || t.count != SELF_DESCRIBED)
		return reader_refuse(r, "does not begin with the CBOR tag 55799, so it is no plan");
	r->at = size;
	return true;
}

static bool check_version(struct reader *r)
{
	int64_t version = 0;

	if (!read_int(r, (char *)&version))
		return false;
	if (version != PLAN_VERSION_READ)
		return reader_refuse(r, "this plan has version %jd, this program reads version %d",
				     (intmax_t)version, PLAN_VERSION_READ);
	return true;
}

/* A first walk over the whole file: well-formed to its end, and of our version.  It comes before
 * all else, as another version may have other rows. */
static bool check_form(struct reader *r)
{
	struct reader_object object;
	bool has_version = false;
	struct token key;

	if (!read_object_head(r, 2, &object))
		return false;
	while (reader_key(r, &object, &key)) {
		bool is_version = key.count == 9 && !memcmp(key.bytes, "epic_plan", 9);

		if (!reader_enter_key(r, &key) || !(is_version ? check_version(r) : reader_skip(r)))
			return false;
		reader_leave(r);
		has_version |= is_version;
	}
	if (!r->failed && !has_version)
		reader_refuse(r, "key 'epic_plan' is missing");
	if (!r->failed && r->at != r->size)
		reader_refuse(r, "%zu bytes too many at the end", r->size - r->at);
	return !r->failed;
}

static bool check_index(struct reader *r, int64_t index, size_t n, const char *what,
			const char *path)
{
	if (index < 0 || (uint64_t)index >= n)
		return reader_refuse_at(r, path, "%jd is none of the %zu %s", (intmax_t)index, n,
					what);
	return true;
}

static bool check_socks(struct reader *r, const struct rplan_plan *p, size_t target)
{
	const struct rplan_socks_config *c = rplan_target_socks(&p->targets.at[target]);
	char path[96];

	for (size_t i = 0; c && i < c->chains.n; i++) {
		snprintf(path, sizeof(path), "targets[%zu].config.chains[%zu].flow", target, i);
		if (!check_index(r, c->chains.at[i].flow, p->flows.n, "flows", path))
			return false;
	}
	return true;
}

static bool check_nginx(struct reader *r, const struct rplan_plan *p, size_t target)
{
	const struct rplan_nginx_config *c = rplan_target_nginx(&p->targets.at[target]);
	char path[96];

	for (size_t i = 0; c && i < c->listeners.n; i++) {
		snprintf(path, sizeof(path), "targets[%zu].config.listeners[%zu].flow", target, i);
		if (!check_index(r, c->listeners.at[i].flow, p->flows.n, "flows", path))
			return false;
	}
	return true;
}

static bool check_packets(struct reader *r, const struct rplan_plan *p, size_t target)
{
	const struct rplan_packet_config *c = rplan_target_bess(&p->targets.at[target]);
	char path[96];

	c = c ? c : rplan_target_dpdk(&p->targets.at[target]);
	if (!c || !c->schedule.present)
		return true;
	snprintf(path, sizeof(path), "targets[%zu].config.schedule", target);
	return check_index(r, c->schedule.value, p->schedules.n, "schedules", path);
}

static bool check_workers(struct reader *r, const struct rplan_plan *p, size_t schedule)
{
	const struct rplan_schedule *s = &p->schedules.at[schedule];
	size_t n = s->workers < 0 ? 0 : (size_t)s->workers;
	char path[96];

	for (size_t i = 0; i < s->tasks.n; i++) {
		snprintf(path, sizeof(path), "schedules[%zu].tasks[%zu].worker", schedule, i);
		if (!check_index(r, s->tasks.at[i].worker, n, "workers", path))
			return false;
	}
	return true;
}

static bool check_indices(struct reader *r, const struct rplan_plan *p)
{
	for (size_t i = 0; i < p->targets.n; i++)
		if (!check_socks(r, p, i) || !check_nginx(r, p, i) || !check_packets(r, p, i))
			return false;
	for (size_t i = 0; i < p->schedules.n; i++)
		if (!check_workers(r, p, i))
			return false;
	return true;
}

const struct rplan_plan *plan_read(const void *bytes, size_t size, struct plan_error *error)
{
	struct opened *opened = calloc(1, sizeof(*opened));
	struct reader r = { .bytes = bytes, .size = size, .error = error };
	size_t start;

	*error = (struct plan_error){ 0 };
	if (!opened) {
		reader_refuse(&r, "no memory is left");
		return NULL;
	}
	r.pool = &opened->pool;
	if (!read_tag(&r))
		goto refused;
	start = r.at;
	if (!check_form(&r))
		goto refused;
	r.at = start;
	if (!read_row(&r, rplan_row("plan"), (char *)&opened->plan) ||
	    !check_indices(&r, &opened->plan))
		goto refused;
	return &opened->plan;
refused:
	plan_close(&opened->plan);
	return NULL;
}

/* Grows *BYTES by what F still holds. */
static bool read_all(FILE *f, char **bytes, size_t *size)
{
	size_t cap = 0, got;

	do {
		if (*size == cap) {
			char *more = realloc(*bytes, cap = cap ? 2 * cap : 65536);

			if (!more) {
				errno = ENOMEM;
				return false;
			}
			*bytes = more;
		}
		got = fread(*bytes + *size, 1, cap - *size, f);
		*size += got;
	} while (got && *size <= largest_file);
	if (*size > largest_file)
		errno = EFBIG;
	return !ferror(f) && *size <= largest_file;
}

const struct rplan_plan *plan_open(const char *path, struct plan_error *error)
{
	bool is_stdin = !strcmp(path, "-");
	FILE *f = is_stdin ? stdin : fopen(path, "rbe");
	const struct rplan_plan *plan = NULL;
	char *bytes = NULL;
	size_t size = 0;

	*error = (struct plan_error){ 0 };
	if (!f || !read_all(f, &bytes, &size))
		snprintf(error->text, sizeof(error->text), "cannot read: %s", strerror(errno));
	else
		plan = plan_read(bytes, size, error);
	free(bytes);
	if (f && !is_stdin)
		fclose(f);
	return plan;
}

void plan_close(const struct rplan_plan *plan)
{
	struct opened *opened = (struct opened *)(uintptr_t)plan;

	if (!opened)
		return;
	pool_free(&opened->pool);
	free(opened);
}
