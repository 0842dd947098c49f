import { mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { documentTools } from "../../tools/index.ts";
import type { Call } from "../command.ts";
import { count, place } from "../format.ts";
import { openAtlas } from "../open.ts";
import { agentsWith, sortedTools } from "./tools-list.ts";

/** Are the options of `atlas tools docs`. */
export interface ToolsDocsOptions {
  readonly out?: string;
}

/** Writes the documentation of all tools that are known here: as Markdown, or as JSON. */
export async function toolsDocs(call: Call<ToolsDocsOptions>): Promise<number> {
  const { options, screen, io } = call;
  await using atlas = await openAtlas(call);
  const { tools: docs, markdown } = await documentTools(sortedTools(atlas), (tool) => agentsWith(atlas, tool));
  for (const problem of docs.flatMap(({ problems }) => problems)) screen.say(`${problem}.`, "always");
  if (options.out !== undefined) {
    const path = resolve(io.directory, options.out);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, screen.json ? `${JSON.stringify({ tools: docs }, undefined, 2)}\n` : markdown);
    if (screen.json) screen.printJson({ file: path, tools: docs.length });
    else screen.say(`${count(docs.length, "tool")} written to ${place(path, io.directory)}.`);
  } else if (screen.json) screen.printJson({ tools: docs });
  else screen.print(markdown.trimEnd());
  return 0;
}
