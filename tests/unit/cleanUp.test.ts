/** Who owns what at the end, against a service that is a few lines of state. */
import { describe, expect, test } from "@jest/globals";
import type { ArmClient, AzureContext } from "../../shared/azure/arm.ts";
import { cleanUp, type OwnedBuild } from "../../shared/cleanUp.ts";
import { ArmError } from "../../shared/errors.ts";
import type { CleanUpPolicy } from "../../shared/inputs.ts";
import { fakeHost, GROUP_ID, instantClock } from "./fakes.ts";

const templateId = `${GROUP_ID}/providers/Microsoft.VirtualMachineImages/imageTemplates/t`;

/** One image template: what it shows at each read, then what stays. */
interface Service {
  readonly buildId: string;
  /** Run states by read; undefined shows no run. The last one stays. */
  runStates: (string | undefined)[];
  isGone?: boolean;
  readonly calls: string[];
}

function armOf(service: Service): ArmClient {
  return async <Body>({ method, path }: { method: string; path: string }): Promise<Body> => {
    const action = path.slice(templateId.length);
    if (method !== "GET") service.calls.push(`${method} ${action}`.trim());
    if (service.isGone) throw new ArmError("gone", { statusCode: 404, code: "ResourceNotFound" });
    if (method === "GET") return read(service) as Body;
    if (action === "/cancel") service.runStates = ["Canceling", "Canceled"];
    else if (service.runStates[0] === "Running") {
      throw new ArmError("busy", { statusCode: 405, code: "OperationNotAllowed" });
    } else service.isGone = true;
    return undefined as Body;
  };
}

function read({ buildId, runStates }: Service): unknown {
  const runState = runStates.length > 1 ? runStates.shift() : runStates[0];
  const lastRunStatus = runState && { runState };
  const properties = { provisioningState: "Succeeded", ...(lastRunStatus && { lastRunStatus }) };
  return { id: templateId, tags: { buildId }, properties };
}

async function cleanUpAfter(service: Service, build: Partial<OwnedBuild> = {}) {
  const host = fakeHost();
  const azure = { clock: instantClock() } as unknown as AzureContext;
  const { signal } = new AbortController();
  const owned: OwnedBuild = {
    templateId,
    buildId: "mine",
    blobUrl: "",
    cleanUp: "always",
    isRunRequested: true,
    isSuccessful: false,
    ...build,
  };
  return cleanUp({ host, azure, arm: armOf(service), signal }, owned);
}

function service(runStates: (string | undefined)[], buildId = "mine"): Service {
  return { buildId, runStates, calls: [] };
}

test("a template of another build is never touched, whatever its name", async () => {
  const theirs = service(["Running"], "theirs");
  expect(await cleanUpAfter(theirs)).toEqual([]);
  expect(await cleanUpAfter(theirs, { cleanUp: "never" })).toEqual([]);
  expect(theirs.calls).toEqual([]);
});

test("a run that is on is cancelled, and the template deleted when it has ended", async () => {
  const mine = service(["Running"]);
  expect(await cleanUpAfter(mine)).toEqual([]);
  expect(mine.calls).toEqual(["POST /cancel", "DELETE"]);
});

test("a run that shows late is stopped, whatever the policy", async () => {
  for (const policy of ["always", "on-success", "never"] as const) {
    const late = service([undefined, undefined, "Running"]);
    await cleanUpAfter(late, { cleanUp: policy });
    expect(late.calls.filter((call) => call === "POST /cancel")).toHaveLength(
      policy === "always" ? 0 : 1,
    );
    // With "always" the template is deleted before the run can show, or the service refuses and the run is cancelled.
    expect(late.isGone ?? false).toBe(policy === "always");
  }
});

test("a delete that is refused because a run just began leads to a cancel", async () => {
  const mine = service([undefined, "Running"]);
  const left = await cleanUpAfter(mine);
  expect(left).toEqual([]);
  expect(mine.calls).toEqual(["DELETE", "POST /cancel", "DELETE"]);
});

test("a run that was never asked for is not waited for", async () => {
  const created = service([undefined]);
  await cleanUpAfter(created, { cleanUp: "never", isRunRequested: false });
  expect(created.calls).toEqual([]);
});

describe("the policy decides what is deleted", () => {
  const cases: [CleanUpPolicy, boolean, boolean][] = [
    ["always", true, true],
    ["always", false, true],
    ["on-success", true, true],
    ["on-success", false, false],
    ["never", true, false],
    ["never", false, false],
  ];
  test.each(cases)("%s, success %s: deleted %s", async (policy, isSuccessful, isDeleted) => {
    const ended = service(["Succeeded"]);
    const left = await cleanUpAfter(ended, { cleanUp: policy, isSuccessful });
    expect(ended.isGone ?? false).toBe(isDeleted);
    const kept = { id: templateId, reason: `the clean-up policy is ${policy}`, isIntended: true };
    expect(left).toEqual(isDeleted ? [] : [kept]);
  });
});
