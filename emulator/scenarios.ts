/** Scenarios by name: what goes differently from a run that succeeds. A table of data, nothing else. */
import type { FaultRule } from "./faultRules.ts";
import type { RoleName } from "./roles.ts";

/** How the service behaves otherwise than it should; all off is a run that succeeds. */
export interface Behaviour {
  /** Exit code of the last customizer. */
  customizerExitCode?: number;
  distributionFails?: "all" | "some";
  createFails?: boolean;
  isGalleryMissing?: boolean;
  isProviderUnregistered?: boolean;
  neverFinishes?: boolean;
  cancelTakesInMs?: number;
  hasHostileOutput?: boolean;
  hasUnknownStates?: boolean;
  hasNoRunOutputs?: boolean;
}

/** A name that users would say, and what it changes. */
export interface Scenario {
  name: string;
  description: string;
  behaviour?: Behaviour;
  faults?: readonly FaultRule[];
  withoutRoles?: readonly RoleName[];
}

const TEMPLATE = "/imageTemplates/[^/]+$";
const RUN = "/imageTemplates/[^/]+/run$";
const RUN_OUTPUTS = "/imageTemplates/[^/]+/runOutputs$";

const THROTTLED = {
  status: 429,
  headers: { "Retry-After": "1" },
  body: { error: { code: "TooManyRequests", message: "The request is being throttled." } },
};
const INTERNAL_ERROR = {
  status: 500,
  body: {
    error: {
      code: "InternalOperationError",
      message: "Internal error occurred. This is a generic error, please retry the operation.",
    },
  },
};
const GATEWAY_TIMEOUT = {
  status: 504,
  body: {
    error: {
      code: "GatewayTimeout",
      message:
        "The gateway did not receive a response from 'Microsoft.VirtualMachineImages' within the specified time period.",
    },
  },
};
const UNAVAILABLE = {
  status: 503,
  body: { error: { code: "ServiceUnavailable", message: "The service is unavailable." } },
};
const BAD_VM_SIZE = {
  status: 400,
  body: {
    error: {
      code: "ValidationFailed",
      message:
        "Validation failed: 'ImageTemplate.properties.vmProfile': Field 'vmSize' has a bad value: 'Standard_Nonesuch'. Please review http://aka.ms/azvmimagebuildertmplref for details on fields requirements in the Image Builder Template.",
    },
  },
};

/** Add a scenario by adding a row. */
export const SCENARIOS: readonly Scenario[] = [
  { name: "succeeds", description: "Everything works." },
  {
    name: "customizer-fails",
    description: "The last customizer exits with 3, so the run fails.",
    behaviour: { customizerExitCode: 3 },
  },
  {
    name: "distribution-fails",
    description: "The build works, but no image can be distributed.",
    behaviour: { distributionFails: "all" },
  },
  {
    name: "distribution-partly-succeeds",
    description: "One image is distributed, another is not: the run ends PartiallySucceeded.",
    behaviour: { distributionFails: "some" },
  },
  {
    name: "throttled",
    description: "A read, the create and the run are each answered 429 with Retry-After once.",
    faults: [
      { method: "GET", path: TEMPLATE, surface: "arm", do: THROTTLED },
      { method: "PUT", path: TEMPLATE, surface: "arm", do: THROTTLED },
      { method: "POST", path: RUN, surface: "arm", do: THROTTLED },
    ],
  },
  {
    name: "service-hiccups",
    description: "Reads of the template and of its run outputs fail now and then; the run goes on.",
    faults: [
      { method: "GET", path: TEMPLATE, surface: "arm", from: 2, do: INTERNAL_ERROR },
      { method: "GET", path: TEMPLATE, surface: "arm", from: 3, do: GATEWAY_TIMEOUT },
      { method: "GET", path: TEMPLATE, surface: "arm", from: 4, do: { reset: "before" } },
      { method: "GET", path: RUN_OUTPUTS, surface: "arm", do: INTERNAL_ERROR },
    ],
  },
  {
    name: "run-answer-lost",
    description: "The run starts, but the connection breaks before its answer arrives.",
    faults: [{ method: "POST", path: RUN, surface: "arm", do: { reset: "after" } }],
  },
  {
    name: "create-answer-lost",
    description: "The template is created, but the connection breaks before the answer arrives.",
    faults: [{ method: "PUT", path: TEMPLATE, surface: "arm", do: { reset: "after" } }],
  },
  {
    name: "run-refused-at-first",
    description: "The first request to run is answered 503 and starts nothing.",
    faults: [{ method: "POST", path: RUN, surface: "arm", do: UNAVAILABLE }],
  },
  {
    name: "template-rejected",
    description: "The service finds the image template invalid.",
    faults: [
      {
        method: "PUT",
        path: TEMPLATE,
        surface: "arm",
        count: Number.MAX_SAFE_INTEGER,
        do: BAD_VM_SIZE,
      },
    ],
  },
  {
    name: "create-fails",
    description: "The image template is accepted, then its creation fails.",
    behaviour: { createFails: true },
  },
  {
    name: "access-denied",
    description: "The pipeline's principal may not write image templates.",
    withoutRoles: ["Contributor"],
  },
  {
    name: "identity-not-assignable",
    description: "The pipeline's principal may not assign the template identity.",
    withoutRoles: ["Managed Identity Operator"],
  },
  {
    name: "storage-access-denied",
    description: "The pipeline's principal may not write to the staging account.",
    withoutRoles: ["Storage Blob Data Contributor"],
  },
  {
    name: "identity-cannot-read-storage",
    description: "The template identity may not read the staged blobs, so the creation fails.",
    withoutRoles: ["Storage Blob Data Reader"],
  },
  {
    name: "log-unreadable",
    description: "A customizer fails, and the pipeline's principal may not read the build log.",
    behaviour: { customizerExitCode: 3 },
    withoutRoles: ["Log Reader"],
  },
  {
    name: "gallery-missing",
    description: "The image definition to distribute to does not exist.",
    behaviour: { isGalleryMissing: true },
  },
  {
    name: "provider-not-registered",
    description: "The subscription is not registered for Microsoft.VirtualMachineImages.",
    behaviour: { isProviderUnregistered: true },
  },
  {
    name: "never-finishes",
    description: "A customizer hangs until the build times out or is canceled.",
    behaviour: { neverFinishes: true },
  },
  {
    name: "cancel-is-slow",
    description: "A customizer hangs, and canceling the run takes 40 minutes.",
    behaviour: { neverFinishes: true, cancelTakesInMs: 40 * 60_000 },
  },
  {
    name: "hostile-log",
    description: "Build output and failure message carry commands for the CI host; the run fails.",
    behaviour: { customizerExitCode: 1, hasHostileOutput: true },
  },
  {
    name: "unknown-state",
    description: "The run passes through states that no client knows, then succeeds.",
    behaviour: { hasUnknownStates: true },
  },
  {
    name: "output-missing",
    description: "The run succeeds without any run output.",
    behaviour: { hasNoRunOutputs: true },
  },
];

/** By exact name. */
export function findScenario(name: string): Scenario | undefined {
  return SCENARIOS.find((scenario) => scenario.name === name);
}
