/** No secret, token, assertion or signature comes out anywhere, with every debug switch on. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { DemoHostName } from "../../demo/hosts.ts";
import type { StepResult, StepSignIn } from "../../demo/step.ts";
import { type ImageVersionEntry, steps, type TemplateEntry } from "./evidence.ts";
import { NODE_RUNTIMES } from "./nodeRuntimes.ts";
import {
  type FastEmulator,
  HOST_NAMES,
  nextRunId,
  type ProductRun,
  runProduct,
  startFastEmulator,
} from "./product.ts";

const DEBUG = { RUNNER_DEBUG: "1", SYSTEM_DEBUG: "true", AZURE_LOG_LEVEL: "verbose" };
const WRONG_SECRET = "a-secret-that-opens-nothing-4711";
const newest = NODE_RUNTIMES.at(-1)?.path ?? process.execPath;

/** Commands that hand a secret to the host so that it hides it; the only place for one. */
const MASKING = /^.*(?:::add-mask::|##vso\[task\.setsecret\b).*$/gm;
const JSON_WEB_TOKEN = /eyJ[\w-]{8,}\.[\w-]{8,}/;
const SIGNATURE = /[?&]sig=/;

describe.each(["succeeds", "customizer-fails"])("a build that %s", (scenario) => {
  let emulator: FastEmulator;
  beforeAll(async () => {
    emulator = await startFastEmulator({ scenario });
  }, 30_000);
  afterAll(() => emulator?.stop());

  test.each(HOST_NAMES)(
    "shows no secret on %s",
    async (host) => {
      const secret = emulator.env["EMULATOR_CLIENT_SECRET"] ?? "";
      expect(secret).not.toBe("");
      for (const signIn of signIns(host, secret)) {
        const run = await build(emulator, host, signIn);
        expect(leaks(await everything(emulator, run), secretsOf(emulator, run))).toEqual([]);
      }
    },
    60_000,
  );

  test.each(HOST_NAMES)(
    "does not show a wrong secret on %s",
    async (host) => {
      const run = await build(emulator, host, { kind: "secret", secret: WRONG_SECRET });
      expect(run.main.succeeded).toBe(false);
      expect(leaks(await everything(emulator, run), [WRONG_SECRET])).toEqual([]);
    },
    60_000,
  );

  test("the search finds what it looks for", async () => {
    const run = await build(emulator, "action", { kind: "federated" });
    const texts = await everything(emulator, run);
    const [token = ""] = run.main.masks.filter((mask) => JSON_WEB_TOKEN.test(mask));
    expect(token).not.toBe("");
    expect(leaks([...texts, `a line with ${token}`], secretsOf(emulator, run))).not.toEqual([]);
    expect(leaks(["https://account/blob?sv=1&sig=abc"], [])).not.toEqual([]);
    expect(leaks([`x ${WRONG_SECRET} y`], [WRONG_SECRET])).not.toEqual([]);
    expect(leaks([`::add-mask::${token}\nfine`], secretsOf(emulator, run))).toEqual([]);
  }, 60_000);
});

function signIns(host: DemoHostName, secret: string): StepSignIn[] {
  const withSecret: StepSignIn = { kind: "secret", secret };
  return host === "local" ? [withSecret] : [{ kind: "federated" }, withSecret];
}

function build(
  emulator: FastEmulator,
  host: DemoHostName,
  signIn: StepSignIn,
): Promise<ProductRun> {
  return runProduct({
    emulator,
    host,
    signIn,
    nodePath: newest,
    runId: nextRunId(),
    env: DEBUG,
    inputs: { cleanUp: "never" },
  });
}

/** Every text that a run leaves behind, on the host and on the service. */
async function everything(emulator: FastEmulator, run: ProductRun): Promise<string[]> {
  const templates = await emulator.control.get<TemplateEntry[]>("/templates");
  const versions = await emulator.control.get<ImageVersionEntry[]>("/image-versions");
  return [
    ...steps(run).flatMap(textsOf),
    ...templates.map((template) => JSON.stringify(template)),
    ...versions.map((version) => JSON.stringify(version)),
  ];
}

function textsOf(step: StepResult): string[] {
  const annotations = step.annotations.map(({ message }) => message);
  const texts = [step.stdout, step.stderr, step.summary, ...step.log, ...annotations];
  return [...texts, JSON.stringify(step.outputs), JSON.stringify(step.state)];
}

/** What must not be seen: all that the emulator gave out, and all that the product itself called secret. */
function secretsOf({ env }: FastEmulator, run: ProductRun): string[] {
  const names = ["CLIENT_SECRET", "GITHUB_OIDC_TOKEN", "PIPELINES_TOKEN"];
  const given = names.map((name) => env[`EMULATOR_${name}`] ?? "");
  const masked = steps(run).flatMap((step) => step.masks);
  return [...new Set([...given, ...masked])].filter((secret) => secret !== "");
}

/** The lines that hold a secret, in any spelling that opens something. */
function leaks(texts: readonly string[], secrets: readonly string[]): string[] {
  const forms = secrets.flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString("base64").replace(/=+$/, ""),
  ]);
  const isLeak = (line: string): boolean =>
    JSON_WEB_TOKEN.test(line) || SIGNATURE.test(line) || forms.some((form) => line.includes(form));
  return texts.flatMap((text) => text.replace(MASKING, "").split("\n").filter(isLeak));
}
