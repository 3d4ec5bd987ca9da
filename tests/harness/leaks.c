#include <sanitizer/lsan_interface.h>
#include <stdlib.h>

/*
 * Linked into every Criterion executable, read by LeakSanitizer when a process ends. Criterion runs
 * each test in a process of its own (boxfort names its map in BXFI_MAP) and those are searched for
 * leaks. The runner, which has none of our memory, now and then ends with 48 bytes of Criterion's
 * own and would fail a green suite. Without a sanitizer nobody asks.
 */
int __lsan_is_turned_off(void)
{
    return getenv("BXFI_MAP") == NULL;
}
