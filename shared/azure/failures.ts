/** Turns what Azure, its SDKs and Entra ID refuse into errors of ours, with cause and fix. Pure. */
import { AccessError, ArmError } from "../errors.ts";

/** A refusal, whichever client met it. */
export interface Refusal {
  readonly statusCode: number;
  readonly code: string;
  readonly message: string;
  /** Deeper errors, outermost first. */
  readonly details?: readonly string[];
  readonly correlationId?: string | undefined;
  readonly retryAfterInMs?: number | undefined;
}

/** Shape of `{"error":{"code","message","details":[…]}}` (and of the bare form before api-version 2021-10-01). */
interface ErrorBody {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
  readonly error?: ErrorBody;
}

/** Reads ARM's error body in either form; text that is not JSON becomes the message. */
export function readErrorBody(statusCode: number, text: string): Refusal {
  try {
    const body: ErrorBody = JSON.parse(text);
    const error = body.error ?? body;
    return {
      statusCode,
      code: String(error.code ?? ""),
      message: String(error.message ?? ""),
      details: nestedMessages(error),
    };
  } catch {
    return { statusCode, code: "", message: text.slice(0, 500) };
  }
}

function nestedMessages(error: ErrorBody): string[] {
  const inner: ErrorBody[] = Array.isArray(error.details) ? error.details : [];
  return inner.flatMap((each) => [
    `${String(each.code ?? "")}: ${String(each.message ?? "")}`,
    ...nestedMessages(each),
  ]);
}

/** The error of ours for a refusal. `action` is what we tried, such as `create the image template`. */
export function refused(action: string, refusal: Refusal): AccessError | ArmError {
  const details = [
    `${refusal.code || refusal.statusCode}: ${refusal.message}`,
    ...(refusal.details ?? []),
    ...(refusal.correlationId ? [`Correlation id: ${refusal.correlationId}`] : []),
  ];
  const hint = HINTS.find(({ match }) => match.test(`${refusal.code} ${refusal.message}`))?.hint;
  const facts = { details, ...(hint && { hint: hint(refusal) }) };
  const title = `Azure refused to ${action}.`;
  if (refusal.statusCode === 401 || refusal.statusCode === 403)
    return new AccessError(title, facts);
  const { statusCode, code, retryAfterInMs } = refusal;
  return new ArmError(title, { ...facts, statusCode, code, retryAfterInMs });
}

interface Hint {
  readonly match: RegExp;
  readonly hint: (refusal: Refusal) => string;
}

const HINTS: readonly Hint[] = [
  {
    match: /LinkedAuthorizationFailed/,
    hint: () =>
      "Whoever signs in must be allowed to hand the managed identity (and the subnet, if one is given) to the image template: grant it the role Managed Identity Operator on the identity.",
  },
  {
    match: /does not have authorization to perform action/,
    hint: ({ message }) => {
      const [, action = "", scope = ""] =
        /perform action '([^']+)' over scope '([^']+)'/.exec(message) ?? [];
      return `Grant whoever signs in a role that allows "${action}" on "${scope}", such as Contributor on the resource group. A new grant can take some minutes to work.`;
    },
  },
  {
    match: /AuthorizationPermissionMismatch/,
    hint: () =>
      "Grant whoever signs in the role Storage Blob Data Contributor on the staging container or its account. A new grant can take some minutes to work.",
  },
  {
    match: /AuthorizationFailure/,
    hint: () =>
      "The storage account's network rules keep this machine out: allow its network, or run the step on a machine inside.",
  },
  {
    match: /MissingSubscriptionRegistration/,
    hint: ({ message }) => {
      const namespace =
        /namespace '([^']+)'/.exec(message)?.[1] ?? "Microsoft.VirtualMachineImages";
      return `Register the resource provider once: az provider register --namespace ${namespace} --wait`;
    },
  },
  {
    match: /unknown field/,
    hint: () => "The service rejects a field that this tool sent; report it with this message.",
  },
];

/** Part of what every Azure SDK throws for an answer or the lack of one. */
interface SdkError extends Error {
  readonly statusCode?: number;
  readonly code?: string;
  readonly response?: {
    readonly bodyAsText?: string | null;
    readonly headers: { get(name: string): string | undefined };
  };
}

/** Any failure of an SDK or of the network as an error of ours; an abort and our own errors stay as they are. */
export function translated(action: string, error: unknown): unknown {
  if (!(error instanceof Error) || error.name === "AbortError") return error;
  if (error.name !== "RestError") return error;
  const sdkError: SdkError = error;
  if (sdkError.statusCode !== undefined) return refused(action, refusalOf(sdkError));
  return new ArmError(`Azure could not be reached to ${action}.`, {
    statusCode: 0,
    code: sdkError.code ?? "",
    details: [error.message],
    hint: "Check that this machine reaches the address, its proxy and its trusted certificates.",
    cause: error,
  });
}

/** Azure Resource Manager says it in JSON; storage says it in XML, which its SDK has read already. */
function refusalOf({ statusCode = 0, code = "", message, response }: SdkError): Refusal {
  const fromSdk = { statusCode, code, message: message.split("\n")[0] ?? "" };
  const fromBody = readErrorBody(statusCode, response?.bodyAsText ?? "");
  const seconds = /^\d{1,6}$/.exec(response?.headers.get("retry-after") ?? "")?.[0];
  return {
    ...(fromBody.code ? fromBody : fromSdk),
    correlationId: response?.headers.get("x-ms-correlation-request-id"),
    retryAfterInMs: seconds === undefined ? undefined : Number(seconds) * 1_000,
  };
}

// Source: Microsoft Entra error codes; federated credential failures as listed for workload identity connections.
const SIGN_IN_HINTS: readonly { readonly codes: readonly string[]; readonly hint: string }[] = [
  {
    codes: ["7000215"],
    hint: "The client secret is not the one of this application. Check that it is the secret's value, not its id.",
  },
  { codes: ["7000222"], hint: "The client secret has expired. Make a new one." },
  {
    codes: ["700016", "90002"],
    hint: "There is no such application in this tenant. Check the client id and the tenant id.",
  },
  {
    codes: ["70021", "700211", "700212", "700213"],
    hint: "No federated credential of the application matches this pipeline. Compare its issuer, subject and audience with the ones in the message.",
  },
];

const CHAIN_HINT =
  "Run az login, set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or give a client secret.";

/** True when several ways to sign in were tried and none was there. */
function isChain(error: unknown): boolean {
  return error instanceof Error && /Aggregate|CredentialUnavailable/.test(error.name);
}

/** Whatever a credential throws: it could not get a token. */
export function signInFailed(error: unknown): AccessError {
  const message = error instanceof Error ? error.message : String(error);
  const code = /AADSTS(\d+)|Error\(s\): (\d+)/.exec(message)?.slice(1).find(Boolean);
  const known = SIGN_IN_HINTS.find(({ codes }) => code !== undefined && codes.includes(code));
  return new AccessError("Signing in to Azure failed.", {
    details: [firstSentences(message)],
    hint: known?.hint ?? (isChain(error) ? CHAIN_HINT : "Check the sign-in settings of this step."),
    cause: error,
  });
}

/** The first sentence says it; trace ids and SDK advice that follow do not. */
function firstSentences(message: string): string {
  const text = message.replace(/\s+/g, " ");
  return text.split(/ (?:Trace ID|To troubleshoot|Status code)/)[0] ?? text;
}
