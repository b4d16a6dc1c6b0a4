/* fuzz_window.c: libFuzzer over the ways into a file: mapped, read through a window,
 * borrowed: `make fuzz T=window S=600`. */
#include "base/window_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0)
        fd = window_file();
    if (fd < 0)
        abort();
    window_check(fd, data, size);
    return 0;
}
