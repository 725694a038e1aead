/** A terminal as a host: flags in, text out. No decisions. */
import os from "node:os";
import { parseArgs } from "node:util";
import {
  AzureCliCredential,
  ChainedTokenCredential,
  ClientSecretCredential,
  EnvironmentCredential,
} from "@azure/identity";
import { type InputDeclaration, inputs, kebabCase } from "../shared/contract.ts";
import { InputError, reportText } from "../shared/errors.ts";
import { applicationSignIn, Form } from "../shared/form.ts";
import { type Host, type LogLevel, neutralize, type SignIn } from "../shared/host.ts";
import type { Stop } from "../shared/stopSignal.ts";

// Nobody kills a terminal's process, so a stopped step may wait for the service to end its build.
const STOP_GRACE_IN_MS = 15 * 60_000;

/** Flags of the command line by name, or what is wrong with them. */
export function readFlags(args: readonly string[]): Map<string, string> {
  const options = Object.fromEntries(
    Object.entries<InputDeclaration>(inputs)
      .filter(([, { hosts }]) => hosts?.includes("local") ?? true)
      .map(([name]) => [kebabCase(name), { type: "string" as const }]),
  );
  const { values } = parseArgs({ args: [...args], options });
  return new Map(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

/** Makes the host of this process from the flags of its command line. */
export function createHost({ signal, hurry }: Stop, flags: ReadonlyMap<string, string>): Host {
  const terminal = new Terminal(process.env["DEBUG"] !== undefined);
  const host: Host = {
    name: "local",
    workspace: process.cwd(),
    temporaryFolder: os.tmpdir(),
    homeFolder: os.homedir(),
    runId: `local-${Date.now().toString(36)}`,
    provenance: {},
    signal,
    hurry,
    stopGraceInMs: STOP_GRACE_IN_MS,
    hasPostStep: false,
    readInput: (name) => (flags.get(kebabCase(name)) ?? "").trim(),
    inputLabel: (name) => `--${kebabCase(name)}`,
    signIn: () => signIn(host),
    savedState: () => "",
    log: (level, text) => terminal.write(level, text),
    group: (title, body) => {
      terminal.write("info", `${title}:`);
      return body();
    },
    mask: (secret) => terminal.mask(secret),
    setOutput: (name, value) => terminal.write("info", `${kebabCase(name)}=${value}`),
    // Without a post step nobody reads it.
    saveState: () => undefined,
    fail(report) {
      terminal.write("error", reportText(report));
      process.exitCode = 1;
    },
  };
  return host;
}

/** Prints text with secrets hidden, as the CI hosts do by themselves. */
class Terminal {
  readonly #isDebug: boolean;
  readonly #secrets = new Set<string>();

  constructor(isDebug: boolean) {
    this.#isDebug = isDebug;
  }

  mask(secret: string): void {
    if (secret.length >= 8) this.#secrets.add(secret);
  }

  write(level: LogLevel | "error", text: string): void {
    if (level === "debug" && !this.#isDebug) return;
    const prefix = level === "info" ? "" : `${level}: `;
    const stream = level === "error" ? process.stderr : process.stdout;
    stream.write(`${prefix}${neutralize(this.#hide(text))}\n`);
  }

  #hide(text: string): string {
    let safe = text;
    for (const secret of this.#secrets) safe = safe.replaceAll(secret, "***");
    return safe;
  }
}

/** A client secret when given, else `AZURE_…` variables, else the login of the Azure CLI. */
async function signIn(host: Host): Promise<SignIn> {
  const secret = host.readInput("clientSecret");
  if (secret !== "") {
    const application = await applicationSignIn(host);
    const { tenantId, clientId } = application;
    return {
      ...application,
      credential: ({ authorityHost, isWellKnown }) =>
        new ClientSecretCredential(tenantId, clientId, secret, {
          authorityHost,
          disableInstanceDiscovery: !isWellKnown,
        }),
    };
  }
  return ambientSignIn(host);
}

function ambientSignIn(host: Host): SignIn {
  const label = host.inputLabel("subscriptionId");
  const subscriptionId = host.readInput("subscriptionId") || process.env["AZURE_SUBSCRIPTION_ID"];
  if (!subscriptionId) {
    throw new InputError([
      `Input '${label}' is missing; give it or set AZURE_SUBSCRIPTION_ID. az account show --query id prints it.`,
    ]);
  }
  return {
    subscriptionId,
    resourceManagerEndpoint: new Form(host).text("resourceManagerEndpoint"),
    resourceManagerEndpointLabel: host.inputLabel("resourceManagerEndpoint"),
    credential: ({ authorityHost, isWellKnown }) =>
      new ChainedTokenCredential(
        new EnvironmentCredential({ authorityHost, disableInstanceDiscovery: !isWellKnown }),
        new AzureCliCredential({ subscription: subscriptionId }),
      ),
  };
}
