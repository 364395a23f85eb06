#include <config.h>

#include "runtime/plan/token.h"

#include <cbor.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* What the callbacks leave behind. */
struct heard {
	struct token token;
	unsigned float_size;
	bool indefinite;
};

static void hear(void *ctx, enum token_kind kind, uint64_t count)
{
	struct heard *h = ctx;

	h->token.kind = kind;
	h->token.count = count;
}

static void hear_uint8(void *ctx, uint8_t v)
{
	hear(ctx, TOKEN_UINT, v);
}

static void hear_uint16(void *ctx, uint16_t v)
{
	hear(ctx, TOKEN_UINT, v);
}

static void hear_uint32(void *ctx, uint32_t v)
{
	hear(ctx, TOKEN_UINT, v);
}

static void hear_uint64(void *ctx, uint64_t v)
{
	hear(ctx, TOKEN_UINT, v);
}

static void hear_negative8(void *ctx, uint8_t v)
{
	hear(ctx, TOKEN_NEGATIVE, v);
}

static void hear_negative16(void *ctx, uint16_t v)
{
	hear(ctx, TOKEN_NEGATIVE, v);
}

static void hear_negative32(void *ctx, uint32_t v)
{
	hear(ctx, TOKEN_NEGATIVE, v);
}

static void hear_negative64(void *ctx, uint64_t v)
{
	hear(ctx, TOKEN_NEGATIVE, v);
}

static void hear_text(void *ctx, cbor_data data, size_t size)
{
	struct heard *h = ctx;

	hear(ctx, TOKEN_TEXT, size);
	h->token.bytes = (const char *)data;
}

static void hear_bytes(void *ctx, cbor_data data, size_t size)
{
	struct heard *h = ctx;

	hear(ctx, TOKEN_BYTES, size);
	h->token.bytes = (const char *)data;
}

static void hear_list(void *ctx, size_t n)
{
	hear(ctx, TOKEN_LIST, n);
}

static void hear_object(void *ctx, size_t n)
{
	hear(ctx, TOKEN_OBJECT, n);
}

static void hear_tag(void *ctx, uint64_t tag)
{
	hear(ctx, TOKEN_TAG, tag);
}

static void hear_indefinite(void *ctx)
{
	struct heard *h = ctx;

	h->indefinite = true;
}

static void hear_null(void *ctx)
{
	hear(ctx, TOKEN_NULL, 0);
}

static void hear_undefined(void *ctx)
{
	hear(ctx, TOKEN_OTHER, 0);
}

static void hear_bool(void *ctx, bool truth)
{
	struct heard *h = ctx;

	hear(ctx, TOKEN_BOOL, 0);
	h->token.truth = truth;
}

static void hear_float(void *ctx, double number, unsigned size)
{
	struct heard *h = ctx;

	hear(ctx, TOKEN_FLOAT, 0);
	h->token.number = number;
	h->float_size = size;
}

static void hear_half(void *ctx, float number)
{
	hear_float(ctx, (double)number, 2);
}

static void hear_single(void *ctx, float number)
{
	hear_float(ctx, (double)number, 4);
}

static void hear_double(void *ctx, double number)
{
	hear_float(ctx, number, 8);
}

static const struct cbor_callbacks callbacks = {
	.uint8 = hear_uint8,
	.uint16 = hear_uint16,
	.uint32 = hear_uint32,
	.uint64 = hear_uint64,
	.negint8 = hear_negative8,
	.negint16 = hear_negative16,
	.negint32 = hear_negative32,
	.negint64 = hear_negative64,
	.byte_string_start = hear_indefinite,
	.byte_string = hear_bytes,
	.string = hear_text,
	.string_start = hear_indefinite,
	.indef_array_start = hear_indefinite,
	.array_start = hear_list,
	.indef_map_start = hear_indefinite,
	.map_start = hear_object,
	.tag = hear_tag,
	.float2 = hear_half,
	.float4 = hear_single,
	.float8 = hear_double,
	.undefined = hear_undefined,
	.null = hear_null,
	.boolean = hear_bool,
	.indef_break = hear_indefinite,
};

/* Whether the head, which starts with FIRST, could not be shorter and mean COUNT. */
static bool head_is_shortest(uint8_t first, uint64_t count)
{
	switch (first & 0x1f) {
	case 24:
		return count >= 24;
	case 25:
		return count > UINT8_MAX;
	case 26:
		return count > UINT16_MAX;
	case 27:
		return count > UINT32_MAX;
	default:
		return true;
	}
}

/* Whether binary16 holds F: eleven significant bits, or a multiple of its least subnormal. */
static bool fits_half(float f)
{
	float scaled = fabsf(f) * 0x1p24f;
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	if (fabsf(f) > 65504.0f)
		return false;
	return fabsf(f) < 0x1p-14f ? scaled == floorf(scaled) : !(bits & 0x1fff);
}

static bool float_is_shortest(double number, unsigned size)
{
	if (size == 8)
		return fabs(number) > FLT_MAX || (double)(float)number != number;
	return size == 2 || !fits_half((float)number);
}

/* Length of the UTF-8 sequence at S, 0 if it is none (RFC 3629) or a NUL. */
static size_t utf8_sequence(const uint8_t *s, size_t size)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t code;

	if (length <= 1)
		return s[0] ? length : 0;
	if (length > size || s[0] > 0xf4)
		return 0;
	code = s[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fu);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return length;
}

static bool is_utf8(const char *text, size_t size)
{
	for (size_t i = 0; i < size;) {
		size_t length = utf8_sequence((const uint8_t *)text + i, size - i);

		if (!length)
			return false;
		i += length;
	}
	return true;
}

/* What is wrong with a token that libcbor took; NULL: nothing. */
static const char *token_fault(const struct heard *h, uint8_t first)
{
	const struct token *t = &h->token;

	if (h->indefinite)
		return "indefinite lengths are not allowed";
	if (t->kind == TOKEN_FLOAT && !isfinite(t->number))
		return "not a finite number";
	if (t->kind == TOKEN_FLOAT && !float_is_shortest(t->number, h->float_size))
		return "a number is not in its shortest form";
	if (first < 0xe0 && !head_is_shortest(first, t->count))
		return "a number or length is not in its shortest form";
	if (t->kind == TOKEN_TEXT && !is_utf8(t->bytes, t->count))
		return "text that is not UTF-8, or holds a NUL";
	return NULL;
}

size_t token_read(const uint8_t *bytes, size_t size, struct token *token, const char **why)
{
	struct heard heard = { 0 };
	struct cbor_decoder_result result;

	*why = "the plan is cut off";
	if (!size)
		return 0;
	result = cbor_stream_decode(bytes, size, &callbacks, &heard);
	if (result.status == CBOR_DECODER_NEDATA)
		return 0;
	*why = "malformed CBOR";
	if (result.status != CBOR_DECODER_FINISHED || !result.read || result.read > size)
		return 0;
	*why = token_fault(&heard, bytes[0]);
	*token = heard.token;
	return *why ? 0 : result.read;
}

const char *token_name(const struct token *token)
{
	static const char *const names[] = {
		[TOKEN_NULL] = "null",        [TOKEN_BOOL] = "true or false",
		[TOKEN_UINT] = "an integer",  [TOKEN_NEGATIVE] = "a negative integer",
		[TOKEN_FLOAT] = "a fraction", [TOKEN_TEXT] = "text",
		[TOKEN_BYTES] = "bytes",      [TOKEN_LIST] = "a list",
		[TOKEN_OBJECT] = "an object", [TOKEN_TAG] = "a tag",
		[TOKEN_OTHER] = "undefined",
	};

	return names[token->kind];
}
