import { once } from "node:events";
import { createServer, connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgres } from "../../../test/lib/postgres.ts";
import type { PostgresServer } from "../../../test/lib/postgres.ts";
import { postgres } from "./postgres.ts";
import type { PostgresDatabase } from "./postgres.ts";

let server: PostgresServer;
beforeAll(async () => void (server = await startPostgres({ own: true })));
afterAll(async () => await server[Symbol.asyncDispose]());

const createLine = "CREATE TABLE line(id INTEGER PRIMARY KEY, value INTEGER NOT NULL)";
const insert = (id: number) => ({
  sql: "INSERT INTO line(id, value) VALUES(?, ?)",
  params: [id, 1],
  commutes: true as const,
});
const addOne = (id: number) => ({ sql: "UPDATE line SET value = value + 1 WHERE id = ?", params: [id], expectRows: 1 });

async function open(url: string, patienceMs = 15_000): Promise<PostgresDatabase> {
  const database = await postgres({ url, patienceMs });
  await database.write([{ sql: "CREATE TABLE IF NOT EXISTS line(id INTEGER PRIMARY KEY, value INTEGER NOT NULL)" }]);
  return database;
}

async function values(database: PostgresDatabase): Promise<unknown[]> {
  return (await database.read({ sql: "SELECT value FROM line ORDER BY id" })).map((row) => row["value"]);
}

/** Stands between client and server, and cuts all connections when what the client sends holds a text. */
async function cutter(url: string) {
  const target = new URL(url);
  const open = new Set<Socket>();
  let cut: { readonly when: (bytes: Buffer) => boolean; readonly deliver: boolean } | undefined;
  let cuts = 0;
  const proxy = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => {}).on("close", () => open.delete(socket));
    }
    client
      .on("close", () => upstream.end())
      .on("data", (bytes) => {
        if (!cut?.when(bytes)) return upstream.write(bytes);
        const { deliver } = cut;
        cut = undefined;
        cuts++;
        upstream.removeAllListeners("data");
        client.destroy();
        if (deliver) upstream.write(bytes, () => upstream.end());
        else upstream.destroy();
        return false;
      });
    upstream.on("data", (bytes) => client.write(bytes)).on("close", () => client.end());
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = new URL(url);
  address.port = String((proxy.address() as AddressInfo).port);
  return {
    url: address.href,
    get cuts() {
      return cuts;
    },
    /** Cuts at the next bytes that hold the text; delivered, the server carries out what nobody will hear of. */
    cutAt(text: string, deliver: boolean) {
      cut = { when: (bytes) => bytes.includes(text), deliver };
    },
    async [Symbol.asyncDispose]() {
      proxy.close();
      for (const socket of open) socket.destroy();
    },
  };
}

describe("a write whose connection is cut", () => {
  const shapes = {
    "one insert": { statements: [insert(1)], at: "INSERT INTO line", expected: [1] },
    "a transaction in one go": { statements: [insert(1), addOne(1)], at: "COMMIT", expected: [2] },
    "a transaction that looks at its answers": {
      statements: [insert(1), { ...addOne(1), sql: `${addOne(1).sql} RETURNING value` }],
      at: "COMMIT",
      expected: [2],
    },
  };
  it.each(
    Object.entries(shapes).flatMap(([name, shape]) => [true, false].map((deliver) => ({ name, ...shape, deliver }))),
  )("is done once: $name, carried out: $deliver", async ({ statements, at, expected, deliver }) => {
    await using between = await cutter(await server.createDatabase("cut"));
    await using database = await open(between.url);
    between.cutAt(at, deliver);
    const results = await database.write(statements);
    expect(between.cuts).toBe(1);
    expect(results.map(({ changes }) => changes)).toEqual(statements.map(() => 1));
    if (statements[1]?.sql.includes("RETURNING")) expect(results[1]?.rows).toEqual([{ value: 2 }]);
    expect(await values(database)).toEqual(expected);
    // What is there already is still a conflict when it is written on purpose.
    await expect(database.write([insert(1)])).rejects.toMatchObject({ code: "write_conflict" });
  });

  it("fails with what is known when the server stays away", async () => {
    await using between = await cutter(await server.createDatabase("cut"));
    await using database = await open(between.url, 300);
    await between[Symbol.asyncDispose]();
    await expect(database.write([insert(1)])).rejects.toMatchObject({ code: "database_unreachable" });
    await expect(database.read({ sql: "SELECT 1 AS one" })).rejects.toMatchObject({ code: "database_unreachable" });
    await expect(database.lock("a")).rejects.toMatchObject({ code: "database_unreachable" });
  });
});

