import assert from "node:assert/strict";
import type { ContractCase } from "./contract.ts";
import {
  addRuns,
  beginRuns,
  claimAll,
  claimRequest,
  endRuns,
  firstOf,
  many,
  openSome,
  tenantsOf,
  workflowsOf,
} from "./queue-scene.ts";
import type { QueueSubject } from "./queue-scene.ts";

/** Holds what every queue must keep of the limits of queues, tenants and workflows. */
export const queueLimitCases: readonly ContractCase<QueueSubject>[] = [
  { name: "the limit of a queue holds over several claimers", run: limitsQueue },
  { name: "the limit of a tenant holds over several claimers", run: limitsTenant },
  { name: "a tenant that is named has a limit of its own", run: limitsNamedTenant },
  { name: "runs of no tenant are not limited by tenant", run: limitsNoTenant },
  { name: "the limit of a workflow holds over several claimers and queues", run: limitsWorkflow },
  { name: "the backlog of a tenant that may run no more hides nobody", run: passesBy },
  { name: "limits are exact while many claim at once", run: limitsExactly },
  { name: "what ended and was settled frees the limits", run: freesLimits },
  { name: "what waits and was settled frees the limits", run: freesWaiting },
];

async function limitsQueue(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await addRuns(one, many(10));
  const first = await one.queue.claim(claimRequest({ concurrency: 3, limit: 2 }));
  assert.equal(first.length, 2);
  await beginRuns(one, first);
  assert.equal((await other.queue.claim(claimRequest({ concurrency: 3 }))).length, 1);
  assert.deepEqual(await one.queue.claim(claimRequest({ concurrency: 3 })), []);
  assert.equal((await one.queue.claim(claimRequest({ concurrency: 4 }))).length, 1);
}

async function limitsTenant(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await addRuns(one, [...many(4, { tenant: "ada" }), ...many(4, { tenant: "bob" })]);
  const first = await one.queue.claim(claimRequest({ perTenant: 2, limit: 3 }));
  assert.deepEqual(tenantsOf(first), ["ada", "ada", "bob"]);
  await beginRuns(one, first);
  assert.deepEqual(tenantsOf(await other.queue.claim(claimRequest({ perTenant: 2 }))), ["bob"]);
  assert.deepEqual(await other.queue.claim(claimRequest({ perTenant: 2 })), []);
}

async function limitsNamedTenant(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await addRuns(one, [...many(4, { tenant: "ada" }), ...many(4, { tenant: "bob" }), ...many(4, { tenant: "eve" })]);
  const claimed = await one.queue.claim(claimRequest({ limit: 20, perTenant: 1, tenants: { ada: 3, eve: 0 } }));
  assert.deepEqual(tenantsOf(claimed).map(String).toSorted(), ["ada", "ada", "ada", "bob"]);
}

async function limitsNoTenant(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await addRuns(one, [...many(5), ...many(3, { tenant: "ada" })]);
  assert.equal((await one.queue.claim(claimRequest({ limit: 20, perTenant: 1 }))).length, 6);
}

async function limitsWorkflow(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await addRuns(one, [
    ...many(3, { workflow: "slow" }),
    ...many(2, { workflow: "fast" }),
    ...many(3, { workflow: "slow", queue: "more" }),
  ]);
  const both = { workflows: ["slow", "fast"], perWorkflow: { slow: 2 } };
  const first = await one.queue.claim(claimRequest({ ...both, limit: 1 }));
  assert.deepEqual(workflowsOf(first), ["slow"]);
  await beginRuns(one, first);
  assert.deepEqual(workflowsOf(await other.queue.claim(claimRequest(both))).toSorted(), ["fast", "fast", "slow"]);
  assert.deepEqual(await other.queue.claim(claimRequest({ ...both, queue: "more" })), []);
  await endRuns(one, first);
  assert.deepEqual(workflowsOf(await other.queue.claim(claimRequest({ ...both, queue: "more" }))), ["slow"]);
}

async function passesBy(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await addRuns(one, many(400, { tenant: "ada" }));
  await addRuns(one, [...many(2, { tenant: "bob" }), ...many(2)]);
  const limited = claimRequest({ perTenant: 1, limit: 4 });
  assert.deepEqual(tenantsOf(await one.queue.claim(limited)), ["ada", "bob", undefined, undefined]);
  assert.deepEqual(await one.queue.claim(limited), []);
}

async function limitsExactly(subject: QueueSubject): Promise<void> {
  const connections = await openSome(subject, 3);
  const tenants = ["ada", "bob", "eve"];
  await addRuns(
    firstOf(connections),
    tenants.flatMap((tenant) => many(20, { tenant })),
  );
  const claimed = await claimAll([...connections, ...connections], { limit: 5, concurrency: 10, perTenant: 4 });
  claimed.push(...(await claimAll(connections, { limit: 5, concurrency: 10, perTenant: 4 })));
  assert.equal(claimed.length, 10);
  for (const tenant of tenants) {
    assert(claimed.filter((ticket) => ticket.tenant === tenant).length <= 4, `${tenant} got more than its limit.`);
  }
}

async function freesLimits(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await addRuns(one, many(6, { tenant: "ada" }));
  const limited = claimRequest({ concurrency: 4, perTenant: 2, perWorkflow: { flow: 3 } });
  for (let round = 0; round < 3; round++) {
    const claimed = await one.queue.claim(limited);
    assert.equal(claimed.length, 2);
    await beginRuns(one, claimed);
    await endRuns(one, claimed);
  }
}

async function freesWaiting(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await addRuns(one, many(2));
  const limited = claimRequest({ concurrency: 1 });
  const claimed = await one.queue.claim(limited);
  await beginRuns(one, claimed);
  await one.database.write([{ sql: "UPDATE run SET status = 'waiting' WHERE status = 'running'" }]);
  await one.queue.settle(claimed);
  assert.equal((await one.queue.claim(limited)).length, 1);
}
