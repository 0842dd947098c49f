/**
 * Is a run's place in a queue. The run's row is the truth about the run; a ticket only says that a worker may claim it.
 * `epoch` is the run's epoch when the ticket was made: a claim raises it, so a ticket counts once.
 *
 * Order: higher `priority` first, then lower `turn`, then older `runId`. Units: `dueAt` in ms since the Unix epoch.
 */
export interface Ticket {
  readonly runId: string;
  readonly epoch: number;
  readonly queue: string;
  readonly workflow: string;
  readonly tenant: string | undefined;
  readonly priority: number;
  readonly turn: number;
  readonly dueAt: number | undefined;
}

/** Says what a worker can take now. `limit` is how many; the limits count what runs on all workers. */
export interface ClaimRequest {
  readonly queue: string;
  readonly limit: number;
  /** The engine that claims, as `release` names it when it has died. */
  readonly owner: string;
  /** Takes runs of these workflows only: what the worker's program knows. */
  readonly workflows: readonly string[];
  /** How many runs of the queue may run at once over all workers, in all and of each tenant (by name, else `perTenant`). */
  readonly concurrency: number;
  readonly perTenant: number;
  readonly tenants: Readonly<Record<string, number>>;
  /** How many runs of a workflow may run at once over all workers. */
  readonly perWorkflow: Readonly<Record<string, number>>;
}

/**
 * Hands out the runs that wait in queues, each ticket to one worker. It is told what became of what it handed out, so that
 * limits count what really runs. Losing a ticket costs time only: runs that wait without one are offered again.
 *
 * Errors: those of the storage table.
 */
export interface Queue extends AsyncDisposable {
  /** Makes runs claimable; a ticket that is there already is left as it is. The runs' rows are durable before. */
  offer(tickets: readonly Ticket[]): Promise<void>;
  /** Takes tickets of runs that are ready, in order; at most `limit`, and never more than the limits leave. */
  claim(request: ClaimRequest): Promise<readonly Ticket[]>;
  /** Gives back what was claimed: the run ended, waits, or was not there any more. */
  settle(tickets: readonly Ticket[]): Promise<void>;
  /** Takes tickets away that nobody has claimed: their runs were cancelled, paused or changed. */
  withdraw(tickets: readonly Ticket[]): Promise<void>;
  /** Takes over what a dead worker had claimed, so that the limits no longer count it. */
  release(owner: string): Promise<void>;
  /** Names the owners of what is claimed, where that stands elsewhere than in the runs' rows. */
  claimants?(): Promise<readonly string[]>;
  /** Calls back when something of these queues may have become ready, here or on another machine. */
  onReady(ready: (queue: string) => void): Disposable;
}
