/** Cuts the output of scripts into lines, whatever it is. Holds one line at most. */
import { StringDecoder } from "node:string_decoder";

const LONGEST_LINE = 8192;

/** Bytes in, lines out. A longer line comes in parts; bytes that are no UTF-8 come as U+FFFD. */
export class Lines {
  readonly #onLine: (line: string) => void;
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(bytes: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(bytes)).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#emit(line);
    while (this.#rest.length > LONGEST_LINE) {
      this.#onLine(this.#rest.slice(0, LONGEST_LINE));
      this.#rest = this.#rest.slice(LONGEST_LINE);
    }
  }

  /** What came last, without a line's end. */
  end(): void {
    if (this.#rest) this.#emit(this.#rest);
    this.#rest = "";
  }

  #emit(line: string): void {
    for (let at = 0; at < line.length || at === 0; at += LONGEST_LINE) {
      this.#onLine(line.slice(at, at + LONGEST_LINE));
    }
  }
}
