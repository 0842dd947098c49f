import type { JsonObject, JsonValue } from "../../base/index.ts";
import type { ToolDefinition } from "../message.ts";
import type { ModelRequest } from "../model.ts";
import { metadataOf, noDocuments, writeAnswer } from "./answer.ts";
import type { Conversation } from "./conversation.ts";
import { readConversation } from "./conversation.ts";
import { readEvidence } from "./evidence.ts";
import { fillSchema } from "./fill.ts";
import { planOf } from "./plan.ts";
import type { Question } from "./question.ts";
import { keywordQueries, queriesOf, retrievalTool, searchedQueries } from "./search.ts";
import type { Finding } from "./select.ts";
import { answerAll } from "./select.ts";
import { splitGoal } from "./split.ts";

/** Is what the model does with a request: call tools, or say something. */
export type Decision =
  | { readonly type: "calls"; readonly calls: readonly Call[]; readonly metadata: JsonObject }
  | { readonly type: "text"; readonly text: string; readonly metadata: JsonObject };

/** Is a tool call that the model makes. */
export interface Call {
  readonly id: string;
  readonly name: string;
  readonly input: JsonValue;
}

/** Is a request as far as it has been understood. */
interface Situation {
  readonly request: ModelRequest;
  readonly conversation: Conversation;
  readonly questions: readonly Question[];
  readonly findings: readonly Finding[];
}

const maxRounds = 2;

/** Decides the whole response to a request; the same request always gets the same decision. */
export function decide(request: ModelRequest): Decision {
  const conversation = readConversation(request.messages);
  const questions = splitGoal(conversation.goal);
  const plan = request.responseFormat && planOf(request.responseFormat.schema, conversation.goal, questions);
  if (plan !== undefined)
    return { type: "text", text: JSON.stringify(plan), metadata: { ...metadataOf([], 0), answered: true } };
  const findings = answerAll(questions, readEvidence(conversation.passages));
  const situation = { request, conversation, questions, findings };
  return (
    callsFor(situation) ?? (request.responseFormat ? filled(situation, request.responseFormat.schema) : said(situation))
  );
}

function callsFor(situation: Situation): Decision | undefined {
  const { request, conversation, questions, findings } = situation;
  const { tools = [], toolChoice = "auto" } = request;
  if (toolChoice === "none" || tools.length === 0) return undefined;
  const called = new Set(conversation.rounds.flat().map((call) => call.name));
  const named = typeof toolChoice === "object" ? tools.find((tool) => tool.name === toolChoice.name) : undefined;
  if (typeof toolChoice === "object" && named === undefined) return undefined;
  const retrieval = retrievalTool(tools);
  if (named !== undefined && named !== retrieval)
    return called.has(named.name) ? undefined : callNamed(named, situation);
  if (retrieval === undefined)
    return toolChoice === "required" && called.size === 0 ? callAny(tools, situation) : undefined;
  const made = conversation.rounds
    .map((calls) => calls.filter((call) => call.name === retrieval.name))
    .filter((calls) => calls.length > 0);
  if (made.length === 0) return search(retrieval, conversation, queriesOf(questions));
  if (made.length >= maxRounds || conversation.onlyFailures) return undefined;
  const open = findings.filter((finding) => !finding.answered).map((finding) => finding.question);
  const queries = keywordQueries(open, searchedQueries(made.flat()));
  return queries.length > 0 ? search(retrieval, conversation, queries) : undefined;
}

function search(tool: ToolDefinition, conversation: Conversation, queries: readonly string[]): Decision | undefined {
  if (queries.length === 0) return undefined;
  const calls = queries.map((query, index) => ({ id: callId(conversation, index), name: tool.name, input: { query } }));
  return { type: "calls", calls, metadata: { extractive: true } };
}

/** Calls the tool that was asked for, if its input can be read from the conversation. */
function callNamed(tool: ToolDefinition, situation: Situation): Decision {
  const { conversation, findings } = situation;
  const input = fillSchema(tool.inputSchema, { goal: conversation.goal, findings, fromGoal: true });
  if (!input.ok) {
    const refusal = { reason: "arguments_not_found", tool: tool.name, path: input.path };
    return {
      type: "text",
      text: `I cannot read the input "${input.path}" of the tool ${tool.name} from the text.`,
      metadata: { ...metadataOf(findings, 0), refusal },
    };
  }
  return {
    type: "calls",
    calls: [{ id: callId(conversation, 0), name: tool.name, input: input.value }],
    metadata: { extractive: true },
  };
}

/** Calls the first tool whose input can be read from the conversation; says why not when there is none. */
function callAny(tools: readonly ToolDefinition[], situation: Situation): Decision | undefined {
  const decisions = tools.map((tool) => callNamed(tool, situation));
  return decisions.find((decision) => decision.type === "calls") ?? decisions[0];
}

/** Names a call by its turn and place: the same in every replay, different from every call before it. */
function callId(conversation: Conversation, index: number): string {
  return `call_offline_${conversation.turn}_${index + 1}`;
}

function filled(situation: Situation, schema: JsonObject): Decision {
  const { conversation, findings } = situation;
  const result = fillSchema(schema, { goal: conversation.goal, findings, fromGoal: false });
  const sentences = new Set(findings.flatMap((finding) => finding.quotes.map((quote) => quote.unit))).size;
  if (result.ok) return { type: "text", text: JSON.stringify(result.value), metadata: metadataOf(findings, sentences) };
  const metadata = {
    ...metadataOf(findings, 0),
    answered: false,
    refusal: { reason: "schema_not_filled", path: result.path },
  };
  return { type: "text", text: `The documents do not answer this: ${conversation.goal}`, metadata };
}

function said(situation: Situation): Decision {
  const { conversation, findings, questions, request } = situation;
  const searched = conversation.rounds.length > 0 || retrievalTool(request.tools ?? []) !== undefined;
  if (conversation.passages.length === 0 && !searched) {
    return {
      type: "text",
      text: noDocuments,
      metadata: { ...metadataOf(findings, 0), unanswered: questions.map((question) => question.text) },
    };
  }
  const answer = writeAnswer(findings);
  if (conversation.onlyFailures)
    return { type: "text", text: `The search of the documents failed.\n\n${answer.text}`, metadata: answer.metadata };
  return { type: "text", ...answer };
}
