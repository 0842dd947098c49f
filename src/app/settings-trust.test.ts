import { chmodSync, lchownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadSettings } from "./settings.ts";
import { requireTrust, trustOf } from "./settings-trust.ts";

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atlas-trust-"));
  file = join(directory, "atlas.toml");
  writeFileSync(file, 'model = "a/b"\n', { mode: 0o644 });
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const uid = process.getuid?.() ?? 0;
/** Makes a file somebody else's: root gives it away, anybody else becomes another reader. */
function giveAway(path: string): { readonly reader: number; readonly owner: number } {
  if (uid !== 0) return { reader: uid + 4711, owner: uid };
  lchownSync(path, 4711, 4711);
  return { reader: 0, owner: 4711 };
}

const load = (environment: Record<string, string> = {}, from = directory) =>
  loadSettings({ directory: from, environment });
const isRefused = async (environment?: Record<string, string>, from?: string): Promise<boolean> =>
  await load(environment, from).then(
    () => false,
    (error: { code: string; message: string }) => {
      expect([error.code, error.message]).toEqual(["settings_unreadable", expect.stringContaining("ATLAS_TRUST=")]);
      return true;
    },
  );

test("a file of the user is used, with no question where the system has no owners", () => {
  expect(() => requireTrust(file, { uid })).not.toThrow();
  expect(() => requireTrust(file, {})).not.toThrow();
});

test("a file of another user is refused, unless its folder is trusted", () => {
  const { reader, owner } = giveAway(file);
  expect(() => requireTrust(file, { uid: reader })).toThrow(
    `it belongs to another user (uid ${owner}, you are ${reader})`,
  );
  expect(() => requireTrust(file, { uid: reader, folders: [directory] })).not.toThrow();
});

test("a link of another user is refused whatever it leads to", () => {
  const link = join(directory, "link.toml");
  symlinkSync("/etc/hostname", link);
  const { reader } = giveAway(link);
  expect(() => requireTrust(link, { uid: reader })).toThrow("belongs to another user");
});

test("a file that every user may write to is refused", async () => {
  chmodSync(file, 0o666);
  expect(await isRefused()).toBe(true);
});

test("a file in a folder where every user may replace it is refused, but not where the folder is sticky", async () => {
  chmodSync(directory, 0o777);
  expect(await isRefused()).toBe(true);
  expect(await isRefused({ ATLAS_TRUST: directory })).toBe(false);
  mkdirSync(join(directory, "below"));
  expect(await isRefused({}, join(directory, "below"))).toBe(true);
  chmodSync(directory, 0o1777);
  expect(await isRefused()).toBe(false);
});

test("a .env that is not to be trusted is refused too, for it can name code as well", async () => {
  rmSync(file);
  writeFileSync(join(directory, ".env"), "ATLAS_MODULES=evil.mjs\n");
  chmodSync(join(directory, ".env"), 0o666);
  expect(await isRefused()).toBe(true);
});

test("the search for a file ends at the root of the repository and at the home folder", async () => {
  const inside = join(directory, "repository", "src");
  mkdirSync(inside, { recursive: true });
  expect((await load({}, inside)).file).toBe(file);
  expect((await load({ HOME: join(directory, "repository") }, inside)).file).toBeUndefined();
  expect((await load({ HOME: directory }, inside)).file).toBe(file);
  mkdirSync(join(directory, "repository", ".git"));
  expect((await load({}, inside)).file).toBeUndefined();
  writeFileSync(join(directory, "repository", "atlas.toml"), "");
  expect((await load({}, inside)).file).toBe(join(directory, "repository", "atlas.toml"));
});

test("folders to trust are read from the variable alone", () => {
  expect(trustOf({ ATLAS_TRUST: "/one, /two,," })).toMatchObject({ folders: ["/one", "/two"] });
  expect(trustOf({}).folders).toEqual([]);
});
