/** `customization.log` of one run, in the line forms of Packer, growing in the staging storage account. */
import type { BlobAddress, Blobs } from "./blobStore.ts";
import { type Clock, serviceTime } from "./clock.ts";

/** Takes lines at once, writes them to the blob in order and in the background. */
export class BuildLog {
  readonly address: BlobAddress;
  readonly #prefix: string;
  readonly #blobs: Blobs;
  readonly #clock: Clock;
  #text = "";
  /** One for each line of the text, in ms since the epoch. */
  readonly #times: number[] = [];
  #pending = "";
  #writes: Promise<void>;
  #isScheduled = false;

  /** @param operationId stands before every line, as in the service's logs */
  constructor(deps: { blobs: Blobs; clock: Clock; address: BlobAddress; operationId: string }) {
    this.address = deps.address;
    this.#blobs = deps.blobs;
    this.#clock = deps.clock;
    this.#prefix = `[${deps.operationId}]`;
    this.#writes = this.#blobs.makeAppendBlob(this.address).catch(() => undefined);
  }

  get text(): string {
    return this.#text;
  }

  /** The text with an instant before each line, as Azure Container Instances writes it. */
  get timestamped(): string {
    const lines = this.#text.split("\n").slice(0, -1);
    return lines.map((line, index) => `${serviceTime(this.#times[index] ?? 0)} ${line}\n`).join("");
  }

  /** What Packer does: `PACKER OUT ==> azure-arm: …`. */
  step(message: string): void {
    this.#add(`PACKER OUT ==> azure-arm: ${message}`);
  }

  /** What a script prints: `PACKER OUT     azure-arm: …`. */
  output(message: string): void {
    this.#add(`PACKER OUT     azure-arm: ${message}`);
  }

  /** Packer's summary lines, without a builder's name. */
  summary(message: string): void {
    this.#add(`PACKER OUT ${message}`);
  }

  /** Packer's debug stream: `PACKER ERR 2020/04/30 23:38:58 …`. */
  debug(message: string): void {
    const time = new Date(this.#clock.now()).toISOString();
    const stamp = `${time.slice(0, 10).replaceAll("-", "/")} ${time.slice(11, 19)}`;
    this.#add(`PACKER ERR ${stamp} ${message}`);
  }

  /** Resolves when every line so far can be read by others. */
  async flush(): Promise<void> {
    this.#write();
    await this.#writes;
  }

  #add(line: string): void {
    const full = `${this.#prefix} ${line}\n`;
    this.#text += full;
    const now = this.#clock.now();
    for (const _ of full.matchAll(/\n/g)) this.#times.push(now);
    this.#pending += full;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#write());
  }

  #write(): void {
    this.#isScheduled = false;
    this.#writes = this.#writes.then(() => this.#append());
  }

  /** Takes whatever came while the write before went on, so that a talkative script makes few, large blocks. */
  async #append(): Promise<void> {
    const text = this.#pending;
    this.#pending = "";
    // The blobs may be gone already when the emulator stops; the run does not end for that.
    if (text) await this.#blobs.append(this.address, text).catch(() => undefined);
  }
}