it.each(["immediate", "kill", "fast"] as const)(
  "writes and reads go through a restart (%s) of the server, each once",
  async (mode) => {
    await using database = await open(await server.createDatabase("restart"));
    await database.write([insert(0)]);
    let acknowledged = 0;
    const stop = new AbortController();
    const work = Array.from({ length: 20 }, async (_, worker) => {
      for (let index = 1; !stop.signal.aborted; index++) {
        await database.write([insert(worker * 100_000 + index), addOne(0)]);
        acknowledged++;
        await database.read({ sql: "SELECT count(*) AS count FROM line" });
      }
    });
    const reach = (count: number) => expect.poll(() => acknowledged, { timeout: 10_000 }).toBeGreaterThan(count);
    try {
      await reach(50);
      await server.restart(mode);
      await reach(acknowledged + 100);
    } finally {
      stop.abort();
      await Promise.all(work);
    }
    const [row] = await database.read({
      sql: "SELECT count(*) - 1 AS rows, sum(CASE WHEN id = 0 THEN value - 1 ELSE 0 END) AS added FROM line",
    });
    expect(row).toEqual({ rows: acknowledged, added: acknowledged });
  },
);

it("a lock outlives a restart of the server, or its holder learns that it was lost", async () => {
  const url = await server.createDatabase("locks");
  await using holder = await open(url);
  await using other = await open(url);
  const kept = await holder.lock("kept");
  const lost = await holder.lock("lost");
  let rung = 0;
  using _listening = other.listen(() => void rung++);
  // Once it hears; and again after it was away.
  await expect.poll(() => rung, { timeout: 10_000 }).toBe(1);
  rung = 0;
  await server.stop("immediate");
  // While the server is away another takes one of them.
  await server.start();
  await expect.poll(() => rung, { timeout: 10_000 }).toBeGreaterThan(0);
  await expect.poll(() => other.isLocked("kept"), { timeout: 10_000 }).toBe(true);
  expect(await other.lock("kept")).toBeUndefined();
  expect(kept?.lost?.aborted).toBe(false);
  expect(lost?.lost?.aborted).toBe(false);
  await kept?.[Symbol.asyncDispose]();
  expect(await other.isLocked("kept")).toBe(false);
});

it("who begins to listen is called once it hears, for what was told before, and not again for nothing", async () => {
  await using database = await open(await server.createDatabase("listens"));
  const first = Promise.withResolvers<void>();
  using _first = database.listen(first.resolve);
  await first.promise;
  let calls = 0;
  using _second = database.listen(() => void calls++);
  await (await database.lock("hears"))?.[Symbol.asyncDispose]();
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toBe(0);
});

it("a lock that another took while its connection was away is lost to its holder", async () => {
  const url = await server.createDatabase("locks");
  await using between = await cutter(url);
  await using holder = await open(between.url);
  await using other = await open(url);
  const lock = await holder.lock("a");
  await between[Symbol.asyncDispose]();
  await expect.poll(async () => (await other.lock("a")) !== undefined, { timeout: 10_000 }).toBe(true);
  const port = Number(new URL(between.url).port);
  const back = createServer((client) => {
    const upstream = connect(Number(new URL(url).port), "127.0.0.1");
    client
      .on("error", () => {})
      .pipe(upstream)
      .on("error", () => {})
      .pipe(client);
  }).listen(port, "127.0.0.1");
  await expect.poll(() => lock?.lost?.aborted, { timeout: 10_000 }).toBe(true);
  await holder[Symbol.asyncDispose]();
  back.close();
});

