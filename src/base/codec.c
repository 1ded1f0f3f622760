/* codec.c - see codec.h. */
#include "base/codec.h"

#include <errno.h>
#include <sys/random.h>

static const char hex_digits[] = "0123456789abcdef";

char *hex_encode(const void *p, size_t n, char *out)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex_digits[b[i] >> 4];
		out[2 * i + 1] = hex_digits[b[i] & 15];
	}
	out[2 * n] = '\0';
	return out;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(struct str s, void *out, size_t cap)
{
	unsigned char *b = out;

	if (s.n % 2 != 0 || s.n / 2 > cap)
		return -1;
	for (size_t i = 0; i < s.n / 2; i++) {
		int hi = hex_value(s.p[2 * i]), lo = hex_value(s.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -1;
		b[i] = (unsigned char)(hi << 4 | lo);
	}
	return (int)(s.n / 2);
}

static void encode64(struct buf *b, const void *p, size_t n, const char *alphabet, bool pad)
{
	const unsigned char *in = p;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
		    (left > 2 ? in[i + 2] : 0);
		char out[4] = { alphabet[v >> 18], alphabet[v >> 12 & 63],
			left > 1 ? alphabet[v >> 6 & 63] : '=', left > 2 ? alphabet[v & 63] : '=' };

		buf_add(b, out, pad || left >= 3 ? 4 : left + 1);
	}
}

void base64_encode(struct buf *b, const void *p, size_t n)
{
	encode64(b, p, n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);
}

void base64url_encode(struct buf *b, const void *p, size_t n)
{
	encode64(b, p, n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false);
}

static int value64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

int base64_decode(struct str s, struct buf *out)
{
	uint32_t acc = 0;
	int bits = 0;

	while (s.n > 0 && s.p[s.n - 1] == '=')
		s.n--;
	if (s.n % 4 == 1)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		int v = value64(s.p[i]);

		if (v < 0)
			return -1;
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits >= 8) {
			unsigned char c = (unsigned char)(acc >> (bits - 8));

			buf_add(out, &c, 1);
			bits -= 8;
		}
	}
	return out->failed ? -1 : 0;
}

void random_bytes(void *p, size_t n)
{
	unsigned char *b = p;

	while (n > 0) {
		ssize_t got = getrandom(b, n, 0);

		if (got < 0) {
			if (errno == EINTR)
				continue;
			abort();	/* no entropy source: nothing we make would be safe */
		}
		b += got;
		n -= (size_t)got;
	}
}

uint64_t random_u64(void)
{
	uint64_t v;

	random_bytes(&v, sizeof(v));
	return v;
}

char *guid_new(char out[GUID_SIZE])
{
	unsigned char b[16];
	char hex[HEX_SIZE(16)];

	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	hex_encode(b, sizeof(b), hex);
	for (int i = 0, j = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			out[j++] = '-';
		out[j++] = hex[i];
	}
	out[36] = '\0';
	return out;
}

bool guid_valid(struct str s)
{
	if (s.n != 36)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.p[i] != '-' : hex_value(s.p[i]) < 0)
			return false;
	}
	return true;
}

bool percent_decode(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			int hi = i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
			int lo = i + 2 < s.n ? hex_value(s.p[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return false;
			c = (char)(hi << 4 | lo);
			i += 2;
		}
		if (c == '\0')
			return false;
		buf_add(out, &c, 1);
	}
	return !out->failed;
}

void percent_encode(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '.' || c == '_' || c == '~')
			buf_add(b, &c, 1);
		else
			buf_addf(b, "%%%02X", (unsigned char)c);
	}
}

/* Bytes of the character at `p`; 0 if it is none. */
static size_t utf8_length(const uint8_t *p)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 :
	    p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)	/* a NUL among them ends the look here */
			return 0;
	/* overlong forms, surrogates, and what lies behind U+10FFFF */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

char *utf8_copy(char *out, size_t size, const char *text)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t at = 0;

	while (*p != '\0') {
		size_t n = utf8_length(p), take = n > 0 ? n : 1;

		if (at + take >= size)
			break;
		if (n > 0)
			memcpy(out + at, p, n);
		else
			out[at] = '?';
		at += take;
		p += take;
	}
	out[at] = '\0';
	return out;
}
