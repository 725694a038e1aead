/** What can happen to a build, as sentences a user could say, and what every host must make of it. DATA, mostly. */
import { expect } from "@jest/globals";
import type { StepSignIn } from "../../demo/step.ts";
import type { EmulatorOptions } from "./emulatorProcess.ts";

/** What one of the runs of a scenario may use to be different from its siblings. */
export interface Situation {
  readonly env: Readonly<Record<string, string>>;
  /** Counts the runs of a scenario from 0. */
  readonly index: number;
}

/** One row: the circumstances, then the expectations. */
export interface Scenario {
  readonly title: string;
  readonly emulator?: Pick<EmulatorOptions, "scenario" | "withoutRoles">;
  /** Name of the emulator scenario whose faults each run meets on its own. */
  readonly faultsOf?: string;
  readonly inputs?: (situation: Situation) => Record<string, string>;
  readonly signIn?: StepSignIn;
  /** An image template of this name is there already. */
  readonly existingTemplate?: string;
  readonly succeeds: boolean;
  /** Everything that the one error annotation says. */
  readonly error?: readonly RegExp[];
  /** Something that the log says. */
  readonly log?: readonly RegExp[];
  /** Expected outputs, by camelCase name. */
  readonly outputs?: Readonly<Record<string, RegExp>>;
  /** How many builds each run starts. */
  readonly startedRuns: 0 | 1;
  readonly leaves?: { readonly templates: number; readonly blobs: number };
  /** Part of the image template, where it is left. */
  readonly template?: object;
  /** Part of the entry in `/image-versions`. */
  readonly imageVersion?: object;
}

function sibling(env: Readonly<Record<string, string>>, definition: string): string {
  return (env["EMULATOR_GALLERY_IMAGE_ID"] ?? "").replace(/[^/]+$/, definition);
}

const VERSION = /^\d+\.\d+\.\d+$/;
const LAST_OUTPUT = /nginx: command not found/;

