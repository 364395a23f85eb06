/* SHA-256 of a text, by nettle. */
#ifndef EPIC_BASE_SHA256_H
#define EPIC_BASE_SHA256_H

#include <stddef.h>

enum { SHA256_TEXT_SIZE = 65 };

/* 64 lower-case hexadecimal digits and a NUL. */
void sha256_text(const void *, size_t size, char text[SHA256_TEXT_SIZE]);

#endif