it("says what is wrong with an address and never shows its password", async () => {
  const url = new URL(await server.createDatabase("denied"));
  const tries: [change: (url: URL) => void, code: string][] = [
    [(each) => (each.password = "s3cret-wrong"), "database_denied"],
    [(each) => (each.pathname = "/nowhere"), "database_denied"],
    [(each) => (each.username = "nobody"), "database_denied"],
    [(each) => (each.password = ""), "database_denied"],
    [(each) => (each.hostname = "does-not-exist.invalid"), "database_unreachable"],
  ];
  for (const [change, code] of tries) {
    const other = new URL(url);
    other.password = "s3cret-wrong";
    if (code === "database_denied") other.password = url.password;
    change(other);
    const error: unknown = await postgres({ url: other.href, patienceMs: 200 }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toMatch(/s3cret|atlas-test/);
  }
  await expect(postgres({ url: "postgres://[" })).rejects.toMatchObject({ code: "database_denied" });
});

it("domains that migrate at once get by with a small pool", async () => {
  await using database = await postgres({ url: await server.createDatabase("pool"), poolSize: 2 });
  const domains = ["a", "b", "c", "d"];
  const statements = (domain: string) => [`CREATE TABLE of_${domain}(id INTEGER PRIMARY KEY)`];
  await Promise.all(
    domains.map((domain) => database.migrate(domain, [{ version: 1, name: "made", statements: statements(domain) }])),
  );
  expect(await database.read({ sql: "SELECT domain FROM atlas_migration ORDER BY domain" })).toHaveLength(4);
});

it("a write that is too large for the server fails at once and alone", async () => {
  await using database = await postgres({ url: await server.createDatabase("large") });
  await database.write([{ sql: "CREATE TABLE page(id INTEGER PRIMARY KEY, body BLOB)" }]);
  const sql = "INSERT INTO page(id, body) VALUES(?, ?)";
  const small = database.write([{ sql, params: [1, new Uint8Array(8)] }]);
  await expect(database.write([{ sql, params: [2, new Uint8Array(300_000_000)] }])).rejects.toMatchObject({
    code: "database_failed",
  });
  await small;
});

it("a full disk, a read-only server and a missing right are told apart", async () => {
  const url = await server.createDatabase("rights");
  await using database = await open(url);
  await database.query("ALTER DATABASE " + new URL(url).pathname.slice(1) + " SET default_transaction_read_only = on");
  await using readOnly = await postgres({ url });
  await expect(readOnly.write([insert(5)])).rejects.toMatchObject({ code: "database_read_only" });
  await database.query("CREATE ROLE guest LOGIN PASSWORD 'guest'");
  const guest = new URL(url);
  guest.username = guest.password = "guest";
  await using stranger = await postgres({ url: guest.href });
  await expect(stranger.read({ sql: "SELECT * FROM line" })).rejects.toMatchObject({ code: "database_denied" });
});

it("a queue engine's statements run as they are, and in one transaction", async () => {
  await using database = await open(await server.createDatabase("engine"));
  const { rows } = await database.query("SELECT $1::int AS n, to_timestamp(0) AS at", [7]);
  expect(rows).toEqual([{ n: 7, at: new Date(0) }]);
  await database.transaction(async (executor) => await executor.query("INSERT INTO line(id, value) VALUES(1, 1)"));
  await expect(
    database.transaction(async (executor) => {
      await executor.query("INSERT INTO line(id, value) VALUES(2, 1)");
      throw new Error("enough");
    }),
  ).rejects.toThrow("enough");
  await expect(database.query("SELEKT")).rejects.toMatchObject({ code: "42601" });
  await expect(database.query("SELECT pg_terminate_backend(pg_backend_pid())")).rejects.toMatchObject({
    code: "database_unreachable",
  });
  expect(await values(database)).toEqual([1]);
});

it("statements prepared before a table was changed still work", async () => {
  await using database = await open(await server.createDatabase("changed"));
  const all = { sql: "SELECT * FROM line WHERE id = ?", params: [1] };
  const touch = { sql: "UPDATE line SET value = ? WHERE id = ? RETURNING *", params: [3, 1] };
  await database.write([insert(1)]);
  for (let index = 0; index < 3; index++) await Promise.all([database.read(all), database.write([touch])]);
  await database.write([{ sql: "ALTER TABLE line ADD COLUMN more TEXT NOT NULL DEFAULT 'x'" }]);
  expect(await database.read(all)).toEqual([{ id: 1, value: 3, more: "x" }]);
  expect((await database.write([touch]))[0]?.rows).toEqual([{ id: 1, value: 3, more: "x" }]);
});

it("texts are ordered by their bytes, whatever the server's language is", async () => {
  await using database = await postgres({ url: await server.createDatabase("order") });
  await database.write([{ sql: "CREATE TABLE word(text TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID" }]);
  const words = ["a", "B", "ä", "_", "Z", "z", "1", "🙂", "漢"];
  await database.write(words.map((word) => ({ sql: "INSERT INTO word(text) VALUES(?)", params: [word] })));
  const rows = await database.read({ sql: "SELECT text FROM word ORDER BY text" });
  expect(rows.map((row) => row["text"])).toEqual(
    words.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
});

it("marks of commits do not pile up", async () => {
  const url = await server.createDatabase("marks");
  const database = await postgres({ url });
  await database.write([{ sql: createLine }]);
  for (let id = 0; id < 1_100; id++) await database.write([insert(id)]);
  await using other = await postgres({ url });
  const count = async () => Number((await other.read({ sql: "SELECT count(*) AS n FROM atlas_commit" }))[0]?.["n"]);
  expect(await count()).toBeLessThan(200);
  await database[Symbol.asyncDispose]();
  expect(await count()).toBeLessThan(3);
});
