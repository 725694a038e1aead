import { describe, expect, test } from "@jest/globals";
import { ArmError } from "../../emulator/armErrors.ts";
import { type JsonObject, objectOf } from "../../emulator/json.ts";
import { validateTemplate } from "../../emulator/validation.ts";

const GALLERY_IMAGE_ID =
  "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/c/images/i";

function template(changes: JsonObject = {}, envelope: JsonObject = {}): JsonObject {
  return {
    location: "westeurope",
    identity: { type: "UserAssigned", userAssignedIdentities: { "/id": {} } },
    properties: {
      source: { type: "PlatformImage", publisher: "p", offer: "o", sku: "s", version: "latest" },
      distribute: [{ type: "SharedImage", runOutputName: "out", galleryImageId: GALLERY_IMAGE_ID }],
      ...changes,
    },
    ...envelope,
  };
}

function refusal(body: JsonObject, apiVersion = "2025-10-01"): string {
  try {
    validateTemplate(body, apiVersion);
    return "accepted";
  } catch (error) {
    return error instanceof ArmError ? error.message : String(error);
  }
}

const SHELL = { type: "Shell", inline: ["true"] };
const OUT = { type: "VHD", runOutputName: "out" };

describe("an image template is refused", () => {
  test.each<[string, JsonObject, string]>([
    ["without identity", template({}, { identity: undefined }), "Missing field 'identity'"],
    ["without location", template({}, { location: "" }), "Missing field 'location'"],
    ["without source", template({ source: undefined }), "Missing field 'source'"],
    ["with a source of no type", template({ source: {} }), "Missing field 'type'"],
    ["with an unknown source", template({ source: { type: "X" } }), "'type' has a bad value: 'X'"],
    ["with a long timeout", template({ buildTimeoutInMinutes: 961 }), "bad value: '961'"],
    ["with a timeout in words", template({ buildTimeoutInMinutes: "4h" }), "bad value: '4h'"],
    [
      "with both script forms",
      template({ customize: [{ ...SHELL, scriptUri: "https://a/b" }] }),
      "Exactly one",
    ],
    ["with neither script form", template({ customize: [{ type: "Shell" }] }), "Exactly one"],
    [
      "with an upper-case checksum",
      template({ customize: [{ ...SHELL, sha256Checksum: "AB".repeat(32) }] }),
      "'sha256Checksum' has a bad value",
    ],
    [
      "with a file from nowhere",
      template({ customize: [{ type: "File", destination: "/tmp/a" }] }),
      "Missing field 'sourceUri'",
    ],
    ["without distributors", template({ distribute: [] }), "Missing field 'distribute'"],
    [
      "with a run output name twice",
      template({ distribute: [OUT, OUT] }),
      "'runOutputName' has a bad value",
    ],
    [
      "with a malformed gallery id",
      template({ distribute: [{ ...OUT, type: "SharedImage", galleryImageId: "x" }] }),
      "'galleryImageId' has a bad value",
    ],
    ["with an unknown field", template({ vmProfile: { vmsize: "x" } }), 'unknown field "vmsize"'],
    [
      "with two identities",
      template(
        {},
        { identity: { type: "UserAssigned", userAssignedIdentities: { a: {}, b: {} } } },
      ),
      "Exactly one user-assigned identity",
    ],
  ])("%s", (_, body, message) => {
    expect(refusal(body)).toContain(message);
  });
});

test("api-versions before 2024-02-01 drop fields they do not know", () => {
  const kept = validateTemplate(template({ bogus: 1 }), "2022-07-01");
  expect(Object.keys(objectOf(kept["properties"]))).toEqual(["source", "distribute"]);
});

test("a template as GET returns it can be submitted again", () => {
  const readOnly = {
    provisioningState: "Succeeded",
    lastRunStatus: {},
    exactStagingResourceGroup: "x",
  };
  const body = template(readOnly, { id: "/x", name: "x", type: "y", tags: {} });
  expect(refusal(body)).toBe("accepted");
});
