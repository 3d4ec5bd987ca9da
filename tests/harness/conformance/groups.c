/* Checks of groups: membership and committed offsets. */
#include "tests/harness/conformance/stage.h"

#include "engine/base/assert.h"

#include <string.h>

static void a_first_member_owns_all_partitions(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 3);
    mr_log_member *member = stage_member(s, stage_name(s, "group"), NULL, topic);
    stage_expect_text(s, stage_await(s, member, MR_MEMBER_ASSIGNED), "0 1 2");
    stage_expect_quiet(s, member, 500);
}

static void sent_offsets_appear_with_the_commit(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *group = stage_name(s, "group");
    mr_log_member *member = stage_member(s, group, NULL, topic);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_await(s, member, MR_MEMBER_ASSIGNED);
    stage_expect_text(s, stage_group_offset(s, group, topic), "-1");
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "a");
    stage_ok(s, stage_send_offset(s, writer, member, topic, 41, "v1|7"), "send_offsets");
    stage_expect_text(s, stage_group_offset(s, group, topic), "-1");
    stage_commit(s, writer);
    mr_log_offset position = {topic, 0, 0, NULL};
    if (s->has_failed)
        return;
    stage_ok(s, member->class->committed(member, &position, 1, &s->arena, &s->err), "committed");
    stage_expect_int(s, position.offset, 41, "offset");
    if (!s->has_failed)
        stage_expect_text(s, position.metadata != NULL ? position.metadata : "", "v1|7");
    stage_expect_text(s, stage_group_offset(s, group, topic), "41 v1|7");
}

static void sent_offsets_vanish_with_an_abort(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *group = stage_name(s, "group");
    mr_log_member *member = stage_member(s, group, NULL, topic);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_await(s, member, MR_MEMBER_ASSIGNED);
    stage_begin(s, writer);
    stage_ok(s, stage_send_offset(s, writer, member, topic, 5, "first"), "send_offsets");
    stage_commit(s, writer);
    stage_begin(s, writer);
    stage_ok(s, stage_send_offset(s, writer, member, topic, 9, "second"), "send_offsets");
    stage_abort(s, writer);
    stage_expect_text(s, stage_group_offset(s, group, topic), "5 first");
}

static const char *metadata_of(mr_log_stage *s, size_t length)
{
    char *metadata = mr_arena_alloc(&s->arena, length + 1);
    for (size_t i = 0; i < length; i++)
        metadata[i] = (char)('a' + i % 26);
    metadata[length] = '\0';
    return metadata;
}

static void metadata_of_4096_bytes_comes_back(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *group = stage_name(s, "group");
    const char *metadata = metadata_of(s, 4096);
    mr_log_member *member = stage_member(s, group, NULL, topic);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_await(s, member, MR_MEMBER_ASSIGNED);
    stage_begin(s, writer);
    stage_ok(s, stage_send_offset(s, writer, member, topic, 3, metadata), "send_offsets");
    stage_commit(s, writer);
    const char *got = stage_group_offset(s, group, topic);
    stage_expect(s, strncmp(got, "3 ", 2) == 0 && strcmp(got + 2, metadata) == 0,
                 "metadata differs, it has %zu bytes", strlen(got));
}

static void metadata_of_4097_bytes_is_refused(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *group = stage_name(s, "group");
    mr_log_member *member = stage_member(s, group, NULL, topic);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_await(s, member, MR_MEMBER_ASSIGNED);
    stage_begin(s, writer);
    mr_status status = stage_send_offset(s, writer, member, topic, 3, metadata_of(s, 4097));
    stage_expect(s, status != MR_OK, "it was taken");
    stage_abort(s, writer);
    stage_expect_text(s, stage_group_offset(s, group, topic), "-1");
}

static void a_member_commits_outside_of_transactions(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *group = stage_name(s, "group");
    mr_log_member *member = stage_member(s, group, NULL, topic);
    mr_log_writer *writer = stage_writer(s, NULL);
    stage_await(s, member, MR_MEMBER_ASSIGNED);
    stage_put(s, writer, topic, 0, "ab");
    stage_flush(s, writer);
    mr_log_offset position = {topic, 0, 12, "m"};
    if (!s->has_failed)
        stage_ok(s, member->class->commit(member, &position, 1, &s->err), "commit");
    stage_expect_text(s, stage_group_offset(s, group, topic), "12 m");
    stage_expect_read(s, topic, 0, 0, "0:a 1:b");
}

