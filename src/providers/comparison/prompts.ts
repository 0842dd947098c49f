import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import type { Generation } from "../generate.ts";
import { systemMessage, userMessage } from "../message.ts";
import type { ModelRequest } from "../model.ts";
import { findObject } from "../structured-output.ts";

/** Says whether an answer is right, as far as a program can tell: the share of what was checked that holds, 0 to 1. */
export type AnswerCheck = (answer: Generation) => { readonly score: number; readonly missing: readonly string[] };

/** Is one standard prompt. `task` is the kind of task it stands for; `question` is what a judge is told was asked. */
export interface ComparisonPrompt {
  readonly id: string;
  readonly task: string;
  readonly question: string;
  readonly request: ModelRequest;
  readonly check: AnswerCheck;
}

const storm = `On 3 March the ferry Aurora left Kallvik at 07:40 with 212 passengers and 41 cars. Twenty minutes later a storm
closed the harbour of Sund, and captain Ines Holm turned back. The Aurora reached Kallvik at 09:05. Nobody was hurt; two cars
were damaged. The line will pay back every ticket, which it puts at 18,400 euros.`;

const registers = Array.from(
  { length: 120 },
  (_, index) =>
    `Locker ${index + 1} holds the ${["red", "green", "blue"][index % 3]} key number ${(index * 37) % 211}.`,
).join("\n");

const weather = {
  name: "weather",
  description: "Tells the weather of a city on a day.",
  inputSchema: {
    type: "object",
    properties: { city: { type: "string" }, day: { type: "string", description: "YYYY-MM-DD" } },
    required: ["city", "day"],
    additionalProperties: false,
  },
};

const orderSchema: JsonObject = {
  type: "object",
  properties: {
    customer: { type: "string" },
    items: {
      type: "array",
      items: {
        type: "object",
        properties: { name: { type: "string" }, count: { type: "integer" } },
        required: ["name", "count"],
        additionalProperties: false,
      },
    },
    express: { type: "boolean" },
  },
  required: ["customer", "items", "express"],
  additionalProperties: false,
};

