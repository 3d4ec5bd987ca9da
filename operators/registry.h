/*
 * All operator classes, by name: for EXPLAIN, plan formats and tests.
 */
#ifndef MR_OPERATORS_REGISTRY_H
#define MR_OPERATORS_REGISTRY_H

#include "engine/run/operator.h"

/* The class called `name`; NULL: none. */
const mr_operator_class *mr_operator_find(const char *name);

/* The classes, NULL-terminated. */
const mr_operator_class *const *mr_operator_all(void);

#endif
