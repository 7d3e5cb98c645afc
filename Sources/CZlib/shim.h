#include <zlib.h>

// glibc has it behind _GNU_SOURCE, which Swift doesn't set: writes a whole file system's dirty pages to disk.
extern int syncfs(int descriptor);
