/* test_tensor.c: rows into arrays of any layout, bytes and floats. */
#include "image/frame.h"
#include "image/tensor.h"
#include "kernels/kernels.h"
#include "test.h"

/* Wider than what is taken apart at once. */
enum { WIDTH = 203, HEIGHT = 5, ROOM = 1 << 16, PAD = 0xa5 };

static const li_pixel layouts[] = {LI_GRAY8, LI_GRAYA8, LI_RGB8, LI_RGBA8};

/* Strides of one way to store the array, and where element (0, 0, 0) is. */
typedef struct placing {
    const char *name;
    int64_t row, column, channel, first;
} placing;

static li_frame
random_frame(li_ctx *ctx, li_pixel pixel)
{
    li_frame frame;
    uint32_t state = 40 + pixel;
    if (li_frame_alloc(ctx, (li_info){WIDTH, HEIGHT, pixel}, &frame) != LI_OK)
        exit(1);
    for (size_t i = 0; i < (size_t)li_image_bytes(frame.info); i++)
        frame.pixels[i] = (uint8_t)test_random(&state);
    return frame;
}

static void
store(li_ctx *ctx, const li_frame *frame, const li_tensor *tensor)
{
    li_rows *rows = NULL;
    li_sink *sink = NULL;
    li_pump_times times = {0};
    CHECK_EQ(li_frame_rows(ctx, frame, &rows), LI_OK);
    CHECK_EQ(li_tensor_sink(ctx, frame->info, tensor, &sink), LI_OK);
    CHECK_EQ(li_pump(rows, sink, &times), LI_OK);
    li_sink_close(&sink);
    li_rows_close(&rows);
}

/* Every element is where it belongs and nothing else was touched. */
static void
check_placing(const placing *place, li_pixel pixel, li_dtype dtype,
              const li_kernels *kernels)
{
    static uint8_t array[ROOM];
    bool touched[ROOM] = {false};
    li_ctx ctx;
    li_ctx_init(&ctx, NULL);
    ctx.kernels = kernels;
    li_frame frame = random_frame(&ctx, pixel);
    uint32_t channels = li_pixel_channels(pixel);
    memset(array, PAD, sizeof(array));
    li_tensor tensor = {.data = array + place->first,
                        .dtype = dtype,
                        .row_stride = place->row,
                        .column_stride = place->column,
                        .channel_stride = place->channel,
                        .scale = {1 / 255.0f, 2, 0.5f, -1},
                        .bias = {0, -3.25f, 100, 0.125f}};
    store(&ctx, &frame, &tensor);
    size_t size = dtype == LI_FLOAT32 ? 4 : 1;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (uint32_t c = 0; c < channels; c++) {
                int64_t at = place->first + y * place->row + x * place->column +
                             (int64_t)c * place->channel;
                uint8_t sample =
                    li_frame_row(&frame, (uint32_t)y)[(uint32_t)x * channels + c];
                float wanted = (float)sample * tensor.scale[c] + tensor.bias[c], found;
                memcpy(&found, array + at, sizeof(found));
                CHECK(size == 4 ? found == wanted : array[at] == sample);
                memset(touched + at, true, size);
            }
    for (size_t i = 0; i < ROOM; i++)
        CHECK(touched[i] || array[i] == PAD);
    li_frame_free(&ctx, &frame);
    CHECK_EQ(ctx.bytes, 0);
}

TEST(every_layout_and_stride_holds_every_sample)
{
    for (int p = 0; p < 4; p++)
        for (int d = 0; d < 2; d++) {
            int64_t size = d ? 4 : 1, channels = li_pixel_channels(layouts[p]);
            int64_t row = size * channels * WIDTH, plane = size * WIDTH * HEIGHT;
            const placing places[] = {
                {"by pixel", row, size * channels, size, 0},
                {"by plane", size * WIDTH, size, plane, 0},
                {"padded rows", row + 13, size * channels, size, 3},
                {"odd address", row, size * channels, size, 1},
                {"padded pixels", 2 * row + 5, 2 * size * channels, size, 0},
                {"flipped", -row, size * channels, size, row * (HEIGHT - 1)},
                {"flipped planes", -size * WIDTH, size, plane,
                 size * WIDTH * (HEIGHT - 1)},
                {"mirrored", row, -size * channels, size,
                 size * channels * (WIDTH - 1)},
                {"reversed channels", row, size * channels, -size,
                 size * (channels - 1)},
                {"by column", size * channels, size * channels * HEIGHT, size, 0},
            };
            for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                check_placing(&places[i], layouts[p], d ? LI_FLOAT32 : LI_UINT8, NULL);
                check_placing(&places[i], layouts[p], d ? LI_FLOAT32 : LI_UINT8,
                              li_kernels_named(NULL));
            }
        }
}

TEST(every_allocation_can_fail)
{
    float array[WIDTH * HEIGHT];
    for (int n = 0; n < 2; n++) {
        li_ctx ctx;
        li_ctx_init(&ctx, NULL);
        li_sink *sink = NULL;
        li_tensor tensor = {array, LI_FLOAT32, 4 * WIDTH, 4, 4, {1}, {0}};
        ctx.allocs_left = n;
        li_status status =
            li_tensor_sink(&ctx, (li_info){WIDTH, HEIGHT, LI_GRAY8}, &tensor, &sink);
        CHECK_EQ(status, n < 1 ? LI_ENOMEM : LI_OK);
        CHECK((sink != NULL) == (status == LI_OK));
        li_sink_close(&sink);
        CHECK_EQ(ctx.bytes, 0);
    }
}

int
main(void)
{
    RUN(every_layout_and_stride_holds_every_sample);
    RUN(every_allocation_can_fail);
    return test_end();
}
