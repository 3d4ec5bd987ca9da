#include "jobs/cli/load.h"

#include "engine/base/buffer.h"
#include "jobs/cli/mask.h"
#include "jobs/errors/pages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads everything; false: said so. */
static bool read_all(const char *file, mr_buffer *text)
{
    bool is_stdin = strcmp(file, "-") == 0;
    FILE *from = is_stdin ? stdin : fopen(file, "rb");
    if (from == NULL) {
        fprintf(stderr, "millrace: cannot read %s: %s\n", file, strerror(errno));
        return false;
    }
    enum { STEP = 65536 };
    size_t got = 1;
    while (got > 0 && text->length < MR_SCRIPT_BYTES_MAX) {
        got = fread(mr_buffer_reserve(text, STEP), 1, STEP, from);
        text->length += got;
    }
    bool is_bad = ferror(from) != 0;
    if (is_bad)
        fprintf(stderr, "millrace: cannot read %s: %s\n", file, strerror(errno));
    if (!is_stdin)
        fclose(from);
    if (!is_bad && text->length >= MR_SCRIPT_BYTES_MAX) {
        fprintf(stderr, "millrace: %s is no job: it has more than 1 GB\n", file);
        return false;
    }
    return !is_bad;
}

/* "jobs/orders.sql" -> "orders" */
static void stem_of(const char *file, char *to, size_t size)
{
    const char *slash = strrchr(file, '/');
    snprintf(to, size, "%s", slash != NULL ? slash + 1 : file);
    char *point = strrchr(to, '.');
    if (point != NULL && point != to)
        *point = '\0';
    if (strcmp(file, "-") == 0)
        snprintf(to, size, "job");
}

static mr_code first_error(const mr_diagnostics *diagnostics)
{
    size_t i = 0;
    while (diagnostics->items[i].severity != MR_SEVERITY_ERROR)
        i++;
    return diagnostics->items[i].code;
}

static void print(mr_diagnostics *diagnostics, const mr_script *script, bool is_quiet)
{
    bool is_silent = diagnostics->errors == 0 && is_quiet;
    if (is_silent || diagnostics->errors + diagnostics->others == 0)
        return;
    mr_buffer out = {0};
    bool is_coloured = isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL;
    mr_diagnostics_print(diagnostics, script, is_coloured, &out);
    fwrite(out.data, 1, out.length, stderr);
    mr_buffer_release(&out);
    if (diagnostics->errors > 0)
        mr_error_pages_mention((int)first_error(diagnostics));
}

mr_loaded mr_load(const mr_flags *flags)
{
    mr_loaded loaded = {.exit = MR_EXIT_FAILED};
    mr_buffer text = {0};
    if (!read_all(flags->file, &text)) {
        mr_buffer_release(&text);
        return loaded;
    }
    loaded.text = text.data;
    char stem[256];
    stem_of(flags->file, stem, sizeof stem);
    mr_script_init(&loaded.script, strcmp(flags->file, "-") == 0 ? "<stdin>" : flags->file,
                   text.data, text.length);
    mr_job_options options = {.name = flags->name,
                              .stem = stem,
                              .settings = flags->settings,
                              .settings_count = flags->settings_count,
                              .environment = (const char *const *)environ,
                              .properties = flags->properties,
                              .properties_count = flags->properties_count,
                              .is_bounded = mr_flags_has(flags, MR_FLAG_BOUNDED)};
    mr_diagnostics diagnostics = {0};
    loaded.job = mr_job_new(&loaded.script, &options, &diagnostics);
    loaded.exit = loaded.job != NULL ? MR_EXIT_OK : MR_EXIT_JOB;
    if (loaded.job != NULL)
        loaded.settings = loaded.job->settings;
    if (diagnostics.errors + diagnostics.others > 0)
        mr_mask_secrets(&loaded.script, loaded.text, &diagnostics);
    print(&diagnostics, &loaded.script, mr_flags_has(flags, MR_FLAG_QUIET));
    mr_diagnostics_release(&diagnostics);
    return loaded;
}

mr_loaded mr_load_settings(const mr_flags *flags)
{
    if (flags->file != NULL)
        return mr_load(flags);
    mr_loaded loaded = {.exit = MR_EXIT_OK};
    mr_setting_sources sources = {.flags = flags->settings,
                                  .flags_count = flags->settings_count,
                                  .environment = (const char *const *)environ};
    mr_diagnostics diagnostics = {0};
    mr_script_init(&loaded.script, "<none>", "\n", 1);
    loaded.settings = mr_settings_read(&(mr_ast_script){0}, &sources, &loaded.arena, &diagnostics);
    if (diagnostics.errors > 0)
        loaded.exit = MR_EXIT_USAGE;
    print(&diagnostics, &loaded.script, false);
    mr_diagnostics_release(&diagnostics);
    return loaded;
}

void mr_loaded_release(mr_loaded *loaded)
{
    mr_arena_release(&loaded->arena);
    mr_job_free(loaded->job);
    mr_script_release(&loaded->script);
    free(loaded->text);
}
