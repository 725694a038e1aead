/** What the service refuses at once, each beside what it accepts. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import type { RunningEmulator } from "../contract/emulatorProcess.ts";
import { Arm, type PlainAnswer } from "./arm.ts";
import { contractFolder } from "./contractFolder.ts";
import { describeUnless, onFastEmulator } from "./suite.ts";
import {
  customize,
  gallerySource,
  IDENTITY,
  type Properties,
  RULES,
  SHARED_IMAGE,
  SINCE,
} from "./templateRules.ts";

let emulator: RunningEmulator;
let arm: Arm;
let count = 0;

onFastEmulator((client, running) => {
  emulator = running;
  arm = client;
});

function put(body: unknown, apiVersion = "2025-10-01"): Promise<PlainAnswer> {
  count += 1;
  return arm.call("PUT", arm.templateId(`t-${count}`), { body, apiVersion });
}

async function expectRefused(body: unknown, message: string | RegExp, apiVersion?: string) {
  const { status, text } = await put(body, apiVersion);
  expect(JSON.parse(text).error.message).toMatch(message);
  expect({ status, ...JSON.parse(text).error }).toEqual({
    status: 400,
    code: expect.stringMatching(/^(ValidationFailed|UnmarshallingError)$/),
    message: expect.any(String),
  });
}

async function expectAccepted(body: unknown, apiVersion?: string) {
  const { status, text } = await put(body, apiVersion);
  expect({ status, text }).toEqual({ status: 201, text: expect.stringContaining('"Creating"') });
}

describe("a rule", () => {
  test.each(RULES)("%s", async (_, refused, message, accepted) => {
    await expectRefused(arm.template(refused), message);
    await expectAccepted(arm.template(accepted));
  });
});

describe("the envelope", () => {
  const identities = (...ids: string[]) => ({
    type: "UserAssigned",
    userAssignedIdentities: Object.fromEntries(ids.map((id) => [id, {}])),
  });

  test.each<[string, Properties, string]>([
    ["identity is required", { identity: undefined }, "Missing field 'identity'"],
    [
      "the identity is a user-assigned one",
      { identity: { type: "None" } },
      "'type' has a bad value: 'None'",
    ],
    ["there is one identity", { identity: identities(IDENTITY, `${IDENTITY}2`) }, "'2 identities'"],
    ["an identity is named", { identity: identities() }, "'0 identities'"],
    ["location is required", { location: "" }, "Missing field 'location'"],
    ["tags are texts", { tags: { a: 1 } }, "'tags' has a bad value"],
  ])("%s", async (_, changes, message) => {
    await expectRefused({ ...arm.template(), ...changes }, message);
    await expectAccepted(arm.template());
  });

  test("the location is one that has Image Builder", async () => {
    const { status, text } = await put({ ...arm.template(), location: "atlantis" });
    expect(status).toBe(400);
    expect(JSON.parse(text).error.code).toBe("LocationNotAvailableForResourceType");
    await expectAccepted({ ...arm.template(), location: "West Europe" });
  });

  test("the identity exists", async () => {
    const { status, text } = await put({ ...arm.template(), identity: identities(IDENTITY) });
    expect(status).toBe(400);
    expect(JSON.parse(text).error.code).toBe("FailedIdentityOperation");
  });

  test.each(["a b", "a!", "a".repeat(65)])("a template is not called %s", async (name) => {
    const id = arm.templateId(encodeURIComponent(name));
    const { status, text } = await arm.call("PUT", id, { body: arm.template() });
    expect(status).toBe(400);
    expect(JSON.parse(text).error.message).toContain("'name' has a bad value");
  });
});

describe("a field newer than the api-version", () => {
  const OLD = { distribute: [{ ...SHARED_IMAGE, replicationRegions: ["westeurope"] }] };

  test.each(SINCE)("%s: %s does not have it, %s does", async (field, before, since, properties) => {
    const body = arm.template({ ...OLD, ...properties });
    if (before < "2024-02-01") {
      expect(propertiesOf(await put(body, before))).not.toContain(`"${field}"`);
    } else {
      await expectRefused(body, `unknown field "${field}"`, before);
    }
    expect(propertiesOf(await put(body, since))).toContain(`"${field}"`);
  });

  function propertiesOf({ status, text }: PlainAnswer): string {
    expect({ status, text }).toMatchObject({ status: 201 });
    return JSON.stringify(JSON.parse(text).properties);
  }

  test("before 2022-07-01 regions are named the old way", async () => {
    const body = arm.template({ distribute: [SHARED_IMAGE] });
    await expectRefusedAt(body, "2021-10-01", "Missing field 'replicationRegions'");
    expect((await put(body, "2022-07-01")).status).toBe(201);
  });

  test("before 2022-07-01 a gallery source has a number", async () => {
    const source = { ...OLD, ...gallerySource("latest") };
    await expectRefusedAt(arm.template(source), "2021-10-01", "'imageVersionId' has a bad value");
    expect(
      (await put(arm.template({ ...OLD, ...gallerySource("1.0.0") }), "2021-10-01")).status,
    ).toBe(201);
  });

  async function expectRefusedAt(body: unknown, apiVersion: string, message: string) {
    const { status, text } = await put(body, apiVersion);
    expect(status).toBe(400);
    expect(text).toContain(message);
  }
});

describe("unknown fields and wrong case", () => {
  const WRONG: ReadonlyArray<readonly [string, Properties, string]> = [
    ["a field nobody knows", { bogus: 1 }, 'ImageTemplateProperties, unknown field "bogus"'],
    [
      "a field in wrong case",
      { optimize: { vmboot: { state: "Enabled" } } },
      'struct field Properties: .*struct field Optimize: .*ImageTemplatePropertiesOptimize, unknown field "vmboot"',
    ],
    [
      "a field of another type",
      customize({ validExitCodes: [0] }),
      'unknown field "validExitCodes"',
    ],
    ["apiVersion in the body", { apiVersion: "2024-02-01" }, 'unknown field "apiVersion"'],
  ];

  test.each(WRONG)("%s is refused since 2024-02-01", async (_, properties, message) => {
    for (const version of ["2024-02-01", "2025-10-01"]) {
      await expectRefused(arm.template(properties), new RegExp(message), version);
    }
  });

  test.each(WRONG)("%s is no matter in 2023-07-01", async (_, properties) => {
    await expectAccepted(arm.template(properties), "2023-07-01");
  });

  test("wrong case means the field in 2023-07-01", async () => {
    const body = arm.template({
      BuildTimeoutInMinutes: 42,
      optimize: { VMBoot: { state: "enabled" } },
    });
    const { text } = await put(body, "2023-07-01");
    expect(JSON.parse(text).properties).toMatchObject({
      buildTimeoutInMinutes: 42,
      optimize: { vmBoot: { state: "Enabled" } },
    });
  });

  test("the errors of 2020-02-14 are bare", async () => {
    const { status, text } = await put(arm.template({ distribute: [] }), "2020-02-14");
    expect({ status, body: JSON.parse(text) }).toEqual({
      status: 400,
      body: { code: "ValidationFailed", message: expect.any(String) },
    });
  });
});

const { folder: DOCUMENTS, obstacle } = contractFolder();
const SPECIFICATION = join(
  DOCUMENTS,
  "specification/imagebuilder/resource-manager/Microsoft.VirtualMachineImages",
);
const EXAMPLES = ["stable/2024-02-01/examples", "ImageBuilder/stable/2025-10-01/examples"].flatMap(
  (folder) => createExamples(join(SPECIFICATION, folder)),
);
const NEGATIVE = join(DOCUMENTS, "check/negative");

function createExamples(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.startsWith("CreateImageTemplate"));
  return names.map((name) => join(folder, name));
}

interface Example {
  parameters: { "api-version": string; parameters: Properties };
}

interface Exchange {
  liveRequest: { method: string; url: string; body: Properties };
}

/** What the documents name, as what is seeded. */
function mapped(body: Properties): Properties {
  const text = JSON.stringify(body)
    .replace(/\/subscriptions\/[^"]*?\/userAssignedIdentities\/[^"]*/gi, arm.value("IDENTITY_ID"))
    .replace(/\/subscriptions\/[^"]*?\/galleries\/[^"]*/gi, arm.value("GALLERY_IMAGE_ID"))
    .replace(/\/subscriptions\/[^"/]*\/resourceGroups\/[^"/]*/gi, groupId())
    .replaceAll("vnet_name/subnets/subnet_name", "vnet/subnets/build")
    .replaceAll("1_location", arm.value("LOCATION"));
  return JSON.parse(text);
}

