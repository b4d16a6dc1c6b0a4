/* fuzz_decode_webp.c: libFuzzer over the WebP decoder, every hint that it honours:
 * `make fuzz T=decode_webp S=600`. */
#include "mutate_webp.h"

#define CODEC li_codec_webp
#define MUTATE mutate_webp
#include "decode.h"
