/* main - one program, many subcommands */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "base.h"

int main(void)
{
    return 0;
}
