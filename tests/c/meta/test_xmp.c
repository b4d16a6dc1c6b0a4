/* test_xmp.c: properties go by their names, and nothing else goes. */
#include "meta/xmp_check.h"
#include "test.h"

#define HEAD                                                                           \
    "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"             \
    "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "                                  \
    "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"                       \
    "<rdf:Description rdf:about=\"\" xmlns:exif=\"http://ns.adobe.com/exif/1.0/\""
#define TAIL "</rdf:RDF></x:xmpmeta>"
#define END "\n<?xpacket end=\"w\"?>"

static void
check_written(const char *from, const char *wanted, li_xmp_edit edit)
{
    size_t size = strlen(from);
    uint8_t *to = malloc(size + 1);
    size_t written = li_xmp_rewrite((const uint8_t *)from, size, &edit, to);
    to[written] = 0;
    CHECK_TEXT((const char *)to, wanted);
    free(to);
    (void)xmp_check((const uint8_t *)from, size);
}

static const li_xmp_edit stripped = {.drop_gps = true, .upright = true};
static const li_xmp_edit kept = {.drop_gps = false};

TEST(attributes_and_elements_of_a_place_go)
{
    static const char from[] = HEAD
        " exif:GPSLatitude='51,30.5N' exif:Flash=\"1\"\n exif:GPSLongitude = \"0,7W\""
        " e2:gpsVersionID=\"2\" drone:AbsoluteLatitude=\"1\" drone:GpsLongtitude=\"2\""
        " geo:long=\"7\" dc:title=\"GPSLatitude in a title\">"
        "<exif:GPSAltitude>12/1</exif:GPSAltitude><dc:creator>me</dc:creator>"
        "<exif:GPSDestination a=\">\"><rdf:Seq><rdf:li>1<!-- > --></rdf:li><rdf:li/>"
        "</rdf:Seq></exif:GPSDestination><exif:GPSSpeed/>"
        "</rdf:Description>" TAIL "   \n   \n"
        "<?xpacket end=\"w\"?>  ";
    static const char wanted[] =
        HEAD " exif:Flash=\"1\" dc:title=\"GPSLatitude in a title\">"
             "<dc:creator>me</dc:creator></rdf:Description>" TAIL END;
    check_written(from, wanted, stripped);
}

TEST(the_rest_is_as_it_was)
{
    static const char text[] =
        HEAD " exif:GPSLatitude=\"51,30.5N\" tiff:Orientation=\"6\"/>"
             "<![CDATA[<exif:GPSLatitude>]]>a &lt; b" TAIL END;
    check_written(text, text, kept);
}

TEST(what_tells_of_the_old_picture_goes)
{
    static const char from[] =
        HEAD " tiff:Orientation=\"6\" xmpNote:HasExtendedXMP=\"0123\""
             " GImage:Data=\"/9j/\">"
             "<tiff:Orientation>6</tiff:Orientation><xmp:Thumbnails><rdf:Alt><rdf:li "
             "xmpGImg:image=\"/9j/\"/></rdf:Alt></xmp:Thumbnails><!-- a note "
             "--><GDepth:Data>/9j/</GDepth:Data>"
             "</rdf:Description>" TAIL END;
    static const char upright[] = HEAD "></rdf:Description>" TAIL END;
    static const char turned[] = HEAD " tiff:Orientation=\"6\"><tiff:Orientation>6"
                                      "</tiff:Orientation></rdf:Description>" TAIL END;
    check_written(from, upright, (li_xmp_edit){.upright = true});
    check_written(from, turned, (li_xmp_edit){.drop_gps = true});
}

#define GEO "http://www.w3.org/2003/01/geo/wgs84_pos#"

