import type { ClaimRequest, Queue, Ticket } from "../runs/index.ts";

/** Is a queue broken on purpose, with the names of the contract's cases that must notice. */
export interface BrokenQueue {
  readonly name: string;
  readonly noticedBy: readonly string[];
  /** Wraps a sound queue; is called for each connection. */
  readonly wrap: (sound: Queue) => Queue;
}

/** Lists the ways to break a queue that the contract must notice. */
export const brokenQueues: readonly BrokenQueue[] = [
  {
    name: "hands out again what it handed out last",
    noticedBy: ["many claimers at once get each ticket once", "at most the limit of a claim is handed out"],
    wrap: (sound) => {
      const given: Ticket[] = [];
      return withClaim(sound, async (request) => {
        const again = given.splice(0);
        given.push(...(await sound.claim(request)));
        return [...given, ...again];
      });
    },
  },
  {
    name: "hands out to one connection what another has",
    noticedBy: ["a ticket is handed out once while it is not settled"],
    wrap: (sound) =>
      withClaim(sound, async (request) => {
        const claimed = await sound.claim(request);
        await sound.settle(claimed);
        await sound.offer(claimed);
        return claimed;
      }),
  },
  {
    name: "forgets priorities",
    noticedBy: ["higher priorities go first, then lower turns, then older runs"],
    wrap: (sound) =>
      withClaim(sound, async (request) => (await sound.claim(request)).toSorted((a, b) => a.turn - b.turn)),
  },
  {
    name: "gives the youngest first",
    noticedBy: ["higher priorities go first, then lower turns, then older runs"],
    wrap: (sound) => withClaim(sound, async (request) => (await sound.claim(request)).toReversed()),
  },
  {
    name: "gives more than was asked for",
    noticedBy: ["at most the limit of a claim is handed out"],
    wrap: (sound) => withClaim(sound, (request) => sound.claim({ ...request, limit: request.limit + 1 })),
  },
  {
    name: "ignores the limit of the queue",
    noticedBy: ["the limit of a queue holds over several claimers", "limits are exact while many claim at once"],
    wrap: (sound) => withClaim(sound, (request) => sound.claim({ ...request, concurrency: Infinity })),
  },
  {
    name: "counts for the limit of the queue only what it handed out itself",
    noticedBy: ["the limit of a queue holds over several claimers", "limits are exact while many claim at once"],
    wrap: countsItsOwn,
  },
  {
    name: "ignores the limit of each tenant",
    noticedBy: ["the limit of a tenant holds over several claimers", "limits are exact while many claim at once"],
    wrap: (sound) => withClaim(sound, (request) => sound.claim({ ...request, perTenant: Infinity })),
  },
  {
    name: "ignores what is said of a tenant by name",
    noticedBy: ["a tenant that is named has a limit of its own"],
    wrap: (sound) => withClaim(sound, (request) => sound.claim({ ...request, tenants: {} })),
  },
  {
    name: "ignores the limit of a workflow",
    noticedBy: ["the limit of a workflow holds over several claimers and queues"],
    wrap: (sound) => withClaim(sound, (request) => sound.claim({ ...request, perWorkflow: {} })),
  },
  {
    name: "hands out workflows that nobody asked for",
    noticedBy: ["only workflows that were asked for are handed out"],
    wrap: (sound) =>
      withClaim(sound, (request) => sound.claim({ ...request, workflows: [...request.workflows, "unknown"] })),
  },
  {
    name: "loses every third ticket",
    noticedBy: ["many claimers at once get each ticket once", "nothing is lost when many offer while many claim"],
    wrap: (sound) => {
      let count = 0;
      return withClaim(sound, async (request) => (await sound.claim(request)).filter(() => ++count % 3 !== 0));
    },
  },
  {
    name: "hands out before the time",
    noticedBy: ["a run is not handed out before its time"],
    wrap: (sound) => {
      const early: Ticket[] = [];
      return {
        ...withClaim(sound, async (request) => [...early.splice(0), ...(await sound.claim(request))]),
        async offer(tickets) {
          early.push(...tickets.filter((ticket) => ticket.dueAt !== undefined));
          await sound.offer(tickets);
        },
      };
    },
  },
  {
    name: "never rings",
    noticedBy: [
      "an offer rings on every connection",
      "what waited before someone listened is rung for",
      "settling rings, for a limit may have become free",
      "a run is rung for and handed out when its time comes",
    ],
    wrap: (sound) => ({ ...withClaim(sound), onReady: () => ({ [Symbol.dispose]() {} }) }),
  },
  {
    name: "goes on ringing for those who left",
    noticedBy: ["a listener that was taken away is not called any more"],
    wrap: (sound) => ({
      ...withClaim(sound),
      onReady: (ready) => {
        sound.onReady(ready);
        return { [Symbol.dispose]() {} };
      },
    }),
  },
  {
    name: "keeps what is given back",
    noticedBy: ["what was given back unbegun can be offered again"],
    wrap: (sound) => ({ ...withClaim(sound), settle: () => Promise.resolve() }),
  },
  {
    name: "leaves with a dead owner what it had claimed",
    noticedBy: ["release frees what a dead owner had claimed and not begun"],
    wrap: (sound) => ({ ...withClaim(sound), release: () => Promise.resolve() }),
  },
  {
    name: "takes from the living what it should take from the dead",
    noticedBy: ["release leaves what others have claimed"],
    wrap: (sound) => ({ ...withClaim(sound), release: () => sound.release("own_alive") }),
  },
];

type Claim = (request: ClaimRequest) => Promise<readonly Ticket[]>;

function withClaim(sound: Queue, claim: Claim = (request) => sound.claim(request)): Queue {
  return {
    offer: (tickets) => sound.offer(tickets),
    claim,
    settle: (tickets) => sound.settle(tickets),
    withdraw: (tickets) => sound.withdraw(tickets),
    release: (owner) => sound.release(owner),
    onReady: (ready) => sound.onReady(ready),
    [Symbol.asyncDispose]: () => sound[Symbol.asyncDispose](),
  };
}

function countsItsOwn(sound: Queue): Queue {
  const mine = new Set<string>();
  return {
    ...withClaim(sound, async (request) => {
      const limit = Math.min(request.limit, request.concurrency - mine.size);
      const claimed = await sound.claim({ ...request, limit, concurrency: Infinity });
      for (const ticket of claimed) mine.add(ticket.runId);
      return claimed;
    }),
    async settle(tickets) {
      for (const ticket of tickets) mine.delete(ticket.runId);
      await sound.settle(tickets);
    },
  };
}
