import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { startPostgres } from "../lib/postgres.ts";
import type { PostgresServer, StopMode } from "../lib/postgres.ts";
import type { Fault } from "./faults.ts";
import { smallDisk } from "./small-disk.ts";
import { tcpProxy } from "./tcp-proxy.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

/** Is what a campaign runs on: where its processes find the database, where the observer does, and what can go wrong with it. */
export interface Ground extends AsyncDisposable {
  /** For the processes of the fleet: a path, or an address by way of a network that fails. */
  readonly storage: string;
  /** For the observer, whom nothing hits but a restart of the server. */
  readonly direct: string;
  readonly faults: readonly Fault[];
  /** What cannot go wrong here, with the reason. */
  readonly skipped: readonly string[];
  /** Ends what goes wrong. */
  calm(): Promise<void>;
}

/** Makes the ground that was asked for: `sqlite`, `postgres`, or a database that is there, by its address. */
export async function openGround(storage: string, folder: string, note: (fault: string) => void): Promise<Ground> {
  if (storage === "sqlite") return await sqliteGround(folder, note);
  if (storage !== "postgres") return await postgresGround(storage, undefined, note);
  const server = await startPostgres({ own: true });
  return await postgresGround(await server.createDatabase("campaign"), server, note);
}

async function sqliteGround(folder: string, note: (fault: string) => void): Promise<Ground> {
  const disk = await smallDisk(join(folder, "disk"));
  const place = typeof disk === "string" ? join(folder, "db") : disk.folder;
  mkdirSync(place, { recursive: true });
  const storage = join(place, "atlas.db");
  if (typeof disk === "string") {
    const skipped = [`no full disk: ${disk}`];
    return { storage, direct: storage, faults: [], skipped, calm: async () => {}, async [Symbol.asyncDispose]() {} };
  }
  const full: Fault = {
    name: "a full disk",
    weight: 1.5,
    async strike(random) {
      const ms = 100 + random.next() * 900;
      note(`the disk is full for ${Math.round(ms)} ms`);
      await disk.fill();
      await delay(ms);
      await disk.free();
    },
  };
  return {
    storage,
    direct: storage,
    faults: [full],
    skipped: [],
    calm: () => disk.free(),
    [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose](),
  };
}

async function postgresGround(
  address: string,
  server: PostgresServer | undefined,
  note: (fault: string) => void,
): Promise<Ground> {
  const proxy = await tcpProxy(Number(new URL(address).port || 5432));
  const behind = new URL(address);
  behind.hostname = "127.0.0.1";
  behind.port = String(proxy.port);
  return {
    storage: behind.href,
    direct: address,
    faults: [...networkFaults(proxy, note), terminate(address, note), ...(server ? restarts(server, note) : [])],
    skipped: server ? [] : ["no restart of a database server that was there before"],
    calm: () => Promise.resolve(proxy.flow()),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    },
  };
}

function networkFaults(proxy: TcpProxy, note: (fault: string) => void): Fault[] {
  const forAWhile = (name: string, weight: number, begin: () => void): Fault => ({
    name,
    weight,
    async strike(random) {
      const ms = 50 + random.next() * 1_500;
      note(`the network ${name} for ${Math.round(ms)} ms`);
      begin();
      await delay(ms);
      proxy.flow();
    },
  });
  return [
    { name: "cuts", weight: 2, strike: () => proxy.cut() },
    forAWhile("stalls", 1.5, () => proxy.stall()),
    forAWhile("refuses", 1, () => proxy.refuse()),
  ];
}

function terminate(address: string, note: (fault: string) => void): Fault {
  return {
    name: "an ended session",
    weight: 3,
    async strike() {
      // A restart may come between two of its words: that must not end the campaign.
      const client = new Client(address).on("error", () => {});
      try {
        await client.connect();
        await client.query(`SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1) AS one`);
      } catch {
        note("no session ended: the server is away");
      } finally {
        await client.end().catch(() => {});
      }
    },
  };
}

function restarts(server: PostgresServer, note: (fault: string) => void): Fault[] {
  let busy = false;
  const restart = (mode: StopMode, weight: number): Fault => ({
    name: `a restart (${mode})`,
    weight,
    async strike() {
      if (busy) return;
      busy = true;
      note(`the database is stopped (${mode}) and started`);
      await server.restart(mode).finally(() => (busy = false));
    },
  });
  return [restart("fast", 0.6), restart("immediate", 0.8), restart("kill", 0.6)];
}
