/*
 * What the files of this folder share. Nobody else includes this.
 */
#ifndef MR_JOBS_FLEET_UPGRADE_PRIVATE_H
#define MR_JOBS_FLEET_UPGRADE_PRIVATE_H

#include "jobs/fleet/upgrade/upgrade.h"
#include "jobs/plan/sharing.h"

/* carry.c: the entries of one old task go to the new ones; behind the last one what all share. */
mr_status mr_upgrade_carry(mr_upgrade *upgrade, uint32_t task, mr_error *err);
mr_status mr_upgrade_carry_shared(mr_upgrade *upgrade, mr_error *err);

/* calm.c: nothing is on its way, and no task has anything begun (MR_E_UPGRADE_UNSETTLED). */
mr_status mr_upgrade_check_calm(mr_upgrade *upgrade, mr_error *err);

/* standing.c: where a new task begins. In place: as the old task of its number, whose record this
 * is. */
mr_status mr_upgrade_stand_in_place(mr_upgrade *upgrade, uint32_t task, const mr_epoch_record *was,
                                    mr_error *err);
mr_status mr_upgrade_stand(mr_upgrade *upgrade, uint32_t task, mr_error *err);

/* The record of an old task; at epoch 0 its claim. */
const mr_epoch_record *mr_upgrade_record(const mr_upgrade *upgrade, uint32_t task);

/* Number of a table of state in a task; MR_NOWHERE. */
uint32_t mr_upgrade_table(mr_state *state, const char *id, const char *role);

#endif
