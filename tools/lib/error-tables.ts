import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Visitor } from "oxc-parser";
import { z } from "zod";
import { root } from "./process.ts";
import type { Source } from "./sources.ts";
import { isTest, parse, readSources } from "./sources.ts";

const specSchema = z.object({
  status: z.int().min(400).max(599),
  retry: z.enum(["never", "later", "changed"]),
  exitCode: z.int().min(1).max(255),
  summary: z.string().regex(/^[A-Z].*\.$/s),
  fix: z.string().min(1),
});

const domainSchema = z.object({
  domain: z.string(),
  table: z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), specSchema),
});

/** Is one domain's error table. */
export type ErrorTable = z.infer<typeof domainSchema>;

/** Reads the tables of every `errors.ts` in src by importing it. Order: by domain. */
export async function readErrorTables(): Promise<readonly ErrorTable[]> {
  const sources = (await readSources("src")).filter(({ path }) => path.endsWith("/errors.ts"));
  const tables: ErrorTable[] = [];
  for (const { path } of sources) {
    const module: unknown = await import(pathToFileURL(join(root, path)).href);
    for (const value of Object.values(z.record(z.string(), z.unknown()).parse({ ...(module as object) }))) {
      if (typeof value !== "object" || value === null || !("table" in value)) continue;
      const read = domainSchema.safeParse(value);
      if (!read.success) throw new Error(`${path}: ${z.prettifyError(read.error)}`);
      tables.push(read.data);
    }
  }
  return tables.sort((a, b) => (a.domain < b.domain ? -1 : 1));
}

/** Finds the codes that no source names as a text: nothing can throw them. */
export function unreachableCodes(tables: readonly ErrorTable[], sources: readonly Source[]): readonly string[] {
  const texts = new Set<string>();
  for (const source of sources.filter(({ path }) => !isTest(path))) {
    new Visitor({
      Literal(node) {
        if (typeof node.value === "string") texts.add(node.value);
      },
      TemplateElement(node) {
        if (node.value.cooked !== null) texts.add(node.value.cooked);
      },
    }).visit(parse(source).program);
  }
  return tables.flatMap(({ table }) => Object.keys(table)).filter((code) => !texts.has(code));
}

/** Writes docs/errors.md: a table a domain. */
export function renderErrorTables(tables: readonly ErrorTable[]): string {
  const lines = [
    "# Errors",
    "",
    "Generated from the tables in `src/*/errors.ts` by `npm run docs:errors`; edit those.",
    "",
    "Retry says whether trying again can help: `never`, `later` (the same call may succeed in a while) or `changed` (only with",
    "another input, setting or environment). Exit is the exit code of `atlas`; a run that failed ends with 7 where the table",
    "says 1. HTTP is the status of an answer.",
  ];
  for (const { domain, table } of tables) {
    lines.push(
      "",
      `## ${domain}`,
      "",
      "| code | what happened | retry | exit | HTTP | what to do |",
      "|---|---|---|---|---|---|",
    );
    for (const [code, spec] of Object.entries(table)) {
      lines.push(
        `| \`${code}\` | ${cell(spec.summary)} | ${spec.retry} | ${spec.exitCode} | ${spec.status} | ${cell(spec.fix)} |`,
      );
    }
  }
  return `${lines.join("\n")}\n`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
