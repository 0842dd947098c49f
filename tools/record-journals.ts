// Records the journals of this release into a folder: node tools/record-journals.ts test/replay/journals/0.2.0
// What is there already is never recorded anew: those logs are what must go on for ever.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { recordJournal } from "../test/replay/journals.ts";
import { runMigrations } from "../src/runs/schema.ts";
import { scenes } from "../test/replay/scenes.ts";

const [folder = ""] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
for (const scene of scenes) {
  const path = join(folder, `${scene.name.replaceAll(" ", "-")}.json`);
  if (scene.since > (runMigrations.at(-1)?.version ?? 0) || existsSync(path)) continue;
  writeFileSync(path, `${JSON.stringify({ journal: await recordJournal(scene) }, undefined, 1)}\n`);
  console.log(path);
}
