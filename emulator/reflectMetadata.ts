/**
 * The three functions of reflect-metadata that the container inside `@peculiar/x509` asks for at load.
 * Import it before that package. Delete it when the package no longer needs a polyfill.
 */

const metadata = new WeakMap<object, Map<unknown, unknown>>();

const defineMetadata = (key: unknown, value: unknown, target: object): void => {
  metadata.set(target, (metadata.get(target) ?? new Map()).set(key, value));
};
const getMetadata = (key: unknown, target: object): unknown => metadata.get(target)?.get(key);
const hasMetadata = (key: unknown, target: object): boolean =>
  metadata.get(target)?.has(key) ?? false;

Object.assign(Reflect, {
  defineMetadata,
  getMetadata,
  getOwnMetadata: getMetadata,
  hasMetadata,
  hasOwnMetadata: hasMetadata,
});