/** Holds the standard prompts: short, each with an answer that can be checked without a model. */
export const standardPrompts: readonly ComparisonPrompt[] = [
  ask("arithmetic", "reasoning", {
    question:
      "A tank holds 240 litres and is one third full. A pump adds 12 litres a minute while a leak loses 4. After how many minutes is it full? End with the number alone on the last line.",
    check: lastLine(/^\W*20\W*(minutes)?\W*$/),
  }),
  ask("order", "reasoning", {
    question:
      "Ada finished before Ben. Cleo finished after Dan but before Ada. Who finished second? Answer with the name alone.",
    check: lastLine(/^\W*cleo\W*$/i),
  }),
  ask("facts", "extraction", {
    question: `${storm}\n\nWho was the captain, how many cars were damaged, and when did the ship reach Kallvik again? Answer in one sentence.`,
    check: mentions(/ines holm/i, /\b(two|2)\b/i, /0?9[:.]05/),
  }),
  ask("json", "extraction", {
    question:
      "Read this order: “Please send 3 lamps and 12 candles to Mrs. Okafor, no hurry.” Give it as JSON with customer (the surname alone), items (name in the singular, count) and express.",
    responseFormat: { name: "order", schema: orderSchema },
    check: isOrder,
  }),
  ask("summary", "summary", {
    question: `${storm}\n\nSum this up in at most 30 words.`,
    check: (answer) =>
      both(mentions(/aurora|ferry/i, /storm/i, /(turn|return|back)/i)(answer), atMostWords(30)(answer)),
  }),
  ask("instructions", "writing", {
    question:
      "Write exactly three lines about winter. Each line begins with a dash and a space, has at most eight words, and none holds the word snow.",
    check: threeLines,
  }),
  ask("function", "code", {
    question:
      "Write a JavaScript function `median(numbers)` that returns the median of a list without changing it, and null for an empty one. Give the code alone.",
    check: mentions(
      /median/,
      /(\.slice\(|toSorted|\[\s*\.\.\.)/,
      /(sort|toSorted)\([^]{0,40}=>/,
      /null/,
      /\/\s*2|>>\s*1/,
    ),
  }),
  ask("needle", "long_context", {
    question: `${registers}\n\nWhich number has the key in locker 97? Answer with the number alone.`,
    check: lastLine(new RegExp(`\\b${(96 * 37) % 211}\\b`)),
  }),
  {
    ...ask("tool", "tools", { question: "What will the weather be in Lisbon on 4 May 2027?", check: callsWeather }),
    request: {
      messages: [systemMessage("Use the tools."), userMessage("What will the weather be in Lisbon on 4 May 2027?")],
      tools: [weather],
      maxOutputTokens: 400,
    },
  },
];

interface Asked {
  readonly question: string;
  readonly check: AnswerCheck;
  readonly responseFormat?: ModelRequest["responseFormat"];
}

function ask(id: string, task: string, { question, check, responseFormat }: Asked): ComparisonPrompt {
  const request: ModelRequest = {
    messages: [userMessage(question)],
    // Room for models that think before they answer.
    maxOutputTokens: 2_000,
    ...(responseFormat && { responseFormat }),
  };
  return { id, task, question, request, check };
}

function mentions(...patterns: readonly RegExp[]): AnswerCheck {
  return ({ text }) => {
    const missing = patterns.filter((pattern) => !pattern.test(text)).map(({ source }) => `no ${source}`);
    return { score: 1 - missing.length / patterns.length, missing };
  };
}

function lastLine(pattern: RegExp): AnswerCheck {
  return ({ text }) => {
    const last = text.trim().split("\n").at(-1)?.trim() ?? "";
    return pattern.test(last)
      ? { score: 1, missing: [] }
      : { score: 0, missing: [`the last line is not ${pattern.source}`] };
  };
}

function atMostWords(most: number): AnswerCheck {
  return ({ text }) => {
    const count = text.trim().split(/\s+/).length;
    return count <= most ? { score: 1, missing: [] } : { score: 0, missing: [`${count} words instead of ${most}`] };
  };
}

function both(a: ReturnType<AnswerCheck>, b: ReturnType<AnswerCheck>): ReturnType<AnswerCheck> {
  return { score: (a.score + b.score) / 2, missing: [...a.missing, ...b.missing] };
}

function threeLines({ text }: Generation): ReturnType<AnswerCheck> {
  const lines = text.trim().split("\n");
  const missing = [
    ...(lines.length === 3 ? [] : [`${lines.length} lines`]),
    ...(lines.every((line) => line.startsWith("- ")) ? [] : ["a line without a dash"]),
    ...(lines.every((line) => line.slice(2).trim().split(/\s+/).length <= 8) ? [] : ["a line that is too long"]),
    ...(/\bsnow/i.test(text) ? ["the word snow"] : []),
  ];
  return { score: 1 - missing.length / 4, missing };
}

function isOrder({ text }: Generation): ReturnType<AnswerCheck> {
  const order = findObject(text);
  const items = Array.isArray(order?.["items"]) ? order["items"] : [];
  const counts = items.map((item) => (isJsonObject(item) ? `${shown(item["name"])}:${shown(item["count"])}` : ""));
  const missing = [
    ...(order === undefined ? ["no JSON object"] : []),
    ...(/okafor$/i.test(shown(order?.["customer"])) ? [] : ["the customer"]),
    ...(counts.some((item) => /^lamps?:3$/i.test(item)) && counts.some((item) => /^candles?:12$/i.test(item))
      ? []
      : ["the items"]),
    ...(order?.["express"] === false ? [] : ["express"]),
  ];
  return { score: 1 - missing.length / 4, missing };
}

function shown(value: JsonValue | undefined): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function callsWeather({ toolCalls }: Generation): ReturnType<AnswerCheck> {
  const input = toolCalls.find(({ name }) => name === "weather")?.input;
  const given = input !== undefined && isJsonObject(input) ? input : {};
  const missing = [
    ...(input === undefined ? ["no call of weather"] : []),
    ...(/lisbo/i.test(shown(given["city"])) ? [] : ["the city"]),
    ...(given["day"] === "2027-05-04" ? [] : ["the day"]),
  ];
  return { score: 1 - missing.length / 3, missing };
}
