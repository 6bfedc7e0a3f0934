/* Each file that is named, once: for compilers that have no libFuzzer. */
#include "fuzz.h"

#include <stdio.h>

enum { LARGEST = 1 << 16 };

int main(int count, char **names)
{
    static uint8_t data[LARGEST];
    for (int i = 1; i < count; i++) {
        FILE *file = fopen(names[i], "rb");
        MUST(file != NULL);
        size_t size = fread(data, 1, LARGEST, file);
        fclose(file);
        printf("%s\n", names[i]);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, size);
    }
    return 0;
}
