/* Goal: the vector form of a group search and the portable one agree, on any control bytes. */
#include "engine/state/group.h"

#include <criterion/criterion.h>
#include <stdlib.h>

Test(group, vector_and_portable_search_agree_on_random_groups)
{
    _Alignas(16) uint8_t group[MR_GROUP_SLOTS];
    unsigned seed = 7;
    for (int round = 0; round < 20000; round++) {
        for (unsigned i = 0; i < MR_GROUP_SLOTS; i++) {
            int kind = rand_r(&seed) % 4;
            group[i] = kind == 0   ? MR_CONTROL_EMPTY
                       : kind == 1 ? MR_CONTROL_DELETED
                                   : (uint8_t)(rand_r(&seed) & 3);
        }
        uint8_t wanted = (uint8_t)(rand_r(&seed) & 3);
        cr_assert_eq(mr_group_match(group, wanted), mr_group_match_portable(group, wanted));
        cr_assert_eq(mr_group_match(group, MR_CONTROL_EMPTY),
                     mr_group_match_portable(group, MR_CONTROL_EMPTY));
        cr_assert_eq(mr_group_free(group), mr_group_free_portable(group));
    }
}

Test(group, names_the_slots_of_a_control_byte)
{
    _Alignas(16) uint8_t group[MR_GROUP_SLOTS] = {5, 5, MR_CONTROL_EMPTY, 6, MR_CONTROL_DELETED};
    cr_assert_eq(mr_group_match_portable(group, 5), 0x3);
    cr_assert_eq(mr_group_match(group, 6), 0x8);
    cr_assert_eq(mr_group_match(group, MR_CONTROL_EMPTY), 0x4);
    cr_assert_eq(mr_group_free(group), 0x14);
}
