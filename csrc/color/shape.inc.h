/* shape.inc.h: the loops of shaper.c, included once for 8 and once for 16 bits, behind
 * SAMPLE and NAME(word). Layer 2. */

static void
NAME(shape)(const li_shaper *self, const uint8_t *row, uint8_t *to, uint32_t pixels)
{
    uint32_t channels = li_pixel_channels(self->pixel);
    const li_shaper how = *self; /* a byte that is written could be one of *self */
    const SAMPLE *in = (const void *)row;
    SAMPLE *out = (void *)to;
    for (uint32_t x = 0; x < pixels; x++, in += channels, out += channels) {
        float light[3] = {how.light[0][in[0]], how.light[1][in[1]],
                          how.light[2][in[2]]};
        shape(&how, light);
        if (channels > 3)
            out[3] = in[3];
        for (int c = 0; c < 3; c++)
            out[c] = (SAMPLE)level_of(how.pieces, light[c]);
    }
}

static void
NAME(look_up)(const li_shaper *self, const uint8_t *row, uint8_t *to, uint32_t pixels)
{
    uint32_t channels = li_pixel_channels(self->pixel), colours = channels < 3 ? 1 : 3;
    const SAMPLE *in = (const void *)row, *levels = self->levels;
    SAMPLE *out = (void *)to;
    for (uint32_t x = 0; x < pixels; x++, in += channels, out += channels) {
        for (uint32_t c = 0; c < colours; c++)
            out[c] = levels[in[c]];
        if (colours < channels)
            out[colours] = in[colours];
    }
}
