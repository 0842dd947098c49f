import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isJsonObject, parseJson } from "../../../base/index.ts";
import type { JsonObject } from "../../../base/index.ts";

/**
 * Finds a program of a package that the workspace has installed, and how it is started; undefined where there is none. It is looked
 * for in the folder, and above it as far as the repository that it is in reaches.
 */
export async function installedTool(
  folder: string,
  name: string,
  bin = name,
): Promise<readonly [program: string, ...args: string[]] | undefined> {
  for (const root of rootsOf(folder)) {
    const place = join(root, "node_modules", name);
    const manifest = await readManifest(place);
    const bins = manifest?.["bin"];
    const path = typeof bins === "string" ? bins : isJsonObject(bins) ? bins[bin] : undefined;
    if (typeof path !== "string") continue;
    const file = join(place, path);
    const head = (await readFile(file, "latin1").catch(() => "")).slice(0, 100);
    return /\.[cm]?js$/.test(file) || /^#!.*\bnode\b/.test(head) ? [process.execPath, file] : [file];
  }
  return undefined;
}

/** Reads the package.json of a folder; undefined where there is none that can be read. */
export async function readManifest(folder: string): Promise<JsonObject | undefined> {
  try {
    const manifest = parseJson(await readFile(join(folder, "package.json"), "utf8"), "a package.json");
    return isJsonObject(manifest) ? manifest : undefined;
  } catch {
    return undefined;
  }
}

function rootsOf(folder: string): readonly string[] {
  const above: string[] = [];
  for (let at = folder; ; at = dirname(at)) {
    above.push(at);
    if (existsSync(join(at, ".git"))) return above;
    if (dirname(at) === at) return [folder];
  }
}
