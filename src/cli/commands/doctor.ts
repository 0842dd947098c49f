import { constants } from "node:fs";
import { access, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import type { Atlas, LoadedSettings } from "../../app/index.ts";
import { toAtlasError } from "../../base/index.ts";
import { isPostgresAddress, makeFolder, shownAddress } from "../../storage/index.ts";
import type { Call } from "../command.ts";
import { size } from "../format.ts";
import { line, styled } from "../line.ts";
import { offered } from "../offered.ts";
import { flagsOf, openAtlas } from "../open.ts";

/** Is one thing that was looked at: how it is, and what to do where it is not well. */
export interface Finding {
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  readonly message: string;
  readonly advice?: string;
}

const neededNode = [24, 17];
const scarceBytes = 500_000_000;

/** Checks that everything works here and says what to do. Fails when something keeps Atlas from working. */
export async function doctor(call: Call): Promise<number> {
  const { screen } = call;
  const findings: Finding[] = [checkNode()];
  const settings = await checkSettings(call, findings);
  if (settings !== undefined) {
    const writable = await checkStorage(settings.values.storage, findings);
    if (writable) await checkInside(call, findings);
    for (const path of settings.values.knowledge.paths) findings.push(await checkPath("knowledge", path));
  }
  const failed = findings.some(({ state }) => state === "fail");
  if (screen.json) screen.printJson({ ok: !failed, checks: findings });
  else for (const finding of findings) show(finding, call);
  return failed ? 1 : 0;
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [neededMajor = 0, neededMinor = 0] = neededNode;
  const fits = major > neededMajor || (major === neededMajor && minor >= neededMinor);
  const message = `Node ${process.versions.node}`;
  return fits
    ? { name: "node", state: "ok", message }
    : { name: "node", state: "fail", message, advice: `Install Node ${neededNode.join(".")} or newer.` };
}

async function checkSettings({ io, options, screen }: Call, findings: Finding[]): Promise<LoadedSettings | undefined> {
  const { loadSettings } = await import("../../app/index.ts");
  try {
    const { directory, environment } = io;
    const settings = await loadSettings({ directory, environment, flags: flagsOf(options), profile: options.profile });
    screen.protect(settings.secrets);
    const message = settings.file === undefined ? "defaults and environment; no atlas.toml" : settings.file;
    findings.push({ name: "settings", state: "ok", message });
    for (const warning of settings.warnings) findings.push({ name: "settings", state: "warn", message: warning });
    return settings;
  } catch (error) {
    findings.push(failure("settings", error));
    return undefined;
  }
}

function failure(name: string, error: unknown): Finding {
  const { message, fix } = toAtlasError(error);
  return { name, state: "fail", message, advice: fix };
}

async function checkStorage(storage: string, findings: Finding[]): Promise<boolean> {
  if (!isPostgresAddress(storage)) return await checkFolder(storage, findings);
  findings.push({ name: "storage", state: "ok", message: shownAddress(storage) });
  return true;
}

async function checkFolder(path: string, findings: Finding[]): Promise<boolean> {
  const folder = dirname(path);
  try {
    makeFolder(folder);
    await access(folder, constants.W_OK);
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    findings.push({ name: "storage", state: "ok", message: path });
    findings.push({
      name: "disk",
      state: free < scarceBytes ? "warn" : "ok",
      message: `${size(free)} free`,
      ...(free < scarceBytes ? { advice: "Free some space: runs and knowledge are kept there." } : {}),
    });
    return true;
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    const advice = "Give write permission on the folder, or name another file with --storage or ATLAS_STORAGE.";
    findings.push({ name: "storage", state: "fail", message: `${folder} cannot be written to (${reason})`, advice });
    return false;
  }
}

async function checkInside(call: Call, findings: Finding[]): Promise<void> {
  try {
    await using atlas = await openAtlas(call);
    const { sizeBytes, problems } = await atlas.check();
    if (problems.length === 0)
      findings.push({ name: "database", state: "ok", message: `sound, ${size(sizeBytes)}, and its schema fits` });
    else
      findings.push({
        name: "database",
        state: "fail",
        message: `damaged: ${problems[0]}`,
        advice: "Keep the file, restore a backup in its place, or move it away to start anew.",
      });
    const interrupted = await atlas.runs.list({ status: "interrupted", limit: 100 });
    if (interrupted.length > 0) {
      const advice = "Take them up with: atlas runs resume --all";
      findings.push({ name: "runs", state: "warn", message: `${interrupted.length} interrupted`, advice });
    }
    for (const { name, documents } of await atlas.knowledge.collections()) {
      if (documents === 0)
        findings.push({ name: "knowledge", state: "warn", message: `the collection ${name} holds no document` });
    }
    await checkModels(atlas, { signal: call.interrupt.signal, findings });
  } catch (error) {
    findings.push(failure("database", error));
  }
}

async function checkModels(
  atlas: Atlas,
  { signal, findings }: { readonly signal: AbortSignal; readonly findings: Finding[] },
): Promise<void> {
  try {
    const { candidates, groups, used } = await offered(atlas, signal);
    for (const { provider, usable, reason, problem } of candidates) {
      if (usable && problem === undefined) findings.push({ name: provider, state: "ok", message: reason });
      else if (!reason.endsWith("is not set"))
        findings.push({
          name: provider,
          state: "warn",
          message: reason,
          ...(problem === undefined ? {} : { advice: problem }),
        });
    }
    for (const { group, members, usable, problem } of groups) {
      const name = `group:${group}`;
      findings.push(
        usable
          ? { name, state: "ok", message: members.join(", ") }
          : { name, state: "fail", message: problem ?? "cannot be used" },
      );
    }
    await atlas.models.get();
    findings.push({ name: "model", state: "ok", message: `${used} is used when none is named` });
  } catch (error) {
    findings.push(failure("model", error));
  }
}

async function checkPath(name: string, path: string): Promise<Finding> {
  return await access(path, constants.R_OK).then(
    (): Finding => ({ name, state: "ok", message: path }),
    (): Finding => ({
      name,
      state: "fail",
      message: `${path} is not there or cannot be read`,
      advice: "Correct knowledge.paths in the settings.",
    }),
  );
}

function show({ name, state, message, advice }: Finding, { screen }: Call): void {
  // What is wrong with several settings is said on several lines; a path begins none.
  const shown = (text: string): string => screen.redact(text).replaceAll(/\n(?! )/g, "\\n");
  const look = state === "ok" ? "green" : state === "warn" ? "yellow" : "red";
  screen.print(line`${styled(look, state.padEnd(4))} ${name.padEnd(10)} ${shown(message)}`);
  if (advice !== undefined) screen.print(`                → ${shown(advice)}`);
}
