#include <config.h>

#include "compiler/base/sha256.h"

#include <nettle/sha2.h>
#include <stdint.h>
#include <stdio.h>

void sha256_text(const void *bytes, size_t size, char text[SHA256_TEXT_SIZE])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, size, bytes);
	sha256_digest(&ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
}
