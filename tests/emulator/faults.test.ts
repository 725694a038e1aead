/** Every kind of fault, as a client on the wire meets it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type RunningEmulator, startEmulator } from "../contract/emulatorProcess.ts";
import { Arm } from "./arm.ts";

const STORAGE_SCOPE = "https://storage.azure.com/.default";
const SHORT_IN_MS = 500;

let emulator: RunningEmulator;
let arm: Arm;
let storageToken: string;

beforeAll(async () => {
  emulator = await startEmulator({ speed: 100 });
  arm = new Arm(emulator);
  storageToken = await arm.token(STORAGE_SCOPE);
});

afterEach(() => emulator.control.delete("/faults"));
afterAll(() => emulator?.stop());

const GROUP = "/resourceGroups/rg-images$";

function group() {
  return `/subscriptions/${arm.value("SUBSCRIPTION_ID")}/resourceGroups/rg-images`;
}

function set(fault: unknown, rule: Record<string, unknown> = {}): Promise<void> {
  return emulator.control.post("/faults", { path: GROUP, surface: "arm", ...rule, do: fault });
}

function read(timeoutInMs = 10_000) {
  return arm.call("GET", group(), { apiVersion: "2025-04-01", timeoutInMs });
}

/** `aborted` is what node calls an answer that ends too early. */
const BROKEN: ReadonlyArray<readonly [string, unknown, string | RegExp]> = [
  ["RST before the service sees it", { reset: "before" }, "read ECONNRESET"],
  ["RST instead of the answer", { reset: "after" }, "read ECONNRESET"],
  ["FIN before the service sees it", { fin: "before" }, "socket hang up"],
  ["FIN instead of the answer", { fin: "after" }, "socket hang up"],
  ["a hang before the headers", { hang: true }, "no answer in time"],
  ["a hang in the body", { hang: "mid-body" }, "no answer in time"],
  ["half an answer, then FIN", { truncateAtPercent: 50 }, "aborted"],
  ["half an answer, then RST", { truncateAtPercent: 50, ending: "reset" }, /aborted|ECONNRESET/],
  ["half an answer, then silence", { truncateAtPercent: 50, ending: "hang" }, "no answer in time"],
  ["a service that stops reading", { stopReadingAtPercent: 50 }, "no answer in time"],
  ["stopping with FIN", { stopReadingAtPercent: 0, ending: "fin" }, "socket hang up"],
  ["stopping with RST", { stopReadingAtPercent: 0, ending: "reset" }, "read ECONNRESET"],
];

describe("a broken connection", () => {
  test.each(BROKEN)("%s", async (_, fault, message) => {
    await set(fault);
    await expect(read(SHORT_IN_MS)).rejects.toThrow(message);
    expect((await read()).status).toBe(200);
  });
});

describe("an answer that is not as it should be", () => {
  test("is another status, with what ARM would say about it", async () => {
    await set({ status: 503, headers: { "Retry-After": "7" } });
    const { status, headers, text } = await read();
    expect({ status, wait: headers["retry-after"] }).toEqual({ status: 503, wait: "7" });
    expect(JSON.parse(text).error.code).toBeTruthy();
  });

  test("is half of it that looks whole", async () => {
    await set({ truncateAtPercent: 50, ending: "end" });
    const { status, text } = await read();
    expect(status).toBe(200);
    expect(() => JSON.parse(text)).toThrow();
  });

  test("has another content type", async () => {
    await set({ contentType: "text/html" });
    const { headers, text } = await read();
    expect(headers["content-type"]).toBe("text/html");
    expect(JSON.parse(text).name).toBe("rg-images");
  });

  test("comes late, by the emulated clock", async () => {
    await set({ delayInMs: 60_000 });
    const startedAtInMs = Date.now();
    expect((await read()).status).toBe(200);
    expect(Date.now() - startedAtInMs).toBeGreaterThan(500);
  });

  test("comes in small pieces", async () => {
    await set({ bytesPerSecond: 2 });
    const startedAtInMs = Date.now();
    expect(JSON.parse((await read()).text).name).toBe("rg-images");
    expect(Date.now() - startedAtInMs).toBeGreaterThan(500);
  });

  test("is that to the second of two requests, although the client sent one", async () => {
    await set({ duplicate: true }, { method: "PUT", path: "/twice$" });
    const answer = await arm.call("PUT", arm.templateId("twice"), { body: arm.template() });
    expect(answer.status).toBe(409);
    expect(await emulator.control.get("/templates")).toHaveLength(1);
  });
});

