/* codec.h - hexadecimal, base64 and GUIDs.
 *
 * Encoders write a NUL-terminated text into `out`, whose size the caller
 * computes with the macros; decoders return the number of bytes written or
 * -1 for text that is not of that form. */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/base.h"
#include "base/buf.h"

#define HEX_SIZE(n) ((n) * 2 + 1)
#define GUID_SIZE 37	/* 36 characters and a NUL */

char *hex_encode(const void *p, size_t n, char *out);
int hex_decode(struct str s, void *out, size_t cap);

/* RFC 4648 sections 4 and 5; the url form is unpadded on encoding and takes
 * padded or unpadded text on decoding. */
void base64_encode(struct buf *b, const void *p, size_t n);
void base64url_encode(struct buf *b, const void *p, size_t n);
must_check int base64_decode(struct str s, struct buf *out);	/* either alphabet; 0 or -1 */

/* Copy a text, cut to fit `size` bytes with its NUL, so that it is UTF-8 (RFC 3629): cut between
 * characters, with '?' for each byte that belongs to none.  Returns out. */
char *utf8_copy(char *out, size_t size, const char *text);

/* Fills `p` from the kernel's generator.  Cannot fail on Linux once booted. */
void random_bytes(void *p, size_t n);
uint64_t random_u64(void);

char *guid_new(char out[GUID_SIZE]);	/* random, RFC 9562 version 4, lower case */
bool guid_valid(struct str s);

/* %-decoding of one path segment or query value ('+' stays); false if a
 * percent sign is not followed by two hex digits or the result holds a NUL. */
must_check bool percent_decode(struct str s, struct buf *out);
void percent_encode(struct buf *b, struct str s);	/* all but unreserved characters */

#endif
