/* scalar.c: the kernels for whatever the compiler's baseline is (SSE2 on x86-64, NEON
 * on arm64), without a feature test: the oracle of every other table. Layer 1. */
#include "kernels/kernels.h"

#define LI_KERNELS_TABLE li_kernels_scalar
#define LI_KERNELS_NAME "scalar"
#include "kernels/template.inc.h"