describe("the turn of a rule", () => {
  async function statuses(count: number): Promise<number[]> {
    const seen: number[] = [];
    for (let i = 0; i < count; i += 1) seen.push((await read()).status);
    return seen;
  }

  test("is the n-th request", async () => {
    await set({ status: 500 }, { nth: 2 });
    expect(await statuses(3)).toEqual([200, 500, 200]);
  });

  test("is a window of emulated time", async () => {
    await set({ status: 500 }, { window: { afterInMs: 3_600_000, forInMs: 3_600_000 } });
    expect(await statuses(1)).toEqual([200]);
    await emulator.control.post("/clock", { advanceInMs: 3_600_000 });
    arm = new Arm(emulator);
    expect(await statuses(2)).toEqual([500, 500]);
    await emulator.control.post("/clock", { advanceInMs: 3_600_000 });
    arm = new Arm(emulator);
    storageToken = await arm.token(STORAGE_SCOPE);
    expect(await statuses(1)).toEqual([200]);
  });

  test("is a share of the requests, the same ones for the same seed", async () => {
    await set({ status: 500 }, { rate: 0.5, seed: 7 });
    const first = await statuses(20);
    await emulator.control.delete("/faults");
    await set({ status: 500 }, { rate: 0.5, seed: 7 });
    expect(await statuses(20)).toEqual(first);
    expect(new Set(first)).toEqual(new Set([200, 500]));
  });

  test("can be looked up", async () => {
    await set({ status: 500 });
    await statuses(2);
    expect(await emulator.control.get("/faults")).toMatchObject([{ matched: 2, hits: 1 }]);
  });
});

describe("on the other surfaces", () => {
  const CONTENT = Buffer.alloc(300_000, "x");

  function put(name: string) {
    const url = `${arm.value("BLOB_ENDPOINT")}artifacts/${name}`;
    const headers = {
      authorization: `Bearer ${storageToken}`,
      "x-ms-version": "2025-07-05",
      "x-ms-blob-type": "BlockBlob",
    };
    return arm.send("PUT", url, headers, CONTENT, SHORT_IN_MS);
  }

  const onBlob = (fault: unknown) => set(fault, { surface: "blob", path: "/artifacts/" });

  test.each([
    ["cut-1", { reset: "after" }, 1],
    ["cut-2", { fin: "after" }, 1],
    ["cut-3", { stopReadingAtPercent: 50, ending: "reset" }, 0],
    ["cut-4", { stopReadingAtPercent: 50 }, 0],
    ["cut-5", { reset: "before" }, 0],
  ])("an upload %s breaks by %j and leaves %i blob", async (name, fault, left) => {
    await onBlob(fault);
    await expect(put(name)).rejects.toThrow();
    const blobs = await emulator.control.get<Array<{ name: string }>>("/blobs");
    expect(blobs.filter((blob) => blob.name === name)).toHaveLength(left);
  });

  test("an upload that is sent twice is stored once", async () => {
    await onBlob({ duplicate: true });
    expect((await put("twice")).status).toBe(201);
  });

  test.each([
    ["entra", "/oauth2/", () => arm.token()],
    ["oidc", "/oidc/", () => arm.send("GET", arm.value("GITHUB_OIDC_URL"), {}, "")],
    ["msi", "/msi/", () => arm.send("GET", arm.value("MSI_ENDPOINT"), {}, "")],
  ])("%s can be hit", async (surface, path, request) => {
    await set({ reset: "before" }, { surface, path });
    await expect(request()).rejects.toThrow("ECONNRESET");
  });
});
