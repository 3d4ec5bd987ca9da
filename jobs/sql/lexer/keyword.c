#include "jobs/sql/lexer/keyword.h"

typedef struct word_row {
    const char *text;
    mr_word_use use;
} word_row;

#define WORD_ROW(word, use) {#word, MR_WORD_USE_##use},
static const word_row word_rows[MR_WORDS_COUNT] = {{"", MR_WORD_USE_FREE}, MR_WORDS(WORD_ROW)};
#undef WORD_ROW

mr_word mr_word_find(const char *text, size_t length)
{
    int low = MR_NO_WORD + 1;
    int high = MR_WORDS_COUNT;
    while (low < high) {
        int middle = low + (high - low) / 2;
        /* strncasecmp folds to lower case, where `_` sorts in front of the letters; the list is
         * sorted with it behind them. */
        const char *word = word_rows[middle].text;
        int order = 0;
        for (size_t i = 0; order == 0 && i <= length; i++) {
            unsigned char c = i < length ? (unsigned char)text[i] : 0;
            if (c >= 'a' && c <= 'z')
                c = (unsigned char)(c - 'a' + 'A');
            order = (int)c - (int)(unsigned char)word[i];
            if (word[i] == 0)
                break;
        }
        if (order == 0)
            return (mr_word)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return MR_NO_WORD;
}

const char *mr_word_text(mr_word word)
{
    return word_rows[word].text;
}

mr_word_use mr_word_use_of(mr_word word)
{
    return word_rows[word].use;
}

bool mr_word_is_reserved(mr_word word)
{
    return word_rows[word].use != MR_WORD_USE_FREE;
}
