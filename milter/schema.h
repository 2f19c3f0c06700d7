/* schema - sql/schema.sql as a text; milter/schema.c is made from it at build time */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SCHEMA_H
#define TAMIS_SCHEMA_H

/* The user_version that the schema sets: what this program reads and writes. */
enum { SCHEMA_VERSION = 1, SCHEMA_APPLICATION = 0x74616d69 };

extern const char schema_sql[];

#endif
