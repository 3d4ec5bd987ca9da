/*
 * Takes secrets out of what is printed about a job that does not stand: the lines of the script
 * around an error, and the messages that quote it.
 *
 * Hidden is the value of every option whose name is secret-like or not known (a misspelt
 * `sasl.pasword` holds the password all the same), however it is written: without `=`, in double
 * quotes, bare, or behind a quote that is not closed, then to the line's end. Values of known
 * options stay readable. Of comments nothing is shown: an option that is taken out for a while
 * stands in one with its value.
 * Memory: new texts of diagnostics live in their list. Thread: pure.
 */
#ifndef MR_JOBS_CLI_MASK_H
#define MR_JOBS_CLI_MASK_H

#include "jobs/sql/diagnostic.h"

/* Puts stars into `text`, which is `script`'s text, and into what `diagnostics` quote of it. */
void mr_mask_secrets(const mr_script *script, char *text, mr_diagnostics *diagnostics);

#endif
