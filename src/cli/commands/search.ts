import { resolve } from "node:path";
import type { Hit } from "../../knowledge/index.ts";
import { ingestPaths } from "../../knowledge/index.ts";
import type { Call } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { count, place } from "../format.ts";
import { oneLine, unbroken } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas search`. */
export interface SearchOptions {
  readonly knowledge?: readonly string[];
  readonly limit?: number;
}

/** Searches documents without any model; without `--knowledge`, all that were ever read here. */
export async function search(call: Call<SearchOptions>): Promise<number> {
  const { args, options, io, screen, interrupt } = call;
  const { signal } = interrupt;
  const query = args.join(" ").trim();
  if (query === "")
    throw cliErrors.create("usage", "There is nothing to search for, or only white space. See: atlas search --help");
  await using atlas = await openAtlas(call);
  const { paths, maxFileBytes } = atlas.settings.values.knowledge;
  const wanted = (options.knowledge ?? paths).map((path) => resolve(io.directory, path));
  const ingested =
    wanted.length === 0
      ? undefined
      : await ingestPaths(atlas.knowledge, wanted, {
          maxFileBytes,
          signal,
          onProgress: ({ filesDone, filesTotal }) =>
            screen.progress(`Reading documents: ${filesDone} of ${count(filesTotal, "file")}`),
        });
  screen.progress("");
  for (const { path, message } of (ingested?.reports ?? []).flatMap((report) => report.failures).slice(0, 5)) {
    screen.say([styled("yellow", `Left out ${unbroken(path)}: ${oneLine(message, 400)}`)], "always");
  }
  const hits = await atlas.knowledge.search({
    query,
    limit: options.limit ?? 10,
    signal,
    ...(ingested === undefined ? {} : { collections: ingested.collections }),
  });
  if (screen.json) screen.printJson({ hits: hits.map(hitJson) });
  else showHits(hits, call);
  return 0;
}

function hitJson({ source, startLine, endLine, score, text, title, headings }: Hit): object {
  return { source, startLine, endLine, score, text, title, headings };
}

function showHits(hits: readonly Hit[], { io, screen }: Call): void {
  if (hits.length === 0) return screen.say("Nothing was found. Try other words, or fewer.");
  for (const hit of hits) {
    const where = styled("cyan", `${place(hit.source, io.directory)}:${hit.startLine}`);
    const headings = hit.headings.length === 0 ? "" : `  ${oneLine(hit.headings.join(" › "), 400)}`;
    const lines = hit.text.trim().split("\n");
    const shown = lines.slice(0, 6).map((text) => `\n  ${text}`);
    screen.print(line`${where}${styled("bold", headings)}${shown}${lines.length > 6 ? "\n  …" : ""}\n`);
  }
}
