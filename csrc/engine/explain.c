/* explain.c: the plan in words, a line a stage. Planner tests assert this text.
 * Layer 3. */
#include "engine/plan.h"

#include <stdio.h>

/* Text that is cut off where the room ends, but counted on. */
typedef struct writer {
    char *text;
    size_t size, used;
} writer;

static void LI_PRINTF(2, 3) say(writer *out, const char *format, ...)
{
    va_list arguments;
    bool room = out->used < out->size;
    va_start(arguments, format);
    int n = vsnprintf(room ? out->text + out->used : NULL,
                      room ? out->size - out->used : 0, format, arguments);
    va_end(arguments);
    out->used += n > 0 ? (size_t)n : 0;
}

static void
say_source(writer *out, const li_input *input)
{
    const li_header *header = &input->header;
    say(out, "source   %s %ux%u %s", input->codec ? input->codec->name : "pixels",
        header->width, header->height, li_pixel_name(header->pixel));
    if (header->variant[0])
        say(out, ", %s", header->variant);
    if (header->orientation > 1)
        say(out, ", orientation %u", header->orientation);
    say(out, ", %llu bytes by %s\n", (unsigned long long)input->bytes, input->io);
}

static void
say_sizes(writer *out, li_info luma, li_info chroma)
{
    say(out, ": planes Y %ux%u, Cb and Cr %ux%u", luma.width, luma.height, chroma.width,
        chroma.height);
}

static void
say_decode(writer *out, const li_plan *plan, const li_input *input)
{
    const li_hint *hint = &plan->hint;
    const li_header *header = &input->header;
    if (!input->codec)
        return;
    say(out, "decode   ");
    if (hint->shrink && hint->shrink != 8)
        say(out, "at %u/8", hint->shrink);
    else
        say(out, "full size");
    if (hint->region.width)
        say(out, ", region %ux%u+%u+%u", hint->region.width, hint->region.height,
            hint->region.x, hint->region.y);
    if (plan->way == LI_WAY_ROWS)
        say(out, ": %ux%u %s", plan->decoded.width, plan->decoded.height,
            li_pixel_name(plan->cmyk ? LI_CMYK8 : plan->decoded.pixel));
    else
        say_sizes(out, plan->planes[0].decoded, plan->planes[1].decoded);
    if (hint->rough)
        say(out, ", rough");
    if (hint->skim || header->held_bytes)
        say(out, hint->skim            ? ", skimmed"
                 : header->progressive ? " (held whole: the file comes in passes)"
                                       : " (held whole)");
    say(out, "%s\n", plan->salvages ? ", damaged rows gray" : "");
}

static const char *
orientation_words(li_orientation orientation)
{
    static const char *const words[] = {
        "",          "as it is",  "flip_h",     "rotate 180", "flip_v",
        "transpose", "rotate 90", "transverse", "rotate 270",
    };
    return orientation < sizeof(words) / sizeof(words[0]) ? words[orientation] : "";
}

static void
say_span(writer *out, const char *axis, li_span span)
{
    if (span.unit == 1)
        say(out, " %s %llu+%llu", axis, (unsigned long long)span.start,
            (unsigned long long)span.length);
    else
        say(out, " %s (%llu+%llu)/%llu", axis, (unsigned long long)span.start,
            (unsigned long long)span.length, (unsigned long long)span.unit);
}

static bool
is_whole(li_span span, uint32_t pixels)
{
    return span.start == 0 && span.length == (uint64_t)pixels * span.unit;
}

static void
say_op(writer *out, const li_op *op, li_info in, li_info info)
{
    char text[96] = "";
    say(out, "%-8s ", op->kind->name);
    if (op->kind->say)
        op->kind->say(op, text, sizeof(text));
    if (op->kind == &li_op_crop)
        say(out, "+%u+%u", op->u.crop.x, op->u.crop.y);
    else if (op->kind == &li_op_orient)
        say(out, "%s", orientation_words(op->u.orient));
    else if (op->kind == &li_op_convert)
        say(out, "%s",
            op->u.convert.flatten && li_pixel_has_alpha(in.pixel) &&
                    !li_pixel_has_alpha(info.pixel)
                ? "over the background"
                : "layout");
    else if (op->kind == &li_op_tone)
        say(out, "by table");
    else if (op->kind == &li_op_resize) {
        say(out, "%s%s", li_kernel_name(op->u.resize.kernel),
            op->u.resize.linear ? " in linear light" : "");
        if (!is_whole(op->u.resize.x, in.width) ||
            !is_whole(op->u.resize.y, in.height)) {
            say(out, ", window");
            say_span(out, "x", op->u.resize.x);
            say_span(out, "y", op->u.resize.y);
        }
    }
    say(out, "%s: %ux%u %s\n", text, info.width, info.height,
        li_pixel_name(info.pixel));
}