function groupId(): string {
  return `/subscriptions/${arm.value("SUBSCRIPTION_ID")}/resourceGroups/${arm.value("RESOURCE_GROUP")}`;
}

const official = describeUnless(obstacle, "the official create examples and the broken samples");

official("of the documents", () => {
  describe("an official create example", () => {
    beforeAll(async () => {
      arm = new Arm(emulator);
      const osDisk = {
        osType: "Linux",
        osState: "Generalized",
        blobUri: "https://example.com/a.vhd",
      };
      const body = { location: "westus", properties: { storageProfile: { osDisk } } };
      const id = `${groupId()}/providers/Microsoft.Compute/images/source_image`;
      const { status } = await arm.call("PUT", id, { body, apiVersion: "2024-07-01" });
      expect(status).toBe(201);
    });

    test("is there", () => {
      expect(EXAMPLES.length).toBeGreaterThan(1);
    });

    // Not `each`, which takes no empty list, as it is without the documents.
    for (const file of EXAMPLES) {
      test(`${file.slice(SPECIFICATION.length + 1)} is accepted and created`, async () => {
        const { parameters } = JSON.parse(readFileSync(file, "utf8")) as Example;
        const apiVersion = parameters["api-version"];
        count += 1;
        const name = `example-${count}`;
        const body = mapped(parameters.parameters);
        const made = await arm.create(name, body as ReturnType<Arm["template"]>, { apiVersion });
        expect(made.properties).toMatchObject({ provisioningState: "Succeeded" });
        expect(made.properties).not.toHaveProperty("provisioningError");
      });
    }
  });

  describe("a broken sample", () => {
    const send = async (letter: string) => {
      const file = readdirSync(NEGATIVE).find((name) => name.startsWith(`${letter}-`)) ?? "";
      const exchange = JSON.parse(readFileSync(join(NEGATIVE, file), "utf8")) as Exchange;
      const { method, url, body } = exchange.liveRequest;
      const { pathname, searchParams } = new URL(url);
      count += 1;
      const given = decodeURIComponent(pathname.split("/").at(-1) ?? "");
      const name = letter === "j" ? given : `sample-${count}`;
      return arm.call(method, arm.templateId(encodeURIComponent(name)), {
        apiVersion: searchParams.get("api-version") ?? "",
        body: mapped(body),
      });
    };

    test.each(["b", "c", "e", "f", "g", "j"])("%s is refused in ARM's shape", async (letter) => {
      const { status, text } = await send(letter);
      expect(status).toBe(400);
      expect(JSON.parse(text)).toEqual({
        error: { code: expect.stringMatching(/^\w+$/), message: expect.any(String) },
      });
    });

    test("a, which is whole, is accepted", async () => {
      expect((await send("a")).status).toBe(201);
    });
  });
});
