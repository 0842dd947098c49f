/** Is what each tenant may spend in a campaign. */
export const tenantTokens = 1_500;

/** Are the limits of the load's queues. Units: runs at once. */
export const queueLimits = {
  fast: { concurrency: 12, perTenant: 5 },
  bulk: { concurrency: 6, perTenant: 3 },
} as const;
