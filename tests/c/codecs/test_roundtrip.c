/* test_roundtrip.c: pictures and options drawn by chance, through each encoder and
 * back. */
#include "codecs/roundtrip_check.h"
#include "test.h"

/* roundtrip_check aborts where a picture is not the one that it was. */
TEST(what_an_encoder_writes_its_decoder_reads)
{
    enum { TRIPS = 1500 };
    uint32_t state = 3, seen[4] = {0};
    for (int i = 0; i < TRIPS; i++) {
        uint8_t bytes[ROUND_BYTES];
        for (int n = 0; n < ROUND_BYTES; n++)
            bytes[n] = (uint8_t)(test_random(&state) >> 9);
        roundtrip_check(bytes);
        seen[round_codec(bytes[0])->name[0] & 3]++;
    }
    CHECK(seen['j' & 3] > TRIPS / 8); /* j, p, w, a: 2, 0, 3, 1 */
    CHECK(seen['p' & 3] > TRIPS / 8);
#if defined(LI_HAVE_WEBP)
    CHECK(seen['w' & 3] > TRIPS / 8);
#endif
#if defined(LI_HAVE_AVIF)
    CHECK(seen['a' & 3] > TRIPS / 16);
#endif
}

int
main(void)
{
    RUN(what_an_encoder_writes_its_decoder_reads);
    return test_end();
}
