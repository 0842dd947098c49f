import { resolve } from "node:path";
import { collectionOfPath, ingestPaths } from "../../knowledge/index.ts";
import type { Call } from "../command.ts";
import { count, duration, size } from "../format.ts";
import { unbroken } from "../harmless.ts";
import { tellIngest } from "../narrator.ts";
import { openAtlas } from "../open.ts";

/** Reads documents into the database, so that later commands find them read. */
export async function ingest(call: Call): Promise<number> {
  const { args, io, screen, interrupt } = call;
  await using atlas = await openAtlas(call);
  const { reports } = await ingestPaths(
    atlas.knowledge,
    args.map((path) => resolve(io.directory, path)),
    {
      maxFileBytes: atlas.settings.values.knowledge.maxFileBytes,
      signal: interrupt.signal,
      onProgress: ({ filesDone, filesTotal, bytesDone, bytesTotal }) =>
        screen.progress(
          `Reading documents: ${filesDone} of ${count(filesTotal, "file")}, ${size(bytesDone)} of ${size(bytesTotal)}`,
        ),
    },
  );
  screen.progress("");
  if (screen.json) screen.printJson({ reports });
  // Paths that were named twice have one report.
  const typed = new Map(args.toReversed().map((path) => [collectionOfPath(resolve(io.directory, path)), path]));
  for (const report of reports) {
    if (screen.json) continue;
    tellIngest([{ ...report, failures: report.failures.map((failure) => ({ ...failure })) }], screen);
    screen.print(
      `${unbroken(typed.get(report.collection) ?? report.collection)}: ${count(report.chunksWritten, "passage")} written from ${size(report.bytes)} in ${duration(report.durationMs)}`,
    );
  }
  return reports.some(({ files }) => files.failed > 0 && files.added + files.changed + files.unchanged === 0) ? 1 : 0;
}
