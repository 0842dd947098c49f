import { open, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Atlas } from "../../app/index.ts";
import type { ComparedCall, Comparison, ComparisonPrompt, Model } from "../../providers/index.ts";
import { compareModels, comparisonHtml, comparisonPrompts, comparisonTable } from "../../providers/index.ts";
import type { Call } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { count } from "../format.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas bench providers`. */
export interface BenchOptions {
  readonly judge?: string;
  readonly rounds?: number;
  readonly prompt?: readonly string[];
  readonly html?: string;
}

/** Compares models on the standard prompts: latency, tokens, cost, and quality by checks and by a judge. */
export async function benchProviders(call: Call<BenchOptions>): Promise<number> {
  const { args, options, screen, io, interrupt } = call;
  const prompts = choosePrompts(await comparisonPrompts(), options.prompt);
  const rounds = options.rounds ?? 3;
  if (rounds === 0) throw cliErrors.create("usage", "--rounds 0: name how often each prompt is asked, at least once.");
  // Before anything is asked and paid for.
  const page = options.html === undefined ? undefined : await emptyPage(resolve(io.directory, options.html));
  await using atlas = await openAtlas(call);
  const models = await chooseModels(args, atlas, interrupt.signal);
  const judge = options.judge === undefined ? undefined : await atlas.models.get(options.judge);
  screen.say(`Asking ${models.map(nameOf).join(", ")}: ${count(prompts.length, "prompt")}, ${count(rounds, "round")}.`);
  const comparison = await compareModels({
    models,
    prompts,
    rounds,
    judge,
    prices: await atlas.models.prices(),
    signal: interrupt.signal,
    onCall: (made, done, total) => screen.progress(progressOf(made, done, total)),
  });
  screen.progress("");
  if (screen.json) screen.printJson(comparison);
  else await showTable(comparison, call);
  if (page !== undefined) {
    await writeFile(page, screen.hide(await comparisonHtml(comparison)));
    screen.say(`The page is ${page}.`);
  }
  return comparison.models.every(({ calls, failed }) => failed === calls) ? 1 : 0;
}

/** Makes the file of the page, so that one that cannot be written is told before anything is spent. */
async function emptyPage(path: string): Promise<string> {
  try {
    await (await open(path, "a")).close();
    return path;
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    throw cliErrors.create("usage", `--html ${JSON.stringify(path)}: the file cannot be written (${why}).`);
  }
}

function nameOf({ provider, name }: Model): string {
  return `${provider}/${name}`;
}

async function chooseModels(named: readonly string[], atlas: Atlas, signal: AbortSignal): Promise<readonly Model[]> {
  if (named.length > 0) return await Promise.all([...new Set(named)].map((each) => atlas.models.get(each)));
  const { candidates } = await atlas.models.detect(signal);
  const usable = candidates.flatMap(({ usable: can, provider, model }) =>
    can && model !== null ? [`${provider}/${model}`] : [],
  );
  return await Promise.all(usable.map((each) => atlas.models.get(each)));
}

function choosePrompts(all: readonly ComparisonPrompt[], named: readonly string[] = []): readonly ComparisonPrompt[] {
  if (named.length === 0) return all;
  return named.map((id) => {
    const found = all.find((prompt) => prompt.id === id);
    if (found !== undefined) return found;
    const known = all.map((prompt) => prompt.id).join(", ");
    throw cliErrors.create("usage", `There is no prompt ${JSON.stringify(id)}; use one of ${known}.`);
  });
}

function progressOf({ model, prompt, ok, code }: ComparedCall, done: number, total: number): string {
  return `${done} of ${total}: ${oneLine(model, 40)} ${prompt} ${ok ? "answered" : `failed (${code ?? ""})`}`;
}

async function showTable({ models, judge, priceTable, calls }: Comparison, { screen }: Call): Promise<void> {
  const { head, rows: found } = await comparisonTable(models);
  const rows = [head, ...found.map((cells) => cells.map((cell) => oneLine(cell, 40)))];
  const widths = head.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  rows.forEach((row, index) => {
    const text = row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  ");
    screen.print(index === 0 ? line`${styled("bold", text)}` : text);
  });
  for (const { model, failures } of models) {
    const codes = Object.entries(failures).map(([code, count]) => `${code} (${count})`);
    if (codes.length > 0) screen.say([styled("yellow", `${oneLine(model, 60)} failed: ${codes.join(", ")}`)], "always");
  }
  const ungraded = judge === null ? undefined : ungradedOf(calls);
  if (ungraded !== undefined)
    screen.say([styled("yellow", `The judge ${oneLine(judge ?? "", 60)} ${ungraded}`)], "always");
  screen.say([
    styled("dim", `Medians; ${judge === null ? "no judge" : `judge ${judge}`}; prices: ${priceTable ?? "none"}.`),
  ]);
}

/** Says which answers the judge did not grade and why; nothing when it graded all that there were. */
function ungradedOf(calls: readonly ComparedCall[]): string | undefined {
  const answered = calls.filter(({ ok }) => ok);
  const failures = answered.flatMap(({ judgeScore, judgeReason }) =>
    judgeScore === null ? [/^The judge failed: (\w+)/.exec(judgeReason ?? "")?.[1] ?? "no grade"] : [],
  );
  if (failures.length === 0) return undefined;
  const codes = [...new Set(failures)].map((code) => `${code} (${failures.filter((each) => each === code).length})`);
  return `graded ${answered.length - failures.length} of ${count(answered.length, "answer")}: ${codes.join(", ")}.`;
}
