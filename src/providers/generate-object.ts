import type { Schema } from "../base/index.ts";
import { jsonSchemaOf } from "../base/index.ts";
import { providerErrors } from "./errors.ts";
import { generate, type Generation } from "./generate.ts";
import { userMessage } from "./message.ts";
import type { Model, ModelRequest, StreamOptions } from "./model.ts";

/** Is a value that a model gave, with every answer that it took. Order: the last answer holds the value. */
export interface GeneratedObject<Output> {
  readonly object: Output;
  readonly answers: readonly Generation[];
}

/** Are the options of `generateObject`. `name` names the form for the provider; `repairs` bounds the corrections (default 2). */
export interface ObjectOptions<Output> extends StreamOptions {
  readonly schema: Schema<unknown, Output>;
  readonly name?: string;
  readonly repairs?: number;
}

/**
 * Asks a model for a value that follows a schema: by the provider's or the grammar's own means where it has them, in words
 * elsewhere. The answer is checked in any case, and one that does not follow goes back with what is wrong.
 *
 * Errors: answer_invalid when the last correction does not follow either, or the model refuses; those of the model.
 */
export async function generateObject<Output>(
  model: Model,
  request: ModelRequest,
  options: ObjectOptions<Output>,
): Promise<GeneratedObject<Output>> {
  const { readStructured, withSchemaInstruction } = await import("./structured-output.ts");
  const { schema, name = "answer", repairs = 2, ...streamOptions } = options;
  const form = jsonSchemaOf(schema, "the schema of an answer");
  const native = model.capabilities.structuredOutput === "native";
  let messages = native ? request.messages : withSchemaInstruction(request.messages, form);
  const answers: Generation[] = [];
  while (true) {
    const asked = { ...request, messages, ...(native && { responseFormat: { name, schema: form } }) };
    const answer = await generate(model, asked, streamOptions);
    answers.push(answer);
    const read = await readStructured(schema, answer.text);
    if (read.ok) return { object: read.value, answers };
    const refused = answer.metadata["refusal"] !== undefined;
    if (refused || answer.finishReason !== "stop" || answers.length > repairs) {
      throw invalid(model, { answers, problem: refused ? "The model refused." : read.problem });
    }
    messages = [...messages, answer.message, userMessage(`${read.problem} Correct it.`)];
  }
}

function invalid(model: Model, { answers, problem }: { answers: readonly Generation[]; problem: string }): Error {
  const { provider, name } = model;
  const details = {
    provider,
    model: name,
    answers: answers.length,
    finishReason: answers.at(-1)?.finishReason ?? null,
    usage: answers.map(({ usage }) => usage),
  };
  return providerErrors.create(
    "answer_invalid",
    `${provider}/${name} gave no answer that follows the schema, in ${answers.length} tries. ${problem}`,
    { details },
  );
}
