/* tap - the Test Anything Protocol for C tests */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_TAP_H
#define TAMIS_TAP_H

#include "base.h"

/* Call first: the test dies after `seconds`, so that a hang fails. */
void tap_start(unsigned seconds);

/* One "ok"/"not ok" line each; they return whether it passed. */
bool tap_ok(bool passed, const char *name, ...) PRINTF_LIKE(2, 3);
bool tap_is(const char *got, const char *want, const char *name, ...) PRINTF_LIKE(3, 4);
bool tap_is_int(long long got, long long want, const char *name, ...) PRINTF_LIKE(3, 4);
void tap_diag(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* The whole test is skipped: prints the plan and exits 0. */
_Noreturn void tap_skip_all(const char *why);

/* Prints the plan; the value for main to return. */
int tap_done(void);

/* A private directory of this test, made at the first call, removed by tap_done. */
const char *tap_dir(void);

/* DIR/name (DIR = tap_dir()); static, until the 8th next call of this, or of tap_file. */
const char *tap_path(const char *name);

/* Writes `text` to tap_path(name), which it returns. */
const char *tap_file(const char *name, const char *text);
const char *tap_file_bytes(const char *name, const void *data, size_t len);

#endif
