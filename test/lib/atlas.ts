import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { createAtlas } from "../../src/index.ts";
import type { Atlas, AtlasOptions } from "../../src/index.ts";

/** Gives every test of the file an Atlas of its own in a folder of its own; the result gives the one of the test that runs. */
export function useAtlas(options: Omit<AtlasOptions, "directory"> = {}): () => Atlas {
  let folder: string;
  let atlas: Atlas | undefined;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "atlas-test-"));
    atlas = await createAtlas({ directory: folder, environment: {}, ...options });
  });
  afterEach(async () => {
    await atlas?.close();
    rmSync(folder, { recursive: true });
  });
  return () => {
    if (atlas === undefined) throw new Error("An Atlas is there while a test runs.");
    return atlas;
  };
}