static void of_one_partition_twice_the_last_counts(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *group = stage_name(s, "group");
    mr_log_member *member = stage_member(s, group, NULL, topic);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    mr_log_offset first[] = {{topic, 0, 9, "first"}, {topic, 0, 5, "second"}};
    mr_log_offset next[] = {{topic, 0, 3, "third"}, {topic, 0, 7, "fourth"}};
    stage_await(s, member, MR_MEMBER_ASSIGNED);
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "a");
    if (s->has_failed)
        return;
    stage_ok(s, writer->class->send_offsets(writer, member, first, 2, &s->err), "send_offsets");
    stage_commit(s, writer);
    stage_expect_text(s, stage_group_offset(s, group, topic), "5 second");
    if (s->has_failed)
        return;
    stage_ok(s, member->class->commit(member, next, 2, &s->err), "commit");
    stage_expect_text(s, stage_group_offset(s, group, topic), "7 fourth");
}

static void one_partition_is_not_asked_for_twice(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *group = stage_name(s, "group");
    mr_log_member *member = stage_member(s, group, NULL, topic);
    stage_await(s, member, MR_MEMBER_ASSIGNED);
    mr_log_offset twice[] = {{topic, 0, 0, NULL}, {topic, 0, 0, NULL}};
    if (s->has_failed)
        return;
    stage_refused(s, s->log->class->group_offsets(s->log, group, twice, 2, &s->arena, &s->err),
                  MR_E_KAFKA_OTHER, MR_RECOVERY_STOP, "group_offsets");
    if (!s->has_failed) /* a member's own question is another request */
        stage_ok(s, member->class->committed(member, twice, 2, &s->arena, &s->err), "committed");
    stage_expect_int(s, twice[1].offset, -1, "offset");
    mr_log_ends ends[] = {{topic, 0, 0, 0}, {topic, 0, 0, 0}};
    if (!s->has_failed)
        stage_refused(s, s->log->class->ends(s->log, ends, 2, &s->err), MR_E_KAFKA_OTHER,
                      MR_RECOVERY_STOP, "ends");
}

static void a_group_without_offsets_says_so(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    stage_expect_text(s, stage_group_offset(s, stage_name(s, "group"), topic), "-1");
    mr_log_member *member = stage_member(s, stage_name(s, "group"), NULL, topic);
    stage_await(s, member, MR_MEMBER_ASSIGNED);
    mr_log_offset position = {topic, 0, 5, "x"};
    if (s->has_failed)
        return;
    stage_ok(s, member->class->committed(member, &position, 1, &s->arena, &s->err), "committed");
    stage_expect_int(s, position.offset, -1, "offset");
}

static void a_second_member_shares_the_partitions(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 4);
    const char *group = stage_name(s, "group");
    mr_log_member *first = stage_member(s, group, NULL, topic);
    stage_expect_text(s, stage_await(s, first, MR_MEMBER_ASSIGNED), "0 1 2 3");
    mr_log_member *second = stage_member(s, group, NULL, topic);
    stage_expect_text(s, stage_await(s, first, MR_MEMBER_REVOKED), "0 1 2 3");
    stage_release_member(s, first);
    const char *one = stage_await(s, first, MR_MEMBER_ASSIGNED);
    const char *two = stage_await(s, second, MR_MEMBER_ASSIGNED);
    stage_expect(s, strlen(one) == 3 && strlen(two) == 3, "shares \"%s\" and \"%s\"", one, two);
    for (char p = '0'; p < '4'; p++)
        stage_expect(s, (strchr(one, p) != NULL) != (strchr(two, p) != NULL),
                     "partition %c in \"%s\" and \"%s\"", p, one, two);
}

static void a_revoked_member_may_commit_before_it_releases(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 2);
    const char *group = stage_name(s, "group");
    mr_log_member *first = stage_member(s, group, NULL, topic);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_await(s, first, MR_MEMBER_ASSIGNED);
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "a");
    mr_log_member *second = stage_member(s, group, NULL, topic);
    stage_await(s, first, MR_MEMBER_REVOKED);
    stage_ok(s, stage_send_offset(s, writer, first, topic, 8, NULL), "send_offsets");
    stage_commit(s, writer);
    stage_release_member(s, first);
    stage_await(s, second, MR_MEMBER_ASSIGNED);
    stage_expect_text(s, stage_group_offset(s, group, topic), "8");
}

