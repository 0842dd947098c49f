import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { fakeIo } from "../../../test/lib/fake-io.ts";
import { startPostgres } from "../../../test/lib/postgres.ts";
import type { PostgresServer } from "../../../test/lib/postgres.ts";
import { main } from "../main.ts";

let server: PostgresServer;
let directory: string;
beforeAll(async () => void (server = await startPostgres()));
afterAll(async () => await server[Symbol.asyncDispose]());
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "atlas-db-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function atlas(argv: readonly string[], environment: Record<string, string> = {}) {
  const io = fakeIo({ directory, environment: { OLLAMA_HOST: "127.0.0.1:9", ...environment } });
  const code = await main(argv, io);
  return { code, out: io.out(), err: io.err() };
}

async function json(argv: readonly string[], code = 0): Promise<Record<string, unknown>> {
  const called = await atlas([...argv, "--json"]);
  expect([called.code, called.err]).toEqual([code, code === 0 ? "" : called.err]);
  return JSON.parse(called.out) as Record<string, unknown>;
}

/** Leaves one finished run in the database of the folder. */
async function runOnce(): Promise<void> {
  writeFileSync(join(directory, "tea.md"), "# Tea\n\nThe Halden kettle brews tea at 82 degrees.\n");
  const asked = await atlas([
    "run",
    "At how many degrees does the Halden kettle brew?",
    "--knowledge",
    "tea.md",
    "--quiet",
  ]);
  expect(asked.code).toBe(0);
}

it("says that there is no database yet, makes it by migrate, and shows versions, tables and engines", async () => {
  expect(await json(["db", "status"])).toMatchObject({ exists: false, dialect: "sqlite" });
  expect((await atlas(["db", "status"])).out).toContain("not there yet");
  const missing = await atlas(["db", "check"]);
  expect([missing.code, missing.err.includes("There is no database")]).toEqual([1, true]);
  const made = await json(["db", "migrate"]);
  expect(made).toMatchObject({ exists: true, owners: { known: 0, alive: 0 }, queues: {} });
  await runOnce();
  const { out } = await atlas(["db", "status"]);
  expect(out).toMatch(/^schema runs: version \d+$/m);
  expect(out).toMatch(/^run: \d+ rows$/m);
  expect(out).toMatch(/^engines: 0 alive of \d+$/m);
  expect(await json(["db", "check"])).toMatchObject({ ok: true, problems: [] });
});

it("moves what an embedded database holds into a cluster and back, with its password never shown", async () => {
  await runOnce();
  const before = await json(["runs", "list"]);
  const backup = await json(["db", "backup", "move.atlas", "--portable"]);
  expect(backup).toMatchObject({ path: join(directory, "move.atlas") });
  const url = await server.createDatabase("cli");
  const called = [
    await atlas(["db", "restore", "move.atlas", "--storage", url]),
    await atlas(["db", "migrate", "--storage", url]),
    await atlas(["db", "status", "--storage", url, "--json"]),
    await atlas(["db", "check", "--storage", url]),
    await atlas(["db", "backup", "back.atlas", "--storage", url]),
    await atlas(["db", "restore", "back.atlas", "--storage", "other.db"]),
  ];
  for (const { code, out, err } of called) {
    expect([code, err]).toEqual([0, ""]);
    expect(out).not.toContain(new URL(url).password);
  }
  expect(await json(["runs", "list", "--storage", "other.db"])).toEqual(before);
  const again = await atlas(["db", "restore", "move.atlas", "--storage", url]);
  expect([again.code, again.err]).toEqual([2, expect.stringContaining("holds rows in") as unknown]);
});

it("copies the file by default and restores it beside nothing", async () => {
  await runOnce();
  await json(["db", "backup", "copy.db"]);
  await json(["db", "restore", "copy.db", "--storage", "new.db"]);
  expect(await json(["runs", "list", "--storage", "new.db"])).toEqual(await json(["runs", "list"]));
  expect((await atlas(["search", "kettle", "--storage", "new.db"])).out).toContain("82 degrees");
  const url = await server.createDatabase("copy");
  await json(["db", "restore", "copy.db", "--storage", url]);
  for (const [argv, text] of [
    [["db", "restore", "copy.db"], "already"],
    [["db", "backup", "copy.db"], "There is a file"],
    [["db", "restore", "copy.db", "--storage", url], "holds rows"],
  ] as const) {
    const { code, err } = await atlas(argv);
    expect(code).not.toBe(0);
    expect(err).toContain(text);
  }
});

it("says what is wrong with a file that is missing, cut off, damaged or none of ours, and with a newer database", async () => {
  await runOnce();
  await json(["db", "backup", "copy.db"]);
  await json(["db", "backup", "whole.atlas", "--portable"]);
  const bytes = readFileSync(join(directory, "whole.atlas"));
  const files: Record<string, Uint8Array> = {
    "cut.atlas": bytes.subarray(0, bytes.length / 2),
    "cut.db": readFileSync(join(directory, "copy.db")).subarray(0, 20_000),
    "text.atlas": Buffer.from("hello, this is text"),
    "newer.atlas": gzipSync('{"atlas":"backup","format":1,"versions":{"runs":999},"tables":{},"createdAt":0}\n'),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  const tries = [
    ["none.atlas", "backup_failed"],
    ["cut.atlas", "backup_failed"],
    ["cut.db", "database_corrupt"],
    ["text.atlas", "backup_failed"],
    ["newer.atlas", "database_too_new"],
  ];
  for (const [name = "", code = ""] of tries) {
    const called = await atlas(["db", "restore", name, "--storage", `${name}.new.db`, "--json"]);
    expect(called.code).not.toBe(0);
    expect(`${called.out}${called.err}`).toContain(code);
  }
  const damaged = await atlas(["db", "check", "--storage", "cut.db"]);
  expect([damaged.code, damaged.err.length > 0]).toEqual([1, true]);
});
