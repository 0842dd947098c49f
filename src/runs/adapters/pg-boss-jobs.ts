import { hash } from "node:crypto";
import type { Ticket } from "../queue/queue.ts";

/** Is what a job holds: the ticket, under short names, since each waiting run has one. */
export type JobData = {
  readonly run: string;
  readonly epoch: number;
  readonly queue: string;
  readonly workflow: string;
  readonly tenant: string | null;
  readonly priority: number;
  readonly turn: number;
  readonly due: number | null;
};

/** Gives a ticket's job its id: one ticket is one job, however often and by whomever it is offered. */
export function jobIdOf({ runId, epoch }: Pick<Ticket, "runId" | "epoch">): string {
  const hex = hash("sha1", `${runId}:${epoch}`);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Gives the job's data. */
export function dataOf(ticket: Ticket): JobData {
  const { runId: run, epoch, queue, workflow, tenant = null, priority, turn, dueAt: due = null } = ticket;
  return { run, epoch, queue, workflow, tenant, priority, turn, due };
}

/** Gives the ticket that a job holds. */
export function ticketIn({ run, epoch, queue, workflow, tenant, priority, turn, due }: JobData): Ticket {
  return { runId: run, epoch, queue, workflow, tenant: tenant ?? undefined, priority, turn, dueAt: due ?? undefined };
}

/** Names the group of a ticket's job: tickets of one group are let through or held back together. */
export function groupOf({ workflow, tenant }: Pick<Ticket, "workflow" | "tenant">): string {
  return JSON.stringify([workflow, tenant ?? null]);
}

/** Gives the name that a queue has with pg-boss, which allows letters, digits, `_`, `-`, `.` and `/`. */
export function bossName(queue: string): string {
  return `q.${encodeURIComponent(queue).replaceAll(/[^\w-]/g, (sign) => (sign === "%" ? "/" : `/${hex(sign)}`))}`;
}

/** Gives the queue that a name of pg-boss stands for. */
export function queueOf(name: string): string {
  return decodeURIComponent(name.slice(2).replaceAll("/", "%"));
}

function hex(sign: string): string {
  return sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
}

/** Puts tickets into the order in which they are taken. */
export function byOrder(a: Ticket, b: Ticket): number {
  return b.priority - a.priority || a.turn - b.turn || (a.runId < b.runId ? -1 : 1);
}