/** Builds that end well. */
export const SUCCESSES: readonly Scenario[] = [
  {
    title: "my image is built from the latest Ubuntu and a folder of mine",
    succeeds: true,
    startedRuns: 1,
    outputs: {
      imageId: /\/galleries\/gal_images\/images\/web-server\/versions\/\d+\.\d+\.\d+$/,
      imageVersion: VERSION,
      imageIds: /^\["[^"]+"\]$/,
      runOutputs: /"provisioningState":"Succeeded"/,
      templateId: /\/imageTemplates\//i,
      templateName: /\S/,
      runStatus: /^Succeeded$/,
      sourceVersion: /^24\.04\.\d+$/,
    },
  },
  {
    title: "I build on a gallery image, set everything there is to set and keep it",
    inputs: ({ env, index }) => ({
      sourceImage: `${sibling(env, "base")}/versions/latest`,
      imageVersion: `1.4.${index}`,
      targetRegions: "westeurope=2=Standard_ZRS\nnortheurope",
      imageTags: "team=web\nstage=test",
      vmSize: "Standard_D4s_v5",
      osDiskSizeInGb: "64",
      subnetId: `/subscriptions/${env["EMULATOR_SUBSCRIPTION_ID"]}/resourceGroups/${env["EMULATOR_RESOURCE_GROUP"]}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/build`,
      buildTimeoutInMinutes: "90",
      cleanUp: "never",
    }),
    succeeds: true,
    startedRuns: 1,
    leaves: { templates: 1, blobs: 1 },
    template: {
      properties: {
        buildTimeoutInMinutes: 90,
        vmProfile: {
          vmSize: "Standard_D4s_v5",
          osDiskSizeGB: 64,
          vnetConfig: { subnetId: expect.stringMatching(/\/subnets\/build$/) },
        },
        distribute: [
          {
            targetRegions: [
              { name: "westeurope", replicaCount: 2, storageAccountType: "Standard_ZRS" },
              { name: "northeurope" },
            ],
          },
        ],
      },
    },
    imageVersion: {
      tags: { team: "web", stage: "test" },
      regions: ["westeurope", "northeurope"],
    },
    outputs: { imageVersion: /^1\.4\.\d$/, sourceVersion: /^1\.10\.0$/ },
  },
  {
    title: "I build a Windows image",
    inputs: ({ env }) => ({
      sourceImage: "MicrosoftWindowsServer:WindowsServer:2022-datacenter-azure-edition:latest",
      galleryImageId: sibling(env, "web-server-windows"),
      artifactsDestination: "C:\\web-server",
      script: "Get-ChildItem C:\\web-server",
    }),
    succeeds: true,
    startedRuns: 1,
    outputs: { imageId: /\/images\/web-server-windows\/versions\// },
  },
  {
    title: "Azure is busy and tells me to wait",
    faultsOf: "throttled",
    succeeds: true,
    startedRuns: 1,
  },
  {
    title: "Azure fails now and then while it builds",
    faultsOf: "service-hiccups",
    succeeds: true,
    startedRuns: 1,
  },
  {
    title: "the answer to my run request gets lost",
    faultsOf: "run-answer-lost",
    succeeds: true,
    startedRuns: 1,
  },
  {
    title: "the answer to my create request gets lost",
    faultsOf: "create-answer-lost",
    succeeds: true,
    startedRuns: 1,
  },
  {
    title: "Azure refuses my run request at first",
    faultsOf: "run-refused-at-first",
    succeeds: true,
    startedRuns: 1,
  },
  {
    title: "the run goes through states that nobody knows",
    emulator: { scenario: "unknown-state" },
    succeeds: true,
    startedRuns: 1,
    log: [/Frobnicating/],
  },
  {
    title: "I want to keep everything",
    inputs: () => ({ cleanUp: "never" }),
    succeeds: true,
    log: [/Left in Azure: .*imageTemplates/, /Left in Azure: https:/],
    startedRuns: 1,
    leaves: { templates: 1, blobs: 1 },
  },
];

/** Builds that start and end badly. */
export const FAILED_RUNS: readonly Scenario[] = [
  {
    title: "my script fails",
    emulator: { scenario: "customizer-fails" },
    succeeds: false,
    error: [/customizer "script" failed/, /non-zero exit status: 3/, LAST_OUTPUT],
    outputs: { runStatus: /^Failed$/ },
    startedRuns: 1,
  },
  {
    title: "my script fails and I keep failures",
    emulator: { scenario: "customizer-fails" },
    inputs: () => ({ cleanUp: "on-success" }),
    succeeds: false,
    error: [/customizer/i],
    log: [/Left in Azure: .*imageTemplates/, /Left in Azure: https:/],
    startedRuns: 1,
    leaves: { templates: 1, blobs: 1 },
  },
  {
    title: "my script fails and I may not read the build log",
    emulator: { scenario: "log-unreadable" },
    succeeds: false,
    // Without the log nobody can say that no customizer failed.
    error: [/Failed/, /^(?!.*No customizer failed)/s],
    log: [/log cannot be read/, /Storage Blob Data Reader/],
    startedRuns: 1,
  },
  {
    title: "the image cannot be distributed",
    emulator: { scenario: "distribution-fails" },
    succeeds: false,
    error: [/distribut/i],
    startedRuns: 1,
  },
  {
    title: "only a part of the image is distributed",
    emulator: { scenario: "distribution-partly-succeeds" },
    succeeds: false,
    error: [/PartiallySucceeded/],
    outputs: { runStatus: /^PartiallySucceeded$/ },
    startedRuns: 1,
  },
  {
    title: "the build says it succeeded but has made nothing",
    emulator: { scenario: "output-missing" },
    succeeds: false,
    error: [/does not say what it made/, /run output/],
    startedRuns: 1,
  },
  {
    title: "the build VM prints commands for my CI host",
    emulator: { scenario: "hostile-log" },
    succeeds: false,
    error: [/customizer/i],
    startedRuns: 1,
  },
];

/** Builds that never start. */
export const REFUSALS: readonly Scenario[] = [
  {
    title: "Azure finds my template invalid",
    emulator: { scenario: "template-rejected" },
    succeeds: false,
    error: [/ValidationFailed/, /vmSize/],
    startedRuns: 0,
  },
  {
    title: "Azure cannot create my template",
    emulator: { scenario: "create-fails" },
    succeeds: false,
    error: [/create/i],
    startedRuns: 0,
  },
  {
    title: "I may not create image templates",
    emulator: { scenario: "access-denied" },
    succeeds: false,
    error: [/AuthorizationFailed/, /imageTemplates\/write/, /Contributor/],
    startedRuns: 0,
  },
  {
    title: "I may not hand over the managed identity",
    emulator: { scenario: "identity-not-assignable" },
    succeeds: false,
    error: [/LinkedAuthorizationFailed/, /Managed Identity Operator/],
    startedRuns: 0,
  },
  {
    title: "I may not write to the staging account",
    emulator: { scenario: "storage-access-denied" },
    succeeds: false,
    error: [/AuthorizationPermissionMismatch/, /Storage Blob Data Contributor/],
    startedRuns: 0,
  },
  {
    title: "the managed identity may not read my artifacts",
    emulator: { scenario: "identity-cannot-read-storage" },
    succeeds: false,
    error: [/Not authorized to access the resource/, /Storage Blob Data Reader/],
    startedRuns: 0,
  },
  {
    title: "my gallery has no such image definition",
    emulator: { scenario: "gallery-missing" },
    succeeds: false,
    error: [/gallery-?image-?id/i, /web-server/],
    startedRuns: 0,
  },
  {
    title: "my subscription never used Image Builder",
    emulator: { scenario: "provider-not-registered" },
    succeeds: false,
    error: [/MissingSubscriptionRegistration/, /az provider register/],
    startedRuns: 0,
  },
  {
    title: "another template has that name",
    existingTemplate: "taken",
    inputs: () => ({ templateName: "taken" }),
    succeeds: false,
    error: [/template-?name/i, /taken/],
    startedRuns: 0,
  },
  {
    title: "my client secret is wrong",
    signIn: { kind: "secret", secret: "this-is-not-the-secret" },
    succeeds: false,
    error: [/AADSTS7000215/],
    startedRuns: 0,
  },
];
