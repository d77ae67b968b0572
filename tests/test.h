/* cmocka with what it needs before it. Names of tests are sentences; cmocka's skip() is no skip to
 * Meson, so a test that cannot run here prints why and returns. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