static void a_member_without_assignment_may_not_commit(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 2);
    const char *group = stage_name(s, "group");
    mr_log_member *first = stage_member(s, group, NULL, topic);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_await(s, first, MR_MEMBER_ASSIGNED);
    (void)stage_member(s, group, NULL, topic);
    stage_await(s, first, MR_MEMBER_REVOKED);
    stage_release_member(s, first);
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "x");
    stage_refused(s, stage_send_offset(s, writer, first, topic, 8, NULL), MR_E_KAFKA_MEMBER_STALE,
                  MR_RECOVERY_EPOCH, "send_offsets");
    stage_abort(s, writer);
    mr_log_offset position = {topic, 0, 8, NULL};
    if (!s->has_failed)
        stage_refused(s, first->class->commit(first, &position, 1, &s->err),
                      MR_E_KAFKA_MEMBER_STALE, MR_RECOVERY_EPOCH, "commit");
    stage_expect_text(s, stage_group_offset(s, group, topic), "-1");
}

static void a_replaced_member_may_not_commit(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *group = stage_name(s, "group");
    mr_log_member *old = stage_member(s, group, "worker-1", topic);
    mr_log_writer *writer = stage_writer(s, stage_name(s, "id"));
    stage_await(s, old, MR_MEMBER_ASSIGNED);
    mr_log_member *young = stage_member(s, group, "worker-1", topic);
    stage_await(s, young, MR_MEMBER_ASSIGNED);
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "x");
    stage_refused(s, stage_send_offset(s, writer, old, topic, 8, NULL), MR_E_KAFKA_MEMBER_STALE,
                  MR_RECOVERY_EPOCH, "send_offsets");
    stage_abort(s, writer);
    stage_expect_text(s, stage_group_offset(s, group, topic), "-1");
    stage_begin(s, writer);
    stage_put(s, writer, topic, 0, "a");
    stage_ok(s, stage_send_offset(s, writer, young, topic, 9, NULL), "send_offsets of the young");
    stage_commit(s, writer);
    stage_expect_text(s, stage_group_offset(s, group, topic), "9");
}

static void the_loser_of_an_instance_id_is_told(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *group = stage_name(s, "group");
    mr_log_member *old = stage_member(s, group, "worker-1", topic);
    stage_await(s, old, MR_MEMBER_ASSIGNED);
    mr_log_member *young = stage_member(s, group, "worker-1", topic);
    stage_await(s, young, MR_MEMBER_ASSIGNED);
    mr_status status = MR_OK;
    for (int i = 0; i < 500 && status == MR_OK && !s->has_failed; i++) {
        mr_member_event event;
        status = old->class->poll(old, 20, &event, &s->err);
    }
    stage_refused(s, status, MR_E_KAFKA_INSTANCE_TAKEN, MR_RECOVERY_STOP, "poll");
}

static void a_static_member_comes_back_to_its_partitions(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 4);
    const char *group = stage_name(s, "group");
    mr_log_member *first = stage_member(s, group, "worker-1", topic);
    stage_await(s, first, MR_MEMBER_ASSIGNED);
    mr_log_member *second = stage_member(s, group, "worker-2", topic);
    stage_await(s, first, MR_MEMBER_REVOKED);
    stage_release_member(s, first);
    const char *mine = stage_await(s, first, MR_MEMBER_ASSIGNED);
    const char *others = stage_await(s, second, MR_MEMBER_ASSIGNED);
    if (s->has_failed)
        return;
    stage_close_member(s, first);
    stage_expect_quiet(s, second, 300);
    first = stage_member(s, group, "worker-1", topic);
    stage_expect_text(s, stage_await(s, first, MR_MEMBER_ASSIGNED), mine);
    stage_expect_quiet(s, second, 500);
    stage_expect(s, strcmp(mine, others) != 0, "both own %s", mine);
}

static void a_member_that_leaves_gives_its_partitions_back(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 2);
    const char *group = stage_name(s, "group");
    mr_log_member *first = stage_member(s, group, NULL, topic);
    stage_await(s, first, MR_MEMBER_ASSIGNED);
    mr_log_member *second = stage_member(s, group, NULL, topic);
    stage_await(s, first, MR_MEMBER_REVOKED);
    stage_release_member(s, first);
    stage_await(s, first, MR_MEMBER_ASSIGNED);
    stage_await(s, second, MR_MEMBER_ASSIGNED);
    if (s->has_failed)
        return;
    stage_close_member(s, second);
    stage_await(s, first, MR_MEMBER_REVOKED);
    stage_release_member(s, first);
    stage_expect_text(s, stage_await(s, first, MR_MEMBER_ASSIGNED), "0 1");
}

static void expect_members(mr_log_stage *s, const char *group, uint32_t expected)
{
    uint32_t count = UINT32_MAX;
    stage_ok(s, s->log->class->group_members(s->log, group, &count, &s->err), "group_members");
    stage_expect(s, count == expected, "another number of members");
}

