/* kernels.c: which kernel tables this build has. Layer 1. */
#include "kernels/kernels.h"

#include <string.h>

/* Best first. */
static const li_kernels *const tables[] = {
    &li_kernels_scalar,
};

const li_kernels *
li_kernels_named(const char *name)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        if (!name || strcmp(name, tables[i]->name) == 0)
            return tables[i];
    return NULL;
}