TEST(a_place_goes_whatever_its_prefix)
{
    static const char *const gone[] = {
        "<g:lat>1</g:lat>",
        "<lat xmlns='" GEO "'>1</lat>",
        "<w:long>1</w:long><w:alt>2</w:alt><w:lat_long>1,2</w:lat_long>",
        "<georss:point>1 2</georss:point>",
        "<gml:Point><gml:pos>1 2</gml:pos></gml:Point>",
        "<x:LineString><x:posList>1 2</x:posList></x:LineString>"
        "<x:coordinates>1</x:coordinates>",
        "<dwc:footprintWKT>POINT</dwc:footprintWKT>"
        "<dwc:decimalLatitude>1</dwc:decimalLatitude>",
        "<xmlnsx:GPSLatitude>1</xmlnsx:GPSLatitude>",
    };
    static const char head[] = "<z:a xmlns:x='http://www.opengis.net/gml'>";
    for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
        char from[300];
        snprintf(from, sizeof(from), "%s%s<rdf:Alt/></z:a>", head, gone[i]);
        check_written(from,
                      "<z:a xmlns:x='http://www.opengis.net/gml'><rdf:Alt/></z:a>",
                      stripped);
        check_written(from, from, kept);
    }
    check_written("<a g:lat='1' xmlnsx:GPSLatitude='2' XMLNS:gpsx='3' b='4'/>",
                  "<a b='4'/>", stripped);
}

TEST(every_name_of_a_vocabulary_of_places_goes)
{
    static const char from[] =
        "<a><q:line>1 2</q:line><r:box>3</r:box><b q:elev='4' c:elev='5'"
        " xmlns:q='http://www.georss.org/georss'/>"
        "<where>6</where><r:d xmlns='http://www.GeoRSS.org/georss/10' "
        "xmlns:r=\"http://earth.google.com/kml/2.0\"/></a>";
    static const char left[] = "<b c:elev='5' xmlns:q='http://www.georss.org/georss'/>";
    char root[300];
    check_written(from, "", stripped); /* the default: all without a prefix */
    snprintf(root, sizeof(root), "<z:a>%s</z:a>", from);
    check_written(root, "<z:a></z:a>", stripped);
    snprintf(root, sizeof(root), "<z:a><q:line>1</q:line>%s</z:a>", left);
    char wanted[300];
    snprintf(wanted, sizeof(wanted), "<z:a>%s</z:a>", left);
    check_written(root, wanted, stripped);
}

/* More prefixes than there is room for, and one that is longer than any. */
TEST(what_cannot_be_told_is_left_out)
{
    char from[4000] = "<a";
    for (int i = 0; i < 9; i++) {
        size_t at = strlen(from);
        snprintf(from + at, sizeof(from) - at,
                 " xmlns:p%d='" GEO "' xmlns:p%d='" GEO "'", i, i);
        char whole[sizeof(from) + 2];
        snprintf(whole, sizeof(whole), "%s/>", from);
        check_written(whole, i < 8 ? whole : "", stripped);
        check_written(whole, whole, kept);
    }
    static const char word[] = "a123456789b123456789c123456789d1";
    for (int more = 0; more < 2; more++) {
        snprintf(from, sizeof(from), "<a xmlns:%s%s='" GEO "'/>", word,
                 more ? "x" : "");
        check_written(from, more ? "" : from, stripped);
    }
}

TEST(sizes_and_colours_go_where_they_have_changed)
{
    static const char from[] =
        "<a exif:PixelXDimension='1' exif:ColorSpace='65535' b='2'>"
        "<exif:PixelYDimension>3</exif:PixelYDimension><tiff:ImageWidth>4"
        "</tiff:ImageWidth><photoshop:ICCProfile>Adobe RGB (1998)"
        "</photoshop:ICCProfile><tiff:ImageLength>5</tiff:ImageLength></a>";
    check_written(from,
                  "<a exif:ColorSpace='65535' b='2'><photoshop:ICCProfile>Adobe RGB "
                  "(1998)</photoshop:ICCProfile></a>",
                  (li_xmp_edit){.resized = true});
    check_written(from,
                  "<a exif:PixelXDimension='1' b='2'><exif:PixelYDimension>3"
                  "</exif:PixelYDimension><tiff:ImageWidth>4</tiff:ImageWidth>"
                  "<tiff:ImageLength>5</tiff:ImageLength></a>",
                  (li_xmp_edit){.recoloured = true});
    check_written(from, from, stripped);
}