/* The three have the same ops. */
static void
say_planes(writer *out, const li_plan *plan)
{
    const li_plane_plan *luma = &plan->planes[0], *chroma = &plan->planes[1];
    if (plan->way == LI_WAY_ROWS)
        return;
    for (uint32_t i = 0; i < luma->count; i++) {
        const li_op *op = &luma->ops[i];
        say(out, "%-8s %s", op->kind->name,
            op->kind == &li_op_resize   ? li_kernel_name(op->u.resize.kernel)
            : op->kind == &li_op_orient ? orientation_words(op->u.orient)
                                        : "range by table");
        say_sizes(out, luma->infos[i], chroma->infos[i]);
        say(out, "\n");
    }
    if (plan->way == LI_WAY_JOINED)
        say(out, "join     planes: %ux%u rgb8\n", plan->decoded.width,
            plan->decoded.height);
}

static void
say_output(writer *out, const li_plan *plan, const li_request *request)
{
    char text[96];
    if (!request->codec) {
        say(out, "pixels   %ux%u %s\n", plan->out.width, plan->out.height,
            li_pixel_name(plan->out.pixel));
        return;
    }
    text[0] = '\0';
    request->codec->describe(plan->out, &plan->encode, text, sizeof(text));
    say(out, "encode   %s: %s\n", request->codec->name, text);
}

static bool
say_numbers(writer *out, const li_cicp *cicp)
{
    bool places = false;
    for (int i = 0; i < 8; i++)
        places = places || cicp->places[i];
    if (!cicp->primaries && !cicp->gamma && !places)
        return false;
    say(out, "keep    ");
    if (cicp->primaries)
        say(out, " cicp %u/%u%s", cicp->primaries, cicp->transfer,
            cicp->narrow ? " of the narrow range" : "");
    if (!cicp->primaries && cicp->gamma)
        say(out, " gamma of %u/100000", cicp->gamma);
    if (!cicp->primaries && places)
        say(out, " primaries by x and y");
    return true;
}

static void
say_kept(writer *out, const li_plan *plan, const li_metadata *from)
{
    bool icc = plan->keep & LI_KEEP_ICC && from->icc;
    bool exif = plan->keep & LI_KEEP_EXIF && from->exif;
    bool xmp = plan->keep & LI_KEEP_XMP && from->xmp;
    li_density density = li_density_turned(from->density, plan->transposed);
    bool dense = plan->keep & LI_KEEP_EXIF && li_density_known(density);
    bool numbers = say_numbers(out, &plan->encode.cicp);
    if (!numbers && !icc && !exif && !xmp && !dense)
        return;
    if (!numbers)
        say(out, "keep    ");
    if (icc)
        say(out, " icc of %zu bytes", from->icc_size);
    if (exif)
        say(out, " exif of %zu bytes", from->exif_size);
    if (xmp)
        say(out, " xmp of %zu bytes", from->xmp_size);
    if (dense)
        say(out, " %.6gx%.6g dpi", density.x, density.y);
    say(out, "%s\n",
        (exif || xmp) && !(plan->keep & LI_KEEP_GPS) ? " without places" : "");
}

size_t
li_plan_explain(const li_plan *plan, const li_input *input, const li_request *request,
                char *text, size_t size)
{
    writer out = {text, size, 0};
    if (size)
        text[0] = '\0';
    say_source(&out, input);
    if (plan->looks)
        say(&out, "look     %u before this, at most %llu bytes\n", plan->looks,
            (unsigned long long)plan->look_bytes);
    say_decode(&out, plan, input);
    if (plan->cmyk && plan->decoded.pixel == LI_RGB8)
        say(&out, "color    cmyk8 by %s: rgb8\n",
            plan->icc ? "its profile" : "the standard formula");
    say_planes(&out, plan);
    li_info in = plan->decoded;
    for (size_t i = 0; i < plan->count; i++) {
        say_op(&out, &plan->ops[i], in, plan->infos[i]);
        in = plan->infos[i];
    }
    say_output(&out, plan, request);
    say_kept(&out, plan, &input->metadata);
    say(&out, "memory   at most %llu bytes, output at most %llu; decoded whole: %llu\n",
        (unsigned long long)plan->bytes, (unsigned long long)plan->out_bytes,
        (unsigned long long)plan->decoded_bytes);
    return out.used + 1;
}
