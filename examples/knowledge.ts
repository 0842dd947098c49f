// Documents in, passages and citations out: first a search, then an answer by the built-in extractive model.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAtlas, ingestPaths } from "atlas-agents";

await using atlas = await createAtlas();
const handbook = join(atlas.settings.directory, "handbook.md");
await writeFile(
  handbook,
  "# Handbook\n\nThe office opens at eight.\n\n## Holidays\n\nEverybody has 30 days of holidays a year.\n",
);

const { collections, reports } = await ingestPaths(atlas.knowledge, [handbook]);
console.log(reports[0]?.files);
const hits = await atlas.knowledge.search({ query: "days of holidays", collections });
for (const hit of hits) console.log(`${hit.source}:${hit.startLine}`, hit.headings);

const run = await atlas.start("assistant", "How many days of holidays does everybody have?", {
  knowledge: [handbook],
  model: "offline/extractive",
});
const { output, citations } = await run.result();
console.log(output);
for (const citation of citations) console.log(citation, await atlas.knowledge.verify(citation));
