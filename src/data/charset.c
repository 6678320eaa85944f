#include "data/charset.h"
#include <stdint.h>
#include <string.h>

bool us__charset_is_utf8(const char *text, size_t length) {
    const unsigned char *p = (const unsigned char *)text, *end = p + length;
    while (p < end) {
        if (*p < 0x80) {
            p++;
            continue;
        }
        unsigned more = *p >= 0xF0 ? 3 : *p >= 0xE0 ? 2 : 1;
        if (*p < 0xC2 || *p > 0xF4 || (size_t)(end - p) <= more) return false;
        uint32_t code = *p & (0x3Fu >> more);
        for (unsigned i = 1; i <= more; i++) {
            if ((p[i] & 0xC0) != 0x80) return false;
            code = code << 6 | (p[i] & 0x3Fu);
        }
        if ((more == 2 && code < 0x800) || (more == 3 && code < 0x10000) || code > 0x10FFFF ||
            (code >= 0xD800 && code < 0xE000))
            return false;
        p += more + 1;
    }
    return true;
}

const char *us__charset_wide(const char *bytes, size_t length) {
    const unsigned char *p = (const unsigned char *)bytes;
    if (length >= 4 && memcmp(p, "\xFF\xFE\0\0", 4) == 0) return "UTF-32";
    if (length >= 4 && memcmp(p, "\0\0\xFE\xFF", 4) == 0) return "UTF-32";
    if (length >= 2 && (memcmp(p, "\xFF\xFE", 2) == 0 || memcmp(p, "\xFE\xFF", 2) == 0)) return "UTF-16";
    /* No mark, but every second byte is zero, as in ASCII text with two bytes a letter. */
    size_t pairs = (length < 64 ? length : 64) / 2, even = 0, odd = 0;
    for (size_t i = 0; i < pairs; i++) even += p[2 * i] == 0, odd += p[2 * i + 1] == 0;
    if (pairs >= 4 && odd == pairs && even == 0) return "UTF-16LE";
    if (pairs >= 4 && even == pairs && odd == 0) return "UTF-16BE";
    return NULL;
}

const char *us__charset_archive(const char *bytes, size_t length) {
    static const struct {
        const char *bytes;
        size_t length;
        const char *name;
    } kinds[] = {
        {"PK\3\4", 4, "a zip archive (or a spreadsheet)"},
        {"BZh", 3, "bzip2"},
        {"\xFD"
         "7zXZ",
         5, "xz"},
        {"\x28\xB5\x2F\xFD", 4, "zstd"},
        {"\x89HDF", 4, "HDF5"},
        {"PAR1", 4, "Parquet"},
        {"\x93NUMPY", 6, "NumPy"},
        {"SQLite format 3", 15, "an SQLite database"},
        {"\xD0\xCF\x11\xE0", 4, "an old spreadsheet"},
        {"%PDF", 4, "PDF"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (length >= kinds[i].length && memcmp(bytes, kinds[i].bytes, kinds[i].length) == 0) return kinds[i].name;
    return NULL;
}

/* Chinese text comes in pairs whose second byte is mostly high as well; in Latin text a high byte stands among ASCII.
 * Of the two Chinese encodings the one wins in which fewer pairs lie where it has no (common) characters: the lead bytes
 * AA to AF and F8 to FE of GBK are for private use, C7 to C8 and above F9 are unused in Big5, and a low second byte is
 * rare in GBK but goes with four of ten characters in Big5. */
const char *us__charset_guess(const char *text, size_t length) {
    const unsigned char *p = (const unsigned char *)text, *end = p + length;
    size_t high_high = 0, high_low = 0, not_gbk = 0, not_big5 = 0;
    bool windows = false;
    while (p < end) {
        if (*p < 0x80) {
            p++;
            continue;
        }
        windows = windows || *p < 0xA0;
        unsigned lead = *p, trail = p + 1 < end ? p[1] : 0;
        if (trail < 0x40) {
            high_low += p + 1 < end;
            p++;
            continue;
        }
        if (trail >= 0x80)
            high_high++;
        else
            high_low++;
        not_gbk += (lead >= 0xA4 && lead <= 0xAF) || lead >= 0xF8 || lead == 0x80 || trail < 0x80;
        not_big5 += lead < 0xA1 || lead == 0xC7 || lead == 0xC8 || lead > 0xF9 || (trail >= 0x7F && trail < 0xA1);
        /* Characters of daily use: first level of GB 2312, first level of Big5. */
        not_gbk += lead < 0xB0 || lead > 0xD7;
        not_big5 += lead < 0xA4 || lead > 0xC6;
        p += 2;
    }
    if (high_low >= high_high) return windows ? "WINDOWS-1252" : "ISO-8859-1";
    return not_big5 < not_gbk ? "BIG5" : "GBK";
}
