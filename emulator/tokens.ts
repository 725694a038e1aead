/** Signed JSON web tokens, valid by the emulated clock. */
import { generateKeyPair, type KeyObject, randomBytes, sign, verify } from "node:crypto";
import { promisify } from "node:util";
import type { Clock } from "./clock.ts";
import { isObject, type JsonObject } from "./json.ts";

const MINUTE_IN_MS = 60_000;
// Entra's default lifetime of an access token is 60 to 90 minutes.
const ACCESS_TOKEN_LIFETIME_IN_MS = 60 * MINUTE_IN_MS;

/** What is wrong with a token; the claims of an expired one can still be trusted. */
export type TokenVerdict =
  | { valid: true; claims: JsonObject }
  | { valid: false; reason: "malformed" | "expired"; claims: JsonObject };

/** Issues and checks the tokens of one emulator: another one's are malformed to it. */
export class Tokens {
  readonly #keys: { publicKey: KeyObject; privateKey: KeyObject };
  readonly #clock: Clock;
  readonly #keyId = randomBytes(8).toString("hex");

  private constructor(keys: { publicKey: KeyObject; privateKey: KeyObject }, clock: Clock) {
    this.#keys = keys;
    this.#clock = clock;
  }

  static async make(clock: Clock): Promise<Tokens> {
    const keys = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
    return new Tokens(keys, clock);
  }

  issue(claims: JsonObject, lifetimeInMs = ACCESS_TOKEN_LIFETIME_IN_MS): string {
    const now = this.#clock.now();
    const times = {
      iat: Math.floor(now / 1000),
      nbf: Math.floor(now / 1000),
      exp: Math.floor((now + lifetimeInMs) / 1000),
    };
    const content = `${encode({ typ: "JWT", alg: "RS256", kid: this.#keyId })}.${encode({ ...claims, ...times, uti: randomBytes(12).toString("base64url") })}`;
    const signature = sign("sha256", Buffer.from(content), this.#keys.privateKey);
    return `${content}.${signature.toString("base64url")}`;
  }

  check(token: string): TokenVerdict {
    const [header = "", payload = "", signature = ""] = token.split(".");
    const isOurs = verify(
      "sha256",
      Buffer.from(`${header}.${payload}`),
      this.#keys.publicKey,
      Buffer.from(signature, "base64url"),
    );
    if (!isOurs) return { valid: false, reason: "malformed", claims: {} };
    const claims = decode(payload);
    const isExpired = Number(claims["exp"]) * 1000 <= this.#clock.now();
    return isExpired ? { valid: false, reason: "expired", claims } : { valid: true, claims };
  }
}

/**
 * A token for Azurite, which checks audience, issuer and the real time, and no signature.
 * Source: Azurite 3.37.0, BlobTokenAuthenticator.
 */
export function azuriteToken(tenantId: string, objectId: string): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    aud: "https://storage.azure.com",
    iss: `https://sts.windows.net/${tenantId}/`,
    oid: objectId,
    tid: tenantId,
    iat: now - 300,
    nbf: now - 300,
    exp: now + 3600,
  };
  return `${encode({ typ: "JWT", alg: "none" })}.${encode(claims)}.unsigned`;
}

function encode(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decode(part: string): JsonObject {
  const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  return isObject(value) ? value : {};
}
