/* Replays inputs through a fuzz target built without libFuzzer, so that a corpus is checked by any
 * compiler and sanitizer: each argument is a file, or a folder whose files are taken in order. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t capacity = 4096;
    size_t len = 0;
    uint8_t *data = malloc(capacity);
    while (data != NULL) {
        len += fread(data + len, 1, capacity - len, file);
        if (len < capacity)
            break;
        capacity *= 2;
        uint8_t *larger = realloc(data, capacity);
        if (larger == NULL)
            free(data);
        data = larger;
    }
    int failed = ferror(file) != 0 || data == NULL;
    fclose(file);
    if (failed) {
        free(data);
        perror(path);
        return 1;
    }
    /* Exactly sized, so that a read behind the end is seen. */
    uint8_t *exact = malloc(len != 0 ? len : 1);
    if (exact != NULL) {
        memcpy(exact, data, len);
        (void)LLVMFuzzerTestOneInput(exact, len);
    }
    failed = exact == NULL;
    free(exact);
    free(data);
    return failed;
}

static int replay_folder(const char *path, size_t *files)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        perror(path);
        return 1;
    }
    int failed = 0;
    for (int i = 0; i < count; i++) {
        char inner[4096];
        int len = snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        struct stat info;
        if (len > 0 && (size_t)len < sizeof inner && stat(inner, &info) == 0 &&
            S_ISREG(info.st_mode)) {
            failed |= replay_file(inner);
            *files += 1;
        }
        free(entries[i]);
    }
    free(entries);
    return failed;
}

int main(int argc, char **argv)
{
    size_t files = 0;
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        struct stat info;
        if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            failed |= replay_folder(argv[i], &files);
        } else {
            failed |= replay_file(argv[i]);
            files++;
        }
    }
    printf("replayed %zu inputs\n", files);
    return failed;
}
