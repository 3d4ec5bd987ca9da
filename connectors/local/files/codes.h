/* Error codes of files that cannot be read on (319x). Stable: users see them as MR<code>. */
#ifndef MR_CONNECTORS_LOCAL_FILES_CODES_H
#define MR_CONNECTORS_LOCAL_FILES_CODES_H

enum {
    MR_E_FILE_DAMAGED = 3190, /* an archive that is damaged or cut short */
    MR_E_FILE_RECORD = 3191,  /* a record longer than MR_FILE_RECORD_MAX */
    MR_E_FILE_GONE = 3192,    /* listed, but not there any more when its turn came */
};

#endif
