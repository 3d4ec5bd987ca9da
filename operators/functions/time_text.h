/*
 * Times from and to text and seconds, with or without a pattern. Private to operators/functions.
 * A constant pattern is compiled once and refused when it is wrong; another is compiled for each
 * row and fails that row.
 */
#ifndef MR_OPERATORS_FUNCTIONS_TIME_TEXT_H
#define MR_OPERATORS_FUNCTIONS_TIME_TEXT_H

#include "engine/expr/zone.h"
#include "operators/functions/build.h"

mr_form_build mr_build_date_format;
mr_form_build mr_build_to_timestamp;
mr_form_build mr_build_to_timestamp_ltz;
mr_form_build mr_build_to_date;
mr_form_build mr_build_unix_timestamp;
mr_form_build mr_build_from_unixtime;

#endif
