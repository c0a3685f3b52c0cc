/* A program that writes a file through a shared mapping, for valgrind to trace:
 *
 *   mmap_writer FILE
 *
 * It maps FILE at an address that does not depend on the day and prints "START END STORES": the
 * mapping's address range and how often it has stored there. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { pages = 16, page = 4096, rounds = 500 };

static volatile char *const start = (volatile char *)0x200000000; /* free under valgrind as well */

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    const int file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || ftruncate(file, pages * page) != 0)
        return 1;
    const int flags = MAP_SHARED | MAP_FIXED_NOREPLACE;
    if (mmap((void *)start, pages * page, PROT_READ | PROT_WRITE, flags, file, 0) != start)
        return 1;
    unsigned stores = 0;
    uint32_t where = 1;
    for (int i = 0; i < rounds; ++i) {
        where = where * 1103515245 + 12345;
        const uint32_t offset = (where >> 8) % (pages * page - 8);
        /* Of any alignment: some of them cross a page. */
        *(volatile uint64_t __attribute__((aligned(1))) *)(start + offset) = where;
        start[offset / 2] = (char)where;
        stores += 2;
    }
    printf("%#lx %#lx %u\n", (unsigned long)start, (unsigned long)(start + pages * page), stores);
    return 0;
}
