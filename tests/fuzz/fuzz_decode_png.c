/* fuzz_decode_png.c: libFuzzer over the PNG decoder, every hint that it honours:
 * `make fuzz T=decode_png S=600`. */
#include "mutate_png.h"

#define CODEC li_codec_png
#define MUTATE mutate_png
#include "decode.h"
