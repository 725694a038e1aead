/** Everything the emulated cloud consists of, handed to those who need a part of it. */
import type { Blobs } from "./blobStore.ts";
import type { Clock } from "./clock.ts";
import type { Operations } from "./operations.ts";
import type { ResourceStore } from "./resourceStore.ts";
import type { RoleAssignments } from "./roles.ts";
import type { Behaviour } from "./scenarios.ts";
import type { Seeds } from "./seeds.ts";
import type { StagingResourceGroups } from "./stagingResourceGroups.ts";

/** State and services of one emulated cloud. */
export interface Cloud {
  clock: Clock;
  seeds: Seeds;
  resources: ResourceStore;
  blobs: Blobs;
  staging: StagingResourceGroups;
  operations: Operations;
  roles: RoleAssignments;
  /** Of the scenario that is on now. */
  behaviour: () => Behaviour;
}
