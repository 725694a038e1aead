/** Long-running operations: what the signed URL of an accepted request points to. Knows no HTTP. */
import { createHash, randomBytes } from "node:crypto";
import type { ArmErrorBody } from "./armErrors.ts";
import type { Clock } from "./clock.ts";
import { serviceTime } from "./clock.ts";
import type { JsonObject } from "./json.ts";

/** Its id is also the request id of what started it. */
export interface Operation {
  id: string;
  location: string;
  status: "InProgress" | "Succeeded" | "Failed" | "Canceled";
  startedAtInMs: number;
  endedAtInMs?: number;
  error?: ArmErrorBody;
}

/** All operations since the start; none is ever forgotten. */
export class Operations {
  readonly #operations = new Map<string, Operation>();
  readonly #clock: Clock;
  readonly #origin: string;
  readonly #subscriptionId: string;

  constructor(clock: Clock, origin: string, subscriptionId: string) {
    this.#clock = clock;
    this.#origin = origin;
    this.#subscriptionId = subscriptionId;
  }

  start(id: string, location: string): Operation {
    const operation: Operation = {
      id,
      location,
      status: "InProgress",
      startedAtInMs: this.#clock.now(),
    };
    this.#operations.set(id, operation);
    return operation;
  }

  get(id: string): Operation | undefined {
    return this.#operations.get(id.toLowerCase());
  }

  end(operation: Operation, status: Operation["status"], error?: ArmErrorBody): void {
    operation.status = status;
    operation.endedAtInMs = this.#clock.now();
    if (error) operation.error = error;
  }

  /** Absolute and about 3.5 KB long, as the service's are: its `c` holds a certificate. */
  url(operation: Operation, apiVersion: string): string {
    const ticks = String(operation.startedAtInMs * 10_000 + 621_355_968_000_000_000);
    const certificate = createHash("shake256", { outputLength: 2200 }).update(operation.id);
    const signature = randomBytes(256).toString("base64url");
    const query = `api-version=${apiVersion}&t=${ticks}&c=${certificate.digest("base64url")}&s=${signature}&h=${randomBytes(32).toString("base64url")}`;
    return `${this.#origin}/subscriptions/${this.#subscriptionId}/providers/Microsoft.VirtualMachineImages/locations/${operation.location}/operations/${operation.id}?${query}`;
  }
}

/** The operation on the wire. Source: recorded exchanges, api-version 2022-07-01; the OpenAPI document omits it. */
export function operationBody(operation: Operation): JsonObject {
  return {
    name: operation.id.toUpperCase(),
    status: operation.status,
    startTime: serviceTime(operation.startedAtInMs),
    ...(operation.endedAtInMs ? { endTime: serviceTime(operation.endedAtInMs) } : {}),
    ...(operation.error ? { error: operation.error } : {}),
  };
}