TEST(names_of_spaces_stay)
{
    static const char text[] =
        "<a xmlns:gps=\"urn:gps\" xmlns:orientation=\"urn:o\"><b gpsx='1'/></a>";
    static const char wanted[] =
        "<a xmlns:gps=\"urn:gps\" xmlns:orientation=\"urn:o\"><b/></a>";
    check_written(text, wanted, stripped);
}

/* A comment and what stands around it become one line's end, not two. */
TEST(padding_is_one_line)
{
    check_written("<a/> <!-- x --> \n <!-- y --> <b/> ", "<a/>\n<b/>", kept);
    check_written("<a/> <!-- x --> ", "<a/>", kept);
    check_written("<a/> <gps/> ", "<a/>", stripped);
}

TEST(what_is_no_packet_is_left_out)
{
    static const char *const bad[] = {"<a",
                                      "<a>",
                                      "<a></b",
                                      "</a>",
                                      "<a b></a>",
                                      "<a b=c></a>",
                                      "<a b='c></a>",
                                      "<!DOCTYPE a [<!ENTITY g \"x\">]><a/>",
                                      "<!-- a",
                                      "<a><![CDATA[</a>",
                                      "< a/>",
                                      "<a b='<'/>",
                                      "<?xpacket",
                                      "<a/ >",
                                      "<a b='c'd='e'/>",
                                      "\xff\xfe<\1a",
                                      "\xfe\xff\1<",
                                      ""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_written(bad[i], "", kept);
    uint8_t to[8];
    CHECK_EQ(li_xmp_rewrite((const uint8_t *)"<\0a/>", 5, &kept, to), 0);
    CHECK_EQ(li_xmp_rewrite((const uint8_t *)"<a/>\0\0", 6, &kept, to), 4);
}

TEST(damage_is_survived)
{
    static const char from[] =
        HEAD " exif:GPSLatitude='51,30.5N' exif:Flash=\"1\">"
             "<exif:GPSAltitude>12/1</exif:GPSAltitude><dc:creator>me</dc:creator>"
             "</rdf:Description><!-- c --><![CDATA[ x ]]>" TAIL "  " END;
    static const char letters[] = "<>/\"'=: !?-[]gG&";
    uint32_t state = 9, whole = 0;
    for (int i = 0; i < 20000; i++) {
        char made[sizeof(from)];
        memcpy(made, from, sizeof(from));
        for (uint32_t n = test_random(&state) % 4; n > 0; n--)
            made[test_random(&state) % (sizeof(from) - 1)] =
                letters[test_random(&state) % (sizeof(letters) - 1)];
        size_t size = sizeof(from) - 1 - (i % 5 ? 0 : test_random(&state) % 200);
        whole += xmp_check((const uint8_t *)made, size) > 0;
    }
    CHECK(whole > 4000);
}

/* --- joined ------------------------------------------------------------------------
 */

#define MORE_HEAD "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='w3'>"

static void
check_joined(const char *packet, const char *more, const char *wanted)
{
    char data[1024];
    size_t at = 0, size = strlen(packet), all = size + strlen(more);
    CHECK(all < sizeof(data));
    memcpy(data, packet, size);
    memcpy(data + size, more, all - size);
    size_t joined = li_xmp_join((uint8_t *)data, size, strlen(more), &at);
    CHECK_EQ(joined > 0, wanted != NULL);
    if (wanted) {
        data[joined] = 0;
        CHECK_TEXT(data, wanted);
        CHECK(memcmp(data + at, "<d>more</d>", joined - size) == 0);
    } else {
        CHECK(memcmp(data + size, more, all - size) == 0);
    }
}

TEST(what_extends_a_packet_stands_behind_its_own)
{
    static const char more[] = MORE_HEAD "<d>more</d>" TAIL END;
    check_joined(HEAD "/>" TAIL END, more, HEAD "/><d>more</d>" TAIL END);
    check_joined("<rdf:RDF></rdf:RDF >", more, "<rdf:RDF><d>more</d></rdf:RDF >");
    check_joined(HEAD "/>" TAIL, "<?x?><rdf:RDF><d>more</d></rdf:RDF>",
                 HEAD "/><d>more</d>" TAIL);
}

TEST(what_cannot_be_joined_is_left_as_it_is)
{
    static const char more[] = MORE_HEAD "<d>more</d>" TAIL;
    static const char *const bad[] = {
        "",
        "<rdf:RDF",
        "<rdf:RDF/>",
        "<rdf:RDF></rdf:RDF>",
        "<rdf:RDF><d>more</d>",
        "<d>more</d></rdf:RDF>",
        "<r:RDF><d>more</d></r:RDF>",
        "<rdf:RDF xmlns='a'><d>more</d></rdf:RDF>",
        "<rdf:RDF xmlns:b='a'><d>more</d></rdf:RDF>",
        "<rdf:RDF xmlns:rdfa='a'><d>more</d></rdf:RDF>",
        "<rdf:RDF xmlns :rdf='a'><d>more</d></rdf:RDF>",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_joined(HEAD "/>" TAIL END, bad[i], NULL);
    check_joined("", more, NULL);
    check_joined("<rdf:RDF/>", more, NULL);
    check_joined("<x:xmpmeta></x:xmpmeta>", more, NULL);
}

#define DIGEST "0123456789ABCDEFabcdef0123456789"

TEST(the_digest_is_an_attribute_or_an_element)
{
    static const char *const good[] = {
        "<a xmpNote:HasExtendedXMP=\"" DIGEST "\"/>",
        "<a n:HasExtendedXMP = ' " DIGEST "'/>",
        "<n:HasExtendedXMP>\n" DIGEST "</n:HasExtendedXMP>",
        ("HasExtendedXMP, <n:HasExtendedXMP>" DIGEST),
    };
    static const char *const bad[] = {
        "",
        "<a HasExtendedXMP",
        "<a HasExtendedXMP=",
        "<a HasExtendedXMP=\"0123\"",
        ("<a HasExtendedXMP=" DIGEST),
        "<a HasExtendedXMP=\"0123456789ABCDEFabcdef012345678\"",
        "<a HasExtendedXMP=\"0123456789ABCDEFabcdef012345678g\"",
    };
    uint8_t digest[LI_XMP_DIGEST_BYTES];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        memset(digest, 0, sizeof(digest));
        CHECK(li_xmp_extension((const uint8_t *)good[i], strlen(good[i]), digest));
        CHECK(memcmp(digest, DIGEST, sizeof(digest)) == 0);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!li_xmp_extension((const uint8_t *)bad[i], strlen(bad[i]), digest));
}

int
main(void)
{
    RUN(attributes_and_elements_of_a_place_go);
    RUN(the_rest_is_as_it_was);
    RUN(what_tells_of_the_old_picture_goes);
    RUN(a_place_goes_whatever_its_prefix);
    RUN(every_name_of_a_vocabulary_of_places_goes);
    RUN(what_cannot_be_told_is_left_out);
    RUN(sizes_and_colours_go_where_they_have_changed);
    RUN(names_of_spaces_stay);
    RUN(padding_is_one_line);
    RUN(what_is_no_packet_is_left_out);
    RUN(damage_is_survived);
    RUN(what_extends_a_packet_stands_behind_its_own);
    RUN(what_cannot_be_joined_is_left_as_it_is);
    RUN(the_digest_is_an_attribute_or_an_element);
    return test_end();
}
