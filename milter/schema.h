/* schema - sql/schema.sql as texts; milter/schema.c is made from it at build time */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SCHEMA_H
#define TAMIS_SCHEMA_H

/* The user_version that the schema sets: what this program reads and writes. */
enum { SCHEMA_VERSION = 2, SCHEMA_APPLICATION = 0x74616d69 };

/* An empty file becomes one of this version by the tables, then the views. An older one is brought
 * forward by each migration from its version on (schema_migrate_N makes the tables of version N of
 * those of N - 1); then all views go, and are made anew. */
extern const char schema_tables[], schema_views[], schema_migrate_2[];

#endif
