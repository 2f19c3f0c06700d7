/* settings_names - which parameter each assignment means, and those that mean none */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SETTINGS_NAMES_H
#define TAMIS_SETTINGS_NAMES_H

#include "settings.h"

/* What milter.conf and the command line say of one row; NULL: nothing. */
struct given {
    const struct setting *plain;
    const struct setting *directed[DIR_COUNT];
};

/* May restriction_classes take this name? Not that of a parameter of Postfix, nor of a list, nor
 * "mode", without which nothing is enforced. One of tamis's other parameters, such as "strict", it
 * may: main.cf knows none of them, and tables name the class. Then the parameter keeps its
 * preset. */
bool settings_may_be_class(const char *name);

/* One struct for each of settings_rows, malloc'd; two spellings of one parameter, and a direction
 * where there is none, are errors. */
struct given *settings_assign(const struct conf *conf, struct problems *problems);

/* Reports assignments that mean nothing to tamis: a note for Postfix's parameters, an error with
 * the nearest known name for the others. Restriction classes, and names that a value refers to as
 * $name, are known; the latter are returned, ended by NULL, malloc'd. */
const struct setting **settings_report_names(const struct settings *settings,
                                             struct problems *problems);

#endif
