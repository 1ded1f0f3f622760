/* t.h - cmocka with the includes it wants, and checks that print the error. */
#ifndef TESTS_T_H
#define TESTS_T_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

/* The call succeeds; otherwise its error is printed and the test fails. */
#define OK(call) \
	do { \
		e = (struct err){ 0 }; \
		if ((call) < 0) { \
			print_error("%s:%d: %s: %s\n", __FILE__, __LINE__, #call, e.msg); \
			fail(); \
		} \
	} while (0)

/* The call fails with that kind of error. */
#define FAILS(call, want) \
	do { \
		e = (struct err){ 0 }; \
		assert_true((call) < 0); \
		if (e.kind != (want)) { \
			print_error("%s:%d: %s: kind %d, wanted %d: %s\n", __FILE__, __LINE__, #call, \
			    (int)e.kind, (int)(want), e.msg); \
			fail(); \
		} \
	} while (0)

#define CONTAINS(text, part) \
	do { \
		if (strstr((text), (part)) == NULL) { \
			print_error("%s:%d: '%s' lacks '%s'\n", __FILE__, __LINE__, (text), (part)); \
			fail(); \
		} \
	} while (0)

#endif
