#include "jobs/cli/local_state.h"

#include <stdio.h>

#define STATE_DIR "./millrace-state"

mr_status mr_local_state_open(const mr_flags *flags, const char *name, mr_state_dir **dir,
                              mr_error *err)
{
    char path[MR_STATE_PATH_MAX];
    if (flags->state_dir != NULL)
        snprintf(path, sizeof path, "%s", flags->state_dir);
    else
        snprintf(path, sizeof path, STATE_DIR "/%s", name);
    mr_status status = mr_state_dir_open(path, dir, err);
    if (status != MR_OK || flags->instance == NULL ||
        mr_state_dir_set_instance(*dir, flags->instance))
        return status;
    mr_state_dir_close(*dir);
    *dir = NULL;
    return mr_error_set(err, MR_E_SETTING,
                        "--instance-id %.120s: 1 to %d letters, digits, `.`, `_`, `-` are expected",
                        flags->instance, MR_STATE_INSTANCE_MAX);
}
