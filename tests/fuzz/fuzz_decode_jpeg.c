/* fuzz_decode_jpeg.c: libFuzzer over the JPEG decoder, every hint that it honours:
 * `make fuzz T=decode_jpeg S=600`. */
#include "mutate_jpeg.h"

#define CODEC li_codec_jpeg
#define MUTATE mutate_jpeg
#include "decode.h"
