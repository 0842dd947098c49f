import { createHash } from "node:crypto";
import type { AnyAgent } from "../../agents/index.ts";
import type { Schema } from "../../base/index.ts";
import { stringifyJson } from "../../base/index.ts";
import type { Runnable } from "../../runs/index.ts";
import { asMaterial } from "../material.ts";
import { askRole, isExtractive } from "./ask-role.ts";
import type { Form } from "./form.ts";
import { formProblem, jsonIn, schemaOf } from "./form.ts";
import { compose } from "./plain-roles.ts";
import type { RoundResult } from "./rounds.ts";
import type { Role } from "./role.ts";
import type { Session } from "./session.ts";
import { plain, send } from "./session.ts";
import { replaced } from "./work.ts";

/** Makes the agent that writes the result in a form, when a goal turns out to need it. */
export type CompletionFactory = (form: Form, schema: Schema<unknown, unknown> | undefined) => Runnable;

/** Is the result as it is given out. `problem` says what of its form it lacks. */
export interface Completed {
  readonly text: string;
  readonly output: unknown;
  readonly problem?: string;
}

const forms: Readonly<Record<Form["name"], string>> = {
  text: "Write prose.",
  list: "Write one list: a line for each item, with `- ` before it.",
  table: "Write one Markdown table with a head, and a row for each thing that is compared or answered.",
  json: "Write JSON and nothing else.",
  letter: "Write a letter: a salutation, what is to be said, a close.",
  code: "Write code in fenced blocks, with the language named; explain only in its comments.",
};

/** Makes the factory that is used where none is given: an agent like the completion role, told of the form, and bound to its schema. */
export function completionFactory(team: string, made: AnyAgent): CompletionFactory {
  return (form, schema) => {
    const name = `${team}.completion.${markOf(form)}`;
    const output = schema === undefined ? {} : { output: schema };
    const told = typeof made.instructions === "string" ? made.instructions : "";
    return { ...made, name, instructions: `${told}\n\n${forms[form.name]}`, ...output };
  };
}

/** Makes a factory that makes one for each form and no other: runs are taken up by an agent's name, and no second one may have it. */
export function oneForEachForm(make: CompletionFactory): CompletionFactory {
  const made = new Map<string, Runnable>();
  return (form, schema) => {
    const mark = markOf(form);
    const one = made.get(mark) ?? make(form, schema);
    made.set(mark, one);
    return one;
  };
}

/** Names a form, and tells those of different schemas apart. */
function markOf({ name, schema }: Form): string {
  if (schema === undefined) return name;
  const hash = createHash("sha256").update(stringifyJson(schema, "a schema"));
  return `${name}-${hash.digest("hex").slice(0, 8)}`;
}

/** Has the best round written out in the form that the goal asks for; by rules where no model can. */
export async function complete(
  session: Session,
  {
    best,
    form,
    schema = schemaOf(form),
    make,
  }: { best: RoundResult; form: Form; schema?: Schema<unknown, unknown> | undefined; make: CompletionFactory },
): Promise<Completed> {
  const written = await write(session, { best, form, schema, make });
  const text = written ?? compose(form.name, { goal: session.goal, ...best });
  const problem = await formProblem(form, text, schema);
  send(session, { kind: "result", form: form.name, text: text.slice(0, 20_000) });
  return {
    text,
    output: form.name === "json" ? (jsonIn(text) ?? text) : text,
    ...(problem === undefined ? {} : { problem }),
  };
}

type Writing = { best: RoundResult; form: Form; schema: Schema<unknown, unknown> | undefined; make: CompletionFactory };

async function write(session: Session, { best, form, schema, make }: Writing): Promise<string | undefined> {
  const role: Role = session.crew.roles.completion;
  const extractive = isExtractive(session, "completion");
  const made = role.made !== undefined && form.name !== "text" ? make(form, schema) : role.runnable;
  // What can only quote can fill a schema from documents; it cannot write a letter.
  const useful = !extractive || schema !== undefined;
  const { name: formName, source, schema: wanted } = form;
  if (role.made !== undefined && form.name !== "text")
    session.emit("completion.made", {
      agent: useful ? made.name : "rules",
      form: formName,
      source,
      ...(wanted === undefined ? {} : { schema: wanted }),
    });
  // The loop has ended; its reason is kept, and what is left may be spent on writing.
  const ended = session.ended;
  if (
    ended === "failed" ||
    ended === "messages" ||
    ended === "tokens" ||
    ended === "cost" ||
    ended === "time" ||
    !useful
  )
    return undefined;
  session.ended = undefined;
  const given = await askRole(session, {
    role: "completion",
    told: extractive ? session.goal : toldToComplete(best, form),
    bare: extractive,
    raw: form.name === "json",
    runnable: made,
    ...(extractive && session.context.input.knowledge !== undefined
      ? { knowledge: session.context.input.knowledge }
      : {}),
    check: (answer, { text }) => formProblem(form, answer?.message.text ?? text, schema),
  });
  session.ended = ended;
  if (given === undefined) replaced(session, "completion");
  const output = given?.result.output;
  return given === undefined
    ? undefined
    : (given.answer?.message.text ?? (typeof output === "string" ? output : JSON.stringify(output)));
}

function toldToComplete({ questions, findings, points }: RoundResult, form: Form): string {
  const found = findings.map(
    ({ question, text }) => `## ${questions.find(({ id }) => id === question)?.text ?? question}\n${asMaterial(text)}`,
  );
  const open = points.filter((point) => point.open).map(({ text }) => `- ${text}`);
  const schema =
    form.schema === undefined ? "" : ` that follows this JSON schema: ${JSON.stringify(plain(form.schema))}`;
  const parts = [
    `Write the result as ${form.name}${schema}.`,
    `Found:\n${found.join("\n\n")}`,
    open.length === 0 ? "" : `Say plainly that this is open:\n${open.join("\n")}`,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}
