import type { ClaimRequest, Ticket } from "../queue/queue.ts";

/** Is what runs of one queue, tenant and workflow at once. */
export interface Running {
  readonly queue: string;
  readonly tenant: string | undefined;
  readonly workflow: string;
  readonly runs: number;
}

type Lane = Pick<Ticket, "tenant" | "workflow">;

/** Tells whether a request bounds what runs at once. */
export function isLimited({ concurrency, perTenant, tenants, perWorkflow }: ClaimRequest): boolean {
  const limits = [concurrency, perTenant, ...Object.values(tenants), ...Object.values(perWorkflow)];
  return limits.some((limit) => Number.isFinite(limit));
}

/** Counts what runs, and tells what more the limits of a request let through. Runs of no tenant are not limited by tenant. */
export class Room {
  readonly #request: ClaimRequest;
  readonly #workflows: ReadonlySet<string>;
  readonly #ofTenant = new Map<string, number>();
  readonly #ofWorkflow = new Map<string, number>();
  #inQueue = 0;

  constructor(request: ClaimRequest) {
    this.#request = request;
    this.#workflows = new Set(request.workflows);
  }

  /** Counts runs in; those of other queues count for the limits of workflows alone. */
  count({ queue, tenant, workflow, runs }: Running): void {
    raise(this.#ofWorkflow, workflow, runs);
    if (queue !== this.#request.queue) return;
    this.#inQueue += runs;
    if (tenant !== undefined) raise(this.#ofTenant, tenant, runs);
  }

  /** Gives how many more runs of the queue may begin. */
  get left(): number {
    return Math.max(0, this.#request.concurrency - this.#inQueue);
  }

  /** Tells whether one more run of a tenant and workflow may begin. */
  admits({ tenant, workflow }: Lane): boolean {
    const { tenants, perTenant, perWorkflow } = this.#request;
    return (
      this.left > 0 &&
      this.#workflows.has(workflow) &&
      (tenant === undefined || (this.#ofTenant.get(tenant) ?? 0) < limitOf(tenants, tenant, perTenant)) &&
      (this.#ofWorkflow.get(workflow) ?? 0) < limitOf(perWorkflow, workflow, Infinity)
    );
  }

  /** Counts a run in if the limits let it through; tells whether they do. */
  take(ticket: Ticket): boolean {
    if (!this.admits(ticket)) return false;
    this.count({ ...ticket, runs: 1 });
    return true;
  }
}

function limitOf(limits: Readonly<Record<string, number>>, name: string, otherwise: number): number {
  return (Object.hasOwn(limits, name) ? limits[name] : undefined) ?? otherwise;
}

function raise(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
