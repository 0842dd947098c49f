// Measures what one piece of a streamed answer costs the client, against raw undici and against other clients.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { BenchResult, Round } from "./lib/harness.ts";
import { alternate, median } from "./lib/harness.ts";
import { type ModelServer, startModelServer } from "./lib/start-server.ts";
import { aiSdk, atlas, floor, langchain, openaiSdk, type ReadAnswer } from "./streams/subjects.ts";

const streams = 200;
const rounds = 5;
const coalescedEvents = 400;
const pacedEvents = 60;
const firstCalls = 300;

/** Runs 200 streams at once with each client, in turn, and counts the CPU of this process. */
export async function run(): Promise<BenchResult> {
  using server = await startModelServer();
  const clients = {
    atlas: atlas(),
    floor: floor(),
    ai_sdk: aiSdk(),
    openai_sdk: openaiSdk(),
    langchain: await langchain(),
  };
  const coalesced = await measure(clients, `${server.url}/coalesced/${coalescedEvents}`, coalescedEvents);
  const paced = await measure(clients, `${server.url}/paced/${pacedEvents}`, pacedEvents);
  const firsts = await firstPart(clients, `${server.url}/coalesced/1`);
  const over = (name: keyof typeof clients): number =>
    Math.min(coalesced[name] / coalesced.atlas, paced[name] / paced.atlas);
  return {
    metrics: {
      ...named("coalesced_us", coalesced),
      ...named("paced_us", paced),
      heap_kb_per_stream: await heapKb(server, clients.atlas),
      floor_heap_kb_per_stream: await heapKb(server, clients.floor),
      ttft_overhead_ms: firsts,
    },
    ratios: {
      vs_floor_coalesced: coalesced.atlas / coalesced.floor,
      vs_floor_paced: paced.atlas / paced.floor,
      ai_sdk_over_atlas: over("ai_sdk"),
      openai_sdk_over_atlas: over("openai_sdk"),
      langchain_over_atlas: over("langchain"),
    },
    notes: [
      `CPU time (user and system) of the client's process for each event; ${streams} streams at once; the server is another process.`,
      `Coalesced: ${coalescedEvents} events of 330 bytes, 50 in a packet. Paced: ${pacedEvents} events, one in a packet, every 25 ms.`,
      "The floor is undici's request, its body read with for await, decoded, cut at empty lines, JSON.parse once for each event, the delta's text read; nothing else.",
      "A peer's ratio is the smaller of its two (coalesced and paced). ttft_overhead_ms is the first text of one call on a warm connection less the floor's.",
      "heap_kb_per_stream is heapUsed after a collection with 200 streams open in mid-answer, less that before them, connection included.",
      "Left out: TLS, HTTP/2, compression, tool calls.",
    ],
  };
}

async function measure<Name extends string>(
  clients: Readonly<Record<Name, ReadAnswer>>,
  baseUrl: string,
  events: number,
): Promise<Record<Name, number>> {
  const subjects = Object.fromEntries(
    Object.entries<ReadAnswer>(clients).map(([name, read]): [string, Round] => [
      name,
      () => cpuUs(read, baseUrl, events),
    ]),
  );
  return (await alternate(subjects, rounds)) as Record<Name, number>;
}

async function cpuUs(read: ReadAnswer, baseUrl: string, events: number): Promise<number> {
  collectGarbage();
  const start = process.cpuUsage();
  const counts = await Promise.all(Array.from({ length: streams }, () => read(baseUrl)));
  const { user, system } = process.cpuUsage(start);
  if (counts.some((count) => count !== events)) throw new Error(`A client lost events: ${counts.join(" ")}`);
  return (user + system) / (streams * events);
}

async function firstPart(
  { atlas: ours, floor: theirs }: { readonly atlas: ReadAnswer; readonly floor: ReadAnswer },
  baseUrl: string,
): Promise<number> {
  const differences: number[] = [];
  for (let call = 0; call < firstCalls; call++) {
    const swapped = call % 2 === 0;
    const first = await firstMs(swapped ? theirs : ours, baseUrl);
    const second = await firstMs(swapped ? ours : theirs, baseUrl);
    if (call >= firstCalls / 10) differences.push(swapped ? second - first : first - second);
  }
  return median(differences);
}

async function firstMs(read: ReadAnswer, baseUrl: string): Promise<number> {
  const start = performance.now();
  let ms = Number.NaN;
  await read(baseUrl, () => (ms = performance.now() - start));
  return ms;
}

async function heapKb({ url }: ModelServer, read: ReadAnswer): Promise<number> {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) samples.push(await heapOnce(url, read));
  return median(samples);
}

/** Opens streams that hold after 20 events. They end when their provider of this round is gone, with an error that is expected. */
async function heapOnce(_url: string, read: ReadAnswer): Promise<number> {
  const held = await startModelServer();
  await read(`${held.url}/coalesced/20`);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const begun: Promise<void>[] = [];
  const ended = Array.from({ length: streams }, () => {
    const first = Promise.withResolvers<void>();
    begun.push(first.promise);
    return read(`${held.url}/held/20`, first.resolve).catch(() => {});
  });
  await Promise.all(begun);
  await new Promise((resolve) => setTimeout(resolve, 50));
  collectGarbage();
  const kb = (process.memoryUsage().heapUsed - before) / 1024 / streams;
  held[Symbol.dispose]();
  await Promise.all(ended);
  return kb;
}

function named(unit: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${name}_${unit}`, value]));
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
}
