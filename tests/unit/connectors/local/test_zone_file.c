/* Goal: zones load by name and nothing else does. Method: the machine's own tzdata. */
#include "connectors/local/zone_file.h"

#include <criterion/criterion.h>

Test(zone_file, loads_names_and_offsets)
{
    static const struct {
        const char *name;
        int32_t offset; /* at 2024-07-01 */
    } rows[] = {{"Europe/Berlin", 7200}, {"UTC", 0}, {"GMT+2", 7200}, {"-03:30", -12600}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mr_zone *zone = NULL;
        mr_error err;
        cr_assert_eq(mr_zone_load(rows[i].name, &zone, &err), MR_OK, "%s", rows[i].name);
        cr_expect_eq(mr_zone_offset(zone, 1719792000), rows[i].offset, "%s", rows[i].name);
        mr_zone_free(zone);
    }
}

Test(zone_file, refuses_other_names)
{
    static const char *const names[] = {"Europe/Berlon", "../zoneinfo/UTC", "/etc/passwd",
                                        "zone.tab", "Europe"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        mr_zone *zone = NULL;
        mr_error err;

        cr_expect_eq(mr_zone_load(names[i], &zone, &err), MR_E_SETTING, "%s", names[i]);
    }
}
