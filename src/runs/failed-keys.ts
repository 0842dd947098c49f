const keys = new WeakMap<object, string[]>();
const maxCauses = 20;

/** Notes that the outcome recorded under a key failed with an error. */
export function noteFailure(error: unknown, key: string): void {
  if (typeof error !== "object" || error === null) return;
  const noted = keys.get(error);
  if (noted === undefined) keys.set(error, [key]);
  else if (!noted.includes(key)) noted.push(key);
}

/**
 * Tells which steps, calls and waits of a run an error came from, itself or what caused it: what a retry of the run forgets, so
 * that it does them again. Empty when the function itself failed.
 */
export function failedKeysOf(error: unknown): readonly string[] {
  const found = new Set<string>();
  for (let each = error, depth = 0; depth < maxCauses; depth++) {
    if (typeof each !== "object" || each === null) break;
    for (const key of keys.get(each) ?? []) found.add(key);
    each = "cause" in each ? each.cause : undefined;
  }
  return [...found];
}
