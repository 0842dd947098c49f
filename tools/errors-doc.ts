// Writes docs/errors.md from the error tables; with --check, fails when the file on disk is another.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readErrorTables, renderErrorTables } from "./lib/error-tables.ts";
import { root } from "./lib/process.ts";

const path = join(root, "docs", "errors.md");
const wanted = renderErrorTables(await readErrorTables());
if (process.argv.includes("--check")) {
  const found = await readFile(path, "utf8").catch(() => "");
  if (found !== wanted) {
    console.log("docs/errors.md is not what the error tables say; run `npm run docs:errors`.");
    process.exitCode = 1;
  }
} else {
  await mkdir(join(root, "docs"), { recursive: true });
  await writeFile(path, wanted);
}
