/**
 * Test-only preload (`node --require tests/clock.cjs …`): makes time run CLOCK_SPEED times as fast around
 * CLOCK_ORIGIN, milliseconds since 1970. Date agrees with the emulator's clock when its EMULATOR_CLOCK_ORIGIN
 * and `--speed` are the same. What belongs to the network keeps real time: TLS, sockets, fetch, AbortSignal.timeout.
 */
"use strict";

const { syncBuiltinESMExports } = require("node:module");
const timers = require("node:timers");
const timersPromises = require("node:timers/promises");
const { performance } = require("node:perf_hooks");
const { promisify } = require("node:util");

const speed = positiveNumber("CLOCK_SPEED", 1);
const origin = positiveNumber("CLOCK_ORIGIN", Date.now());

function positiveNumber(name, fallback) {
  const text = process.env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} is "${text}"; expected a number above 0.`);
  return value;
}

const RealDate = Date;
const realNow = RealDate.now.bind(RealDate);
const now = () => Math.floor(origin + (realNow() - origin) * speed);

globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(now()).toString(),
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, key) => (key === "now" ? now : Reflect.get(target, key)),
});
RealDate.prototype.constructor = globalThis.Date;

const realPerformanceNow = performance.now.bind(performance);
performance.now = () => realPerformanceNow() * speed;

/** A delay in fast milliseconds as real ones; what is not a number stays for the real function to judge. */
const real = (delay) => (typeof delay === "number" ? delay / speed : delay);

function scaled(realTimer) {
  return (callback, delay, ...args) =>
    realTimer(callback, isOfFetch() ? delay : real(delay), ...args);
}

/** `fetch` watches its connections with timers, and the network does not get faster with the clock. */
function isOfFetch() {
  return new Error().stack?.includes("node:internal/deps/undici") ?? false;
}

const wait = timersPromises.setTimeout;
timersPromises.setTimeout = (delay, value, options) => wait(real(delay), value, options);
const tick = timersPromises.setInterval;
timersPromises.setInterval = (delay, value, options) => tick(real(delay), value, options);
const schedulerWait = timersPromises.scheduler.wait.bind(timersPromises.scheduler);
timersPromises.scheduler.wait = (delay, options) => schedulerWait(real(delay), options);

for (const name of ["setTimeout", "setInterval"]) {
  const fast = scaled(timers[name]);
  Object.defineProperty(fast, promisify.custom, { value: timersPromises[name] });
  globalThis[name] = fast;
  timers[name] = fast;
}

syncBuiltinESMExports();
