import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Atlas } from "../../app/index.ts";
import { isJsonObject, parseJson } from "../../base/index.ts";
import { offlineReference } from "../../providers/index.ts";
import { answerJson, showAnswer } from "../answer.ts";
import type { Call } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { followRun } from "../follow-run.ts";
import { count, place } from "../format.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas demo`. */
export interface DemoOptions {
  readonly knowledge?: readonly string[];
  readonly model?: string;
}

interface Readme {
  readonly name: string;
  readonly path: string;
}

const mostPackages = 40;

/** Questions to packages that many projects have; those that are installed are asked. */
const known: readonly (readonly [name: string, question: string])[] = [
  ["zod", "How do I validate data with zod?"],
  ["commander", "How do I define a subcommand with commander?"],
  ["ollama", "How do I stream a response from Ollama in JavaScript?"],
  ["fast-check", "What is property based testing?"],
  ["csv-parse", "What license does csv-parse have?"],
];
const unanswerable = "How many passengers did the trams of Lisbon carry in 1987?";

/** Does the main job on documents that are here anyway: the README files of the installed packages. */
export async function demo(call: Call<DemoOptions>): Promise<number> {
  const { args, options, io, screen } = call;
  const { model = `${offlineReference.provider}/${offlineReference.model}` } = options;
  const readmes = options.knowledge === undefined ? await findReadmes(io.directory) : [];
  const knowledge = options.knowledge?.map((path) => resolve(io.directory, path)) ?? readmes.map(({ path }) => path);
  if (knowledge.length === 0) {
    throw cliErrors.create(
      "demo_without_documents",
      `There is no README of an installed package under ${io.directory}. Run npm ci first, or name documents with --knowledge.`,
    );
  }
  const questions = args.length > 0 ? [args.join(" ")] : questionsFor(readmes);
  const asked = questions.length === 1 ? "a question" : `${questions.length} questions`;
  screen.say(line`${styled("bold", "Atlas demo")}: ${asked} to ${count(knowledge.length, "document")}, with ${model}.`);
  await using atlas = await openAtlas(call);
  const answers: object[] = [];
  for (const question of questions) {
    screen.say(line`\n${styled(["bold", "cyan"], `? ${question}`)}`);
    if (!screen.json && !io.stdout.isTTY) screen.print(`${answers.length === 0 ? "" : "\n"}${question}\n`);
    const answer = await ask(atlas, { question, knowledge, model }, call);
    if (typeof answer === "number") return answer;
    answers.push({ question, ...answer });
  }
  if (screen.json) screen.printJson({ answers });
  else sayNext(call);
  return 0;
}

async function ask(
  atlas: Atlas,
  { question, knowledge, model }: { question: string; knowledge: readonly string[]; model: string },
  call: Call,
): Promise<object | number> {
  const { io, screen, interrupt } = call;
  const handle = await atlas.start("assistant", question, { knowledge, model });
  const ending = await followRun(atlas, handle, call);
  if (ending.kind === "failed") return ending.exitCode;
  const { result, streamed, durationMs } = ending;
  const answer = { runId: handle.id, result, durationMs, directory: io.directory, streamed };
  const checks = await Promise.all(
    result.citations.map((citation) => atlas.knowledge.verify(citation, { signal: interrupt.signal })),
  );
  const verified = checks.filter(({ ok }) => ok).length;
  if (screen.json) return { ...answerJson(answer), verifiedCitations: verified };
  showAnswer(answer, screen);
  if (checks.length > 0)
    screen.say([
      styled(
        verified === checks.length ? "green" : "red",
        `Checked against the files: ${verified} of ${checks.length} quotes stand where the answer says.`,
      ),
    ]);
  else screen.say([styled("dim", "No source: the documents do not hold the answer, and Atlas says so.")]);
  return answer;
}

/** Finds the README files of installed packages: of this project, or of Atlas's own installation. */
async function findReadmes(directory: string): Promise<readonly Readme[]> {
  const own = fileURLToPath(new URL("../../../", import.meta.url));
  for (const folder of [directory, own]) {
    const modules = join(folder, "node_modules");
    if (!existsSync(modules)) continue;
    const found: Readme[] = [];
    for (const name of await packagesOf(folder, modules)) {
      if (found.length === mostPackages) break;
      const files = await readdir(join(modules, name)).catch(() => []);
      const file = files.find((each) => /^readme(\.md|\.markdown)?$/i.test(each));
      if (file !== undefined) found.push({ name, path: join(modules, name, file) });
    }
    if (found.length > 0) return found;
  }
  return [];
}

/** Names the packages that the project asked for, then the others. */
async function packagesOf(folder: string, modules: string): Promise<readonly string[]> {
  const text = await readFile(join(folder, "package.json"), "utf8").catch(() => "{}");
  const manifest = parseJson(text, "package.json");
  const asked = ["dependencies", "devDependencies"].flatMap((key) => {
    const section = isJsonObject(manifest) ? manifest[key] : undefined;
    return section !== undefined && isJsonObject(section) ? Object.keys(section) : [];
  });
  const all = await readdir(modules);
  return [...new Set([...asked, ...all.filter((name) => !name.startsWith(".") && !name.startsWith("@"))])];
}

function questionsFor(readmes: readonly Readme[]): readonly string[] {
  const names = new Set(readmes.map(({ name }) => name));
  const fitting = known.filter(([name]) => names.has(name)).map(([, question]) => question);
  const general = readmes.map(({ name }) => `What is ${name} and how is it used?`);
  return [...[...fitting, ...general].slice(0, 2), unanswerable];
}

function sayNext({ io, screen }: Call): void {
  const docs = existsSync(join(io.directory, "docs")) ? "docs" : "PATH";
  screen.say(line`\n${styled("bold", "Try next")}`);
  for (const line of [
    `atlas run "YOUR QUESTION" --knowledge ${docs}     ask your own documents`,
    `atlas search "WORDS" --knowledge ${docs}          find passages, without a model`,
    "atlas runs list                                 every run is kept, with its log",
    "atlas providers                                 use a model that writes: set a key or start Ollama",
    "atlas doctor                                    check this machine",
  ]) {
    screen.say(`  ${line}`);
  }
  screen.say([styled("dim", `Everything is kept in ${place(join(io.directory, ".atlas"), io.directory)}`)]);
}
