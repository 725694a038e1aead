import { describe, expect, test } from "@jest/globals";
import type { InputName } from "../../shared/contract.ts";
import { readInputs } from "../../shared/inputs.ts";
import { composeTemplate, type Resolved } from "../../shared/template/compose.ts";
import { unpackCustomizers } from "../../shared/template/unpack.ts";
import { DEFINITION_ID, fakeHost, GROUP_ID } from "./fakes.ts";

const identityId = `${GROUP_ID}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id`;
const resolved: Resolved = {
  location: "westeurope",
  identityId,
  osType: "linux",
  source: { type: "PlatformImage", version: "24.04.1" },
  targetRegions: [{ name: "westeurope" }],
};
const mark = {
  runId: "42-1",
  buildId: "b",
  provenance: { runUrl: "https://ci.example/42", repository: "", commit: "c0ffee" },
  expiresAt: new Date("2026-01-02T00:00:00Z"),
};
const artifact = {
  url: "https://a.blob.example/c/b.tar.gz",
  fileName: "b.tar.gz",
  sha256: "ab".repeat(32),
  destination: "/opt/web",
};

async function compose(
  given: Partial<Record<InputName, string>>,
  facts: Partial<Resolved> = {},
  staged = false,
) {
  const inputs = await readInputs(fakeHost(given));
  return composeTemplate(inputs, { ...resolved, ...facts }, staged ? artifact : undefined, mark);
}

test("the least template", async () => {
  expect(await compose({})).toEqual({
    location: "westeurope",
    tags: {
      createdBy: "azure-vm-image-builder",
      runUrl: "https://ci.example/42",
      commit: "c0ffee",
      runId: "42-1",
      buildId: "b",
      expiresAt: "2026-01-02T00:00:00.000Z",
    },
    identity: { type: "UserAssigned", userAssignedIdentities: { [identityId]: {} } },
    properties: {
      source: resolved.source,
      distribute: [
        {
          type: "SharedImage",
          runOutputName: "image",
          galleryImageId: DEFINITION_ID,
          targetRegions: [{ name: "westeurope" }],
          artifactTags: {
            createdBy: "azure-vm-image-builder",
            runUrl: "https://ci.example/42",
            commit: "c0ffee",
          },
        },
      ],
      buildTimeoutInMinutes: 0,
    },
  });
});

test("everything that an input can say", async () => {
  const { properties } = await compose(
    {
      script: "set -x\r\necho 'a  b'\n",
      imageVersion: "1.4.0",
      imageTags: "team=web\nCommit=mine",
      vmSize: "Standard_D2s_v5",
      osDiskSizeInGb: "64",
      subnetId: `${GROUP_ID}/providers/Microsoft.Network/virtualNetworks/v/subnets/s`,
      buildTimeoutInMinutes: "60",
    },
    {},
    true,
  );
  expect(properties).toMatchObject({
    customize: [
      {
        type: "File",
        name: "copy-artifacts",
        destination: "/tmp/b.tar.gz",
        sha256Checksum: artifact.sha256,
      },
      { type: "Shell", name: "unpack-artifacts" },
      { type: "Shell", name: "script", inline: ["set -x", "echo 'a  b'"] },
    ],
    distribute: [{ galleryImageId: `${DEFINITION_ID}/versions/1.4.0` }],
    buildTimeoutInMinutes: 60,
    vmProfile: {
      vmSize: "Standard_D2s_v5",
      osDiskSizeGB: 64,
      vnetConfig: { subnetId: expect.stringMatching(/subnets\/s$/) },
    },
  });
  expect(properties).toHaveProperty("distribute.0.artifactTags", {
    createdBy: "azure-vm-image-builder",
    runUrl: "https://ci.example/42",
    Commit: "mine",
    team: "web",
  });
});

describe("scripts", () => {
  test("are PowerShell on Windows", async () => {
    const { properties } = await compose({ script: "Get-Date" }, { osType: "windows" });
    expect(properties["customize"]).toEqual([
      { type: "PowerShell", name: "script", inline: ["Get-Date"] },
    ]);
  });

  test("run by the interpreter that their first line names", async () => {
    const { properties } = await compose({ script: "#!/bin/bash\nshopt -s globstar" });
    expect(properties).toHaveProperty("customize.0.inline", [
      expect.stringMatching(/^cat > \/tmp\/\S+ <<'END_\w+'$/),
      "#!/bin/bash",
      "shopt -s globstar",
      expect.stringMatching(/^END_\w+$/),
      expect.stringMatching(/^chmod 700 /),
      expect.stringMatching(/^\/tmp\/\S+$/),
      expect.stringMatching(/^rm -f /),
    ]);
  });
});

test("the package is checked before it is unpacked, and removed after", () => {
  const [, unpack] = unpackCustomizers("windows", {
    ...artifact,
    fileName: "b.zip",
    destination: "C:\\web",
  });
  expect(unpack?.["inline"]).toEqual([
    "$ErrorActionPreference = 'Stop'",
    expect.stringContaining(`-ne '${artifact.sha256}'`),
    expect.stringContaining("New-Item"),
    expect.stringContaining(
      "Expand-Archive -Path 'C:\\Windows\\Temp\\b.zip' -DestinationPath 'C:\\web'",
    ),
    "Remove-Item -Path 'C:\\Windows\\Temp\\b.zip'",
  ]);
});
