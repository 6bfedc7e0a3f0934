/* utf8.c: where a text may be cut (RFC 3629). What is done to each byte of it is in utf8.h and the
 * kernels. */
#include "fastframe.h"

size_t ff_utf8_cut(const uint8_t *data, size_t length)
{
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        uint8_t byte = data[length - back];
        if (byte < 0x80)
            return 0;
        if (byte >= 0xC0)
            return back < (byte < 0xE0 ? 2u : byte < 0xF0 ? 3u : 4u) ? back : 0;
    }
    return 0;
}
