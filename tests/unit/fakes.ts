/** A host and a clock for tests of rules: what goes in is given, what comes out is kept. */
import os from "node:os";
import { type Clock, systemClock } from "../../shared/clock.ts";
import { type InputName, kebabCase } from "../../shared/contract.ts";
import type { Host, LogLevel } from "../../shared/host.ts";

export const SUBSCRIPTION_ID = "11111111-2222-3333-4444-555555555555";
export const GROUP_ID = `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/rg-images`;
export const DEFINITION_ID = `${GROUP_ID}/providers/Microsoft.Compute/galleries/gal/images/web`;

/** The least that a step must say. */
export const LEAST_INPUTS: Partial<Record<InputName, string>> = {
  resourceGroupName: "rg-images",
  managedIdentity: "id-image-builder",
  sourceImage: "Canonical:ubuntu-24_04-lts:server:latest",
  galleryImageId: DEFINITION_ID,
};

export interface FakeHost extends Host {
  readonly lines: { level: LogLevel; text: string }[];
}

export function fakeHost(
  given: Partial<Record<InputName, string>> = {},
  facts: Partial<Host> = {},
): FakeHost {
  const lines: FakeHost["lines"] = [];
  return {
    lines,
    name: "github",
    workspace: os.tmpdir(),
    temporaryFolder: os.tmpdir(),
    homeFolder: "/home/nobody",
    runId: "42-1",
    provenance: {
      runUrl: "https://ci.example/42",
      repository: "https://ci.example/r",
      commit: "c0ffee",
    },
    signal: new AbortController().signal,
    hurry: new AbortController().signal,
    stopGraceInMs: 1_000,
    hasPostStep: true,
    readInput: (name) => ({ ...LEAST_INPUTS, ...given })[name] ?? "",
    inputLabel: kebabCase,
    signIn: async () => ({
      subscriptionId: SUBSCRIPTION_ID,
      resourceManagerEndpoint: "https://management.azure.com/",
      resourceManagerEndpointLabel: "resource-manager-endpoint",
      credential: () => ({ getToken: async () => null }),
    }),
    savedState: () => "",
    log: (level, text) => void lines.push({ level, text }),
    group: (_title, body) => body(),
    mask: () => undefined,
    setOutput: () => undefined,
    saveState: () => undefined,
    fail: () => undefined,
    ...facts,
  };
}

/** A clock on which a sleep takes no time, and every sleep is kept. */
export function instantClock(): Clock & { readonly sleeps: number[] } {
  let now = Date.parse("2026-01-01T00:00:00Z");
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => new Date(now),
    async sleep(durationInMs, signal) {
      signal?.throwIfAborted();
      sleeps.push(durationInMs);
      now += durationInMs;
    },
    deadline: (_durationInMs, parent) => systemClock.deadline(60_000, parent),
  };
}
