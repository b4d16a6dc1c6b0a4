/* fuzz_decode_avif.c: libFuzzer over the AVIF decoder, every hint that it honours:
 * `make fuzz T=decode_avif S=600`. */
#include "mutate_avif.h"

#define CODEC li_codec_avif
#define MUTATE mutate_avif
#include "decode.h"
