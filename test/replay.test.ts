import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { goOn } from "./replay/journals.ts";
import type { Continuation, Journal } from "./replay/journals.ts";
import { scenes } from "./replay/scenes.ts";

const folder = fileURLToPath(new URL("./replay/journals", import.meta.url));
const releases = readdirSync(folder).toSorted();

describe.each(releases)("a journal that release %s recorded", (release) => {
  it.each(readdirSync(join(folder, release)).toSorted())("goes on as it did then: %s", async (file) => {
    const path = join(folder, release, file);
    const { journal, continuation } = JSON.parse(readFileSync(path, "utf8")) as {
      readonly journal: Journal;
      readonly continuation?: Continuation;
    };
    const scene = scenes.find(({ name }) => name === journal.scene);
    expect(scene, "the scene of the journal").toBeDefined();
    if (scene === undefined) return;
    const now = await goOn(journal, scene);
    // How a journal goes on is noted once, by the release that recorded it.
    if (continuation === undefined && process.env["ATLAS_NOTE_JOURNALS"] === "1")
      writeFileSync(path, `${JSON.stringify({ journal, continuation: now }, undefined, 1)}\n`);
    else expect(now).toEqual(continuation);
  });
});
