/** A certificate authority made at start, and one server certificate for loopback signed by it. */
// `@peculiar/x509` asks for it while it loads.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_IN_MS = 24 * 60 * 60 * 1000;

/** PEM texts and the files that hold them. */
export interface Certificates {
  /** Path of the authority's PEM file, for clients to trust. */
  caFile: string;
  certificateFile: string;
  keyFile: string;
  ca: string;
  certificate: string;
  key: string;
}

type KeyPair = webcrypto.CryptoKeyPair;

/** Writes `ca.pem`, `server.pem` and `server-key.pem` into the folder, which only the owner may read. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  cryptoProvider.set(webcrypto);
  const [authorityKeys, serverKeys] = await Promise.all([makeKeys(), makeKeys()]);
  const authority = await makeAuthority(authorityKeys);
  const server = await makeServerCertificate(authority, authorityKeys, serverKeys);
  const exported = await webcrypto.subtle.exportKey("pkcs8", serverKeys.privateKey);
  const made = {
    caFile: join(folder, "ca.pem"),
    certificateFile: join(folder, "server.pem"),
    keyFile: join(folder, "server-key.pem"),
    ca: `${authority.toString("pem")}\n`,
    certificate: `${server.toString("pem")}\n`,
    key: `${PemConverter.encode(exported, "PRIVATE KEY")}\n`,
  };
  await writeFile(made.caFile, made.ca, { mode: 0o600 });
  await writeFile(made.certificateFile, made.certificate, { mode: 0o600 });
  await writeFile(made.keyFile, made.key, { mode: 0o600 });
  return made;
}

function makeKeys(): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

/** Valid from yesterday, by the machine's clock: TLS knows nothing of the emulated one. */
function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - DAY_IN_MS), notAfter: new Date(now + 365 * DAY_IN_MS) };
}

async function makeAuthority(keys: KeyPair): Promise<X509Certificate> {
  return X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: "CN=Azure emulator root",
    ...validity(),
    signingAlgorithm: ALGORITHM,
    keys: keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
}

async function makeServerCertificate(
  authority: X509Certificate,
  authorityKeys: KeyPair,
  keys: KeyPair,
): Promise<X509Certificate> {
  return X509CertificateGenerator.create({
    serialNumber: "02",
    subject: "CN=localhost",
    issuer: authority.subject,
    ...validity(),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
      ]),
      await AuthorityKeyIdentifierExtension.create(authorityKeys.publicKey),
    ],
  });
}
