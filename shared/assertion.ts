/** Asking a CI system for the assertion that a federated sign-in needs. */
import { type Clock, systemClock } from "./clock.ts";

const TRIES = 4;
const PAUSE_IN_MS = 1_000;

/** The CI system will give the same answer again. */
export class FinalRefusal extends Error {}

/**
 * Asks until there is an assertion, a few times at most.
 * @throws {Error} whose message holds everything: the sign-in library keeps nothing else of it.
 */
export async function askForAssertion(
  ciSystem: string,
  ask: () => Promise<string>,
  clock: Clock = systemClock,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof FinalRefusal) throw error;
      if (attempt === TRIES) throw new Error(`${ciSystem} gave no OIDC token: ${reason(error)}`);
      await clock.sleep(PAUSE_IN_MS * attempt);
    }
  }
}

/** `fetch` says only that it failed; its cause says why. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
