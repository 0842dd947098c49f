/** Is what each tenant may spend in a campaign. */
export const tenantTokens = 1_500;

/** Are the limits of the load's queues. Units: runs at once. */
export const queueLimits = {
  fast: { concurrency: 12, perTenant: 5 },
  bulk: { concurrency: 6, perTenant: 3 },
} as const;

/** Holds the codes of failures that pass: the database is away, busy or full for a while. */
export const away: ReadonlySet<string> = new Set(["database_unreachable", "database_busy", "database_full"]);

/** Is how a program ends that found the database away when it started. */
export const awayExitCode = 75;