static void a_group_says_how_many_members_it_has(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 2);
    const char *group = stage_name(s, "group");
    if (s->has_failed)
        return;
    expect_members(s, group, 0); /* there is no such group */
    mr_log_member *first = stage_member(s, group, NULL, topic);
    stage_await(s, first, MR_MEMBER_ASSIGNED);
    mr_log_offset position = {topic, 0, 12, NULL};
    if (s->has_failed)
        return;
    stage_ok(s, first->class->commit(first, &position, 1, &s->err), "commit");
    expect_members(s, group, 1);
    stage_close_member(s, first);
    expect_members(s, group, 0);
    stage_expect_text(s, stage_group_offset(s, group, topic), "12"); /* asking takes nothing */
}

static void a_deleted_group_has_no_offsets(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *group = stage_name(s, "group");
    if (s->has_failed)
        return;
    stage_ok(s, s->log->class->delete_group(s->log, group, &s->err), "delete_group of none");
    mr_log_member *member = stage_member(s, group, NULL, topic);
    stage_await(s, member, MR_MEMBER_ASSIGNED);
    mr_log_offset position = {topic, 0, 12, NULL};
    if (s->has_failed)
        return;
    stage_ok(s, member->class->commit(member, &position, 1, &s->err), "commit");
    stage_expect(s, s->log->class->delete_group(s->log, group, &s->err) != MR_OK,
                 "a group with a member was deleted");
    stage_close_member(s, member);
    stage_ok(s, s->log->class->delete_group(s->log, group, &s->err), "delete_group");
    stage_expect_text(s, stage_group_offset(s, group, topic), "-1");
}

static void open_offsets_of_a_dead_writer_vanish_with_a_knock(mr_log_stage *s)
{
    const char *topic = stage_topic(s, 1);
    const char *group = stage_name(s, "group");
    const char *id = stage_name(s, "id");
    mr_log_member *member = stage_member(s, group, NULL, topic);
    mr_log_writer *writer = stage_writer(s, id);
    stage_await(s, member, MR_MEMBER_ASSIGNED);
    stage_begin(s, writer);
    stage_ok(s, stage_send_offset(s, writer, member, topic, 5, "x"), "send_offsets");
    if (s->has_failed)
        return;
    stage_close_writer(s, writer);
    stage_ok(s, s->log->class->knock(s->log, id, &s->err), "knock");
    mr_log_offset position = {topic, 0, 0, NULL};
    mr_status status = MR_E_KAFKA_TIMEOUT;
    for (int i = 0; i < 20 && status != MR_OK; i++)
        status = member->class->committed(member, &position, 1, &s->arena, &s->err);
    stage_ok(s, status, "committed");
    stage_expect_int(s, position.offset, -1, "offset");
}

static const mr_log_check checks[] = {
    {"a_first_member_owns_all_partitions", a_first_member_owns_all_partitions},
    {"sent_offsets_appear_with_the_commit", sent_offsets_appear_with_the_commit},
    {"sent_offsets_vanish_with_an_abort", sent_offsets_vanish_with_an_abort},
    {"metadata_of_4096_bytes_comes_back", metadata_of_4096_bytes_comes_back},
    {"metadata_of_4097_bytes_is_refused", metadata_of_4097_bytes_is_refused},
    {"a_member_commits_outside_of_transactions", a_member_commits_outside_of_transactions},
    {"of_one_partition_twice_the_last_counts", of_one_partition_twice_the_last_counts},
    {"one_partition_is_not_asked_for_twice", one_partition_is_not_asked_for_twice},
    {"a_group_without_offsets_says_so", a_group_without_offsets_says_so},
    {"a_second_member_shares_the_partitions", a_second_member_shares_the_partitions},
    {"a_revoked_member_may_commit_before_it_releases",
     a_revoked_member_may_commit_before_it_releases},
    {"a_member_without_assignment_may_not_commit", a_member_without_assignment_may_not_commit},
    {"a_replaced_member_may_not_commit", a_replaced_member_may_not_commit},
    {"the_loser_of_an_instance_id_is_told", the_loser_of_an_instance_id_is_told},
    {"a_static_member_comes_back_to_its_partitions", a_static_member_comes_back_to_its_partitions},
    {"a_member_that_leaves_gives_its_partitions_back",
     a_member_that_leaves_gives_its_partitions_back},
    {"a_group_says_how_many_members_it_has", a_group_says_how_many_members_it_has},
    {"a_deleted_group_has_no_offsets", a_deleted_group_has_no_offsets},
    {"open_offsets_of_a_dead_writer_vanish_with_a_knock",
     open_offsets_of_a_dead_writer_vanish_with_a_knock},
};

const mr_log_check *stage_group_checks(size_t *count)
{
    *count = MR_LENGTH(checks);
    return checks;
}
