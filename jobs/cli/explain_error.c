/* `millrace explain-error`: the page of a code, or the list of all. */
#include "jobs/cli/command.h"
#include "jobs/errors/pages.h"

#include <stdio.h>
#include <string.h>

static void print_list(void)
{
    const char *title;
    for (size_t g = 0; (title = mr_error_group_title(g)) != NULL; g++) {
        printf("%s%.*s\n", g > 0 ? "\n" : "", (int)strcspn(title, "\n"), title);
        mr_error_page page;
        for (size_t at = 0; mr_error_page_next(g, &at, &page);)
            printf("  MR%04d  %.*s\n", page.code, (int)page.title_length, page.title);
    }
}

mr_exit mr_command_explain_error(const mr_flags *flags)
{
    if (flags->file == NULL) {
        print_list();
        return MR_EXIT_OK;
    }
    int code = mr_error_code_parse(flags->file);
    mr_error_page page;
    if (code < 0) {
        fprintf(stderr, "millrace: `%s` is no error code; one is written MR1104\n", flags->file);
        return MR_EXIT_USAGE;
    }
    if (!mr_error_page_find(code, &page)) {
        int nearest = mr_error_code_nearest(code);
        fprintf(stderr, "millrace: there is no error MR%04d", code);
        if (nearest >= 0 && mr_error_page_find(nearest, &page))
            fprintf(stderr, "; did you mean MR%04d (%.*s)?", nearest, (int)page.title_length,
                    page.title);
        fprintf(stderr, "\nTry: millrace explain-error\n");
        return MR_EXIT_USAGE;
    }
    printf("MR%04d: %.*s\n\n%.*s", page.code, (int)page.title_length, page.title,
           (int)page.body_length, page.body);
    return MR_EXIT_OK;
}
