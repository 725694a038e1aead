/** Long-running operations: what the signed URL of an accepted request points to. Knows no HTTP. */
import { createHash, randomBytes } from "node:crypto";
import type { ArmErrorBody } from "./armErrors.ts";
import type { Clock } from "./clock.ts";
import type { JsonObject } from "./json.ts";

/** Its id is also the request id of what started it. */
export interface Operation {
  id: string;
  location: string;
  /** Where it stands: provider and collection below the subscription. */
  path: string;
  status: "InProgress" | "Succeeded" | "Failed" | "Canceled";
  startedAtInMs: number;
  endedAtInMs?: number;
  error?: ArmErrorBody;
}

/** The operations of a provider, as its URLs name them. */
export interface OperationCollection {
  provider: string;
  name: string;
}

const IMAGE_BUILDER: OperationCollection = {
  provider: "Microsoft.VirtualMachineImages",
  name: "operations",
};

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

  /** @param collection of a provider that is not Image Builder: `Microsoft.Compute` and `capsOperations` */
  start(id: string, location: string, collection = IMAGE_BUILDER): Operation {
    const { provider, name } = collection;
    const operation: Operation = {
      id,
      location,
      path: `${provider}/locations/${location}/${name}`,
      status: "InProgress",
      startedAtInMs: this.#clock.now(),
    };
    this.#operations.set(id, operation);
    return operation;
  }

  get(id: string): Operation | undefined {
    return this.#operations.get(id.toLowerCase());
  }

  /** Ends an operation well some emulated time after its start, when `change` has taken effect. */
  endAfter(operation: Operation, durationInMs: number, change: () => void): void {
    this.#clock.until(operation.startedAtInMs + durationInMs).then(
      () => {
        change();
        this.end(operation, "Succeeded");
      },
      (error: unknown) => console.error("emulator:", error),
    );
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
    return `${this.#origin}/subscriptions/${this.#subscriptionId}/providers/${operation.path}/${operation.id}?${query}`;
  }
}

/** Seven fraction digits, where the rest of the service writes nine. */
function operationTime(atInMs: number): string {
  return `${new Date(atInMs).toISOString().slice(0, -1)}0000Z`;
}

/** The operation on the wire. Source: recorded exchanges, api-version 2022-07-01; the OpenAPI document omits it. */
export function operationBody(operation: Operation): JsonObject {
  return {
    name: operation.id.toUpperCase(),
    status: operation.status,
    startTime: operationTime(operation.startedAtInMs),
    ...(operation.endedAtInMs ? { endTime: operationTime(operation.endedAtInMs) } : {}),
    ...(operation.error ? { error: operation.error } : {}),
  };
}
