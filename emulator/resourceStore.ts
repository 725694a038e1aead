/** ARM resources as whole bodies, found by id without regard to case. Knows no HTTP. */
import { objectOf, stringOf } from "./json.ts";
import type { StoredBody } from "./resourceBodies.ts";
import { idKey } from "./resourceIds.ts";

/** Holds everything but image templates, which have a life of their own. */
export class ResourceStore {
  readonly #bodies = new Map<string, StoredBody>();

  put(body: StoredBody): void {
    this.#bodies.set(idKey(body.id), body);
  }

  get(id: string): StoredBody | undefined {
    return this.#bodies.get(idKey(id));
  }

  has(id: string): boolean {
    return this.#bodies.has(idKey(id));
  }

  delete(id: string): void {
    this.#bodies.delete(idKey(id));
  }

  /** Everything directly or indirectly below an id. */
  below(id: string): StoredBody[] {
    const prefix = `${idKey(id)}/`;
    return [...this.#bodies].filter(([key]) => key.startsWith(prefix)).map(([, body]) => body);
  }

  ofType(parentId: string, type: string): StoredBody[] {
    const wanted = type.toLowerCase();
    return this.below(parentId).filter((body) => stringOf(body["type"]).toLowerCase() === wanted);
  }

  /** A string property of a stored body: `property(id, "osType")`; empty when there is none. */
  property(id: string, name: string): string {
    return stringOf(objectOf(this.get(id)?.["properties"])[name]);
  }
}
