// Measures what one piece of a streamed answer costs the client, against raw undici and against other clients.
import type { BenchResult, Round } from "./lib/harness.ts";
import { alternate, median } from "./lib/harness.ts";
import { installPeers } from "./lib/peers.ts";
import { startModelServer } from "./lib/start-server.ts";
import { type Client, startClient } from "./streams/start-client.ts";
import { type ClientName, clientNames } from "./streams/subjects.ts";

const streams = 200;
const rounds = 7;
/** How often each client runs before it is measured, so that all of its code is compiled. */
const warmUps = 4;
const coalescedEvents = 400;
const pacedEvents = 50;
const firstCalls = 300;

/** Runs 200 streams at once with each client, in turn, and counts the CPU of the client's process. */
export async function run(): Promise<BenchResult> {
  await installPeers();
  using server = await startModelServer();
  using clients = await startClients();
  await warmUp(clients, `${server.url}/coalesced/${coalescedEvents}`);
  const coalesced = await measure(clients, `${server.url}/coalesced/${coalescedEvents}`, coalescedEvents);
  const paced = await measure(clients, `${server.url}/paced/${pacedEvents}`, pacedEvents);
  const over = (name: ClientName): number => Math.min(coalesced[name] / coalesced.atlas, paced[name] / paced.atlas);
  return {
    metrics: {
      ...named("coalesced_us", coalesced),
      ...named("paced_us", paced),
      heap_kb_per_stream: await heapKb("atlas", server.url),
      floor_heap_kb_per_stream: await heapKb("floor", server.url),
      ttft_overhead_ms: await firstPartMs(clients, `${server.url}/coalesced/1`),
    },
    ratios: {
      vs_floor_coalesced: coalesced.atlas / coalesced.floor,
      vs_floor_paced: paced.atlas / paced.floor,
      ai_sdk_over_atlas: over("ai_sdk"),
      openai_sdk_over_atlas: over("openai_sdk"),
      langchain_over_atlas: over("langchain"),
    },
    notes: [
      `CPU time (user and system) for each event; ${streams} streams at once; each client and the server is a process of its own; medians of ${rounds} alternating rounds after ${warmUps + 1} that warm up.`,
      `Coalesced: ${coalescedEvents} events of 330 bytes, 50 in a packet. Paced: ${pacedEvents} events, one in a packet, every 25 ms. Connections are kept between rounds where the client keeps them.`,
      "The floor is undici's request, its body read with for await, decoded, cut at empty lines, JSON.parse once for each event, the delta's text read; nothing else.",
      "A peer's ratio is the smaller of its two (coalesced and paced). ttft_overhead_ms is the first text of one call on a warm connection less the floor's, the median of pairs.",
      "heap_kb_per_stream is heapUsed after a collection with 200 streams open in mid-answer, less that before them, connection included; the median of 5 processes.",
      "Left out: TLS, HTTP/2, compression, tool calls.",
    ],
  };
}

type Clients = Readonly<Record<ClientName, Client>>;

async function startClients(): Promise<Clients & Disposable> {
  const pairs: [string, Client][] = [];
  for (const name of clientNames) pairs.push([name, await startClient(name)]);
  const clients = Object.fromEntries(pairs) as Clients;
  return { ...clients, [Symbol.dispose]: () => pairs.forEach(([, client]) => client[Symbol.dispose]()) };
}

async function warmUp(clients: Clients, baseUrl: string): Promise<void> {
  for (let round = 0; round < warmUps; round++) {
    for (const name of clientNames) await clients[name].ask({ kind: "cpu", baseUrl, streams, events: coalescedEvents });
  }
}

async function measure(clients: Clients, baseUrl: string, events: number): Promise<Record<ClientName, number>> {
  const task = { kind: "cpu", baseUrl, streams, events } as const;
  const subjects = Object.fromEntries(
    clientNames.map((name): [ClientName, Round] => [name, () => clients[name].ask(task)]),
  ) as Record<ClientName, Round>;
  return await alternate(subjects, rounds);
}

async function firstPartMs({ atlas, floor }: Clients, baseUrl: string): Promise<number> {
  const task = { kind: "first", baseUrl, streams: 1, events: 1 } as const;
  const differences: number[] = [];
  for (let call = 0; call < firstCalls; call++) {
    const [first, second] = call % 2 === 0 ? [floor, atlas] : [atlas, floor];
    const difference = (await second.ask(task)) - (await first.ask(task));
    if (call >= firstCalls / 10) differences.push(call % 2 === 0 ? difference : -difference);
  }
  return median(differences);
}

async function heapKb(name: ClientName, url: string): Promise<number> {
  const samples: number[] = [];
  for (let sample = 0; sample < 5; sample++) {
    using client = await startClient(name);
    await client.ask({ kind: "cpu", baseUrl: `${url}/coalesced/20`, streams: 20, events: 20 });
    samples.push(await client.ask({ kind: "heap", baseUrl: `${url}/held/20`, streams, events: 20 }));
  }
  return median(samples);
}

function named(unit: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${name}_${unit}`, value]));
}
