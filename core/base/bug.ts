// The one way to report a fault of Beeline itself. It is never used for a fault of the user's input.

/** A fault of ours: caught once per request at the edge, reported with its message, never shown as a verdict. */
export class BugError extends Error {
  override readonly name = "BugError";
}

/** Throws a {@link BugError}. `what` says which assumption did not hold. */
export function bug(what: string): never {
  throw new BugError(`internal error: ${what}`);
}
