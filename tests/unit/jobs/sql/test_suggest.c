/* Goal: the nearest name is found, and none where nothing is near. */

#include "jobs/sql/lexer/keyword.h"
#include "jobs/sql/suggest.h"

#include <criterion/criterion.h>
#include <string.h>

Test(sql_suggest, finds_the_nearest_of_some_names)
{
    static const char *const names[] = {"bidder", "price", NULL, "auction", "id"};
    cr_expect_str_eq(mr_suggest("bider", names, 5), "bidder");
    cr_expect_str_eq(mr_suggest("pirce", names, 5), "price");
    cr_expect_str_eq(mr_suggest("AUCTION", names, 5), "auction");
    cr_expect_str_eq(mr_suggest("Id", names, 5), "id");
    cr_expect_null(mr_suggest("channel", names, 5));
    cr_expect_null(mr_suggest("to", names, 5));
    cr_expect_null(mr_suggest("", names, 5));
}

Test(sql_keyword, finds_every_word_in_any_case)
{
    for (int word = MR_NO_WORD + 1; word < MR_WORDS_COUNT; word++) {
        const char *text = mr_word_text((mr_word)word);
        cr_expect_eq((int)mr_word_find(text, strlen(text)), word, "%s: is the list sorted?", text);
        char small[64];
        size_t length = strlen(text);
        for (size_t i = 0; i < length; i++)
            small[i] = text[i] == '_' ? '_' : (char)(text[i] | 0x20);
        cr_expect_eq((int)mr_word_find(small, length), word);
        cr_expect_neq((int)mr_word_find(text, length - 1), word);
    }
}
