/*
 * Assertions that stay on in release builds. For programmer errors only: input from outside never
 * reaches one. A failed assertion prints where and what, and aborts the process; the open Kafka
 * transaction dies with it, so nothing uncommitted becomes visible.
 */
#ifndef MR_ENGINE_BASE_ASSERT_H
#define MR_ENGINE_BASE_ASSERT_H

#define MR_ASSERT(claim) ((claim) ? (void)0 : mr_assert_failed(#claim, __FILE__, __LINE__))
#define MR_LENGTH(array) (sizeof(array) / sizeof(array)[0])

void mr_assert_failed(const char *claim, const char *file, int line)
    __attribute__((noreturn, cold));

#endif
