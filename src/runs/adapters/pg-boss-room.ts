import type { ClaimRequest, Ticket } from "../queue/queue.ts";
import { groupOf, readGroup } from "./pg-boss-jobs.ts";

/** Tells whether a request bounds what runs at once. */
export function isLimited({ concurrency, perTenant, tenants, perWorkflow }: ClaimRequest): boolean {
  return (
    concurrency !== Infinity ||
    perTenant !== Infinity ||
    Object.keys(tenants).length > 0 ||
    Object.keys(perWorkflow).length > 0
  );
}

/** Counts what runs of a queue, and tells what more the limits let through. */
export class Room {
  readonly #request: ClaimRequest;
  readonly #workflows: ReadonlySet<string>;
  readonly #perTenant = new Map<string, number>();
  readonly #perWorkflow = new Map<string, number>();
  #total = 0;

  constructor(request: ClaimRequest) {
    this.#request = request;
    this.#workflows = new Set(request.workflows);
  }

  /** Counts runs of a group. */
  add(group: string, count = 1): void {
    const { workflow, tenant = "" } = readGroup(group);
    this.#total += count;
    this.#perTenant.set(tenant, (this.#perTenant.get(tenant) ?? 0) + count);
    this.#perWorkflow.set(workflow, (this.#perWorkflow.get(workflow) ?? 0) + count);
  }

  /** Gives how many more may be taken in all. */
  get left(): number {
    return Math.max(0, this.#request.concurrency - this.#total);
  }

  /** Tells whether one more run of a group may be taken. */
  admits(group: string): boolean {
    const { workflow, tenant = "" } = readGroup(group);
    if (!this.#workflows.has(workflow) || this.left === 0) return false;
    const { tenants, perTenant, perWorkflow } = this.#request;
    const mayTenant = Object.hasOwn(tenants, tenant) ? tenants[tenant] : perTenant;
    const mayWorkflow = Object.hasOwn(perWorkflow, workflow) ? perWorkflow[workflow] : Infinity;
    return (
      (this.#perTenant.get(tenant) ?? 0) < (mayTenant ?? Infinity) &&
      (this.#perWorkflow.get(workflow) ?? 0) < (mayWorkflow ?? Infinity)
    );
  }

  /** Takes the ticket if the limits let it through. */
  take(ticket: Ticket): boolean {
    const group = groupOf(ticket);
    if (!this.admits(group)) return false;
    this.add(group);
    return true;
  }
}
