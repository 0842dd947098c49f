import { expect, test } from "vitest";
import type { JsonObject } from "../../base/index.ts";
import { readEvidence } from "./evidence.ts";
import { fillSchema } from "./fill.ts";
import { planOf } from "./plan.ts";
import { resolveSchema } from "./schema.ts";
import { answerAll } from "./select.ts";
import { splitGoal } from "./split.ts";
import { dateIn, enumIn, fits, numberIn, truthIn } from "./values.ts";

const evidence = readEvidence([
  {
    id: "a",
    source: "boiler.md",
    startLine: 4,
    endLine: 9,
    score: 1,
    text: "The boiler was built on 4 May 1998. The boiler holds 120 litres of water at 3.5 bar. The boiler is not safe for children.\n\nColours of the boiler:\n\n- red boiler paint\n- blue boiler paint",
  },
]);
const source = (goal: string) => ({ goal, findings: answerAll(splitGoal(goal), evidence), fromGoal: false });
const object = (properties: JsonObject, required: readonly string[] = Object.keys(properties)): JsonObject => ({
  type: "object",
  properties,
  required,
});

test("fields are filled with what was found", () => {
  const schema = object({
    answer: { type: "string" },
    litres: { type: "integer" },
    known: { type: "boolean" },
    confidence: { type: "number", minimum: 0, maximum: 1 },
    unit: { enum: ["gallons", "litres"] },
    citations: {
      type: "array",
      items: object({
        source: { type: "string" },
        startLine: { type: "integer" },
        endLine: { type: "integer" },
        quote: { type: "string" },
      }),
    },
    note: { anyOf: [{ type: "null" }, { type: "string", format: "email" }] },
  });
  const filled = fillSchema(schema, source("How many litres of water does the boiler hold?"));
  expect(filled).toMatchObject({ ok: true, value: { litres: 120, known: true, unit: "litres", note: null } });
  expect(JSON.stringify(filled)).toContain(
    '"source":"boiler.md","startLine":4,"endLine":9,"quote":"The boiler holds 120',
  );
});

test("dates, lists and truth are read from the sentences", () => {
  expect(
    fillSchema(object({ built: { type: "string", format: "date" } }), source("When was the boiler built?")),
  ).toEqual({ ok: true, value: { built: "1998-05-04" } });
  expect(
    fillSchema(
      object({ colours: { type: "array", items: { type: "string" } } }),
      source("Which colours of boiler paint?"),
    ),
  ).toMatchObject({ ok: true, value: { colours: [expect.stringContaining("red"), expect.stringContaining("blue")] } });
  expect(fillSchema(object({ safe: { type: "boolean" } }), source("Is the boiler safe for children?"))).toEqual({
    ok: true,
    value: { safe: false },
  });
});

test("a required field that nothing answers is named, an optional one is left out", () => {
  const goal = "Who won the cup?";
  expect(fillSchema(object({ winner: object({ name: { type: "string" } }) }), source(goal))).toEqual({
    ok: false,
    path: "winner.name",
  });
  expect(fillSchema(object({ name: { type: "string" } }, []), source(goal))).toEqual({ ok: true, value: {} });
  expect(fillSchema(object({ list: { type: "array", minItems: 1, items: { type: "string" } } }), source(goal))).toEqual(
    { ok: false, path: "list" },
  );
  expect(fillSchema(object({ kind: { const: "x" }, level: { type: "integer", default: 2 } }), source(goal))).toEqual({
    ok: true,
    value: { kind: "x", level: 2 },
  });
});

test("a tool's input is read from the goal", () => {
  const from = (goal: string) => ({ goal, findings: [], fromGoal: true });
  const weather = object({
    city: { type: "string" },
    days: { type: "integer" },
    unit: { enum: ["celsius", "kelvin"] },
  });
  expect(fillSchema(weather, from("Weather for city Lisbon, 3 days, in celsius"))).toEqual({
    ok: true,
    value: { city: "Lisbon", days: 3, unit: "celsius" },
  });
  expect(fillSchema(weather, from("What is the weather?"))).toEqual({ ok: false, path: "city" });
  expect(fillSchema(object({ query: { type: "string" } }), from("find it"))).toEqual({
    ok: true,
    value: { query: "find it" },
  });
  expect(fillSchema(object({ label: { type: "string" } }), from('use "big one" please'))).toEqual({
    ok: true,
    value: { label: "big one" },
  });
});

test("references are followed and end", () => {
  const root: JsonObject = {
    $defs: { a: { $ref: "#/$defs/b" }, b: { type: ["null", "integer"] }, loop: { $ref: "#/$defs/loop" } },
  };
  expect(resolveSchema({ $ref: "#/$defs/a" }, root)["type"]).toBe("integer");
  expect(resolveSchema({ $ref: "#/$defs/loop" }, root)).toBeDefined();
  expect(resolveSchema({ $ref: "#/none" }, root)).toEqual({});
});

test("values are read in their usual forms", () => {
  expect(numberIn("at most 1_000 items, 2.5 each", "items", true)).toBe(1000);
  expect(numberIn("none", "items", true)).toBeUndefined();
  expect(dateIn("on 2024-02-03T10:00:00Z", "date-time")).toBe("2024-02-03T10:00:00.000Z");
  expect(dateIn("March 5, 2020", "date")).toBe("2020-03-05");
  expect(dateIn("soon", "date")).toBeUndefined();
  expect(enumIn(["high", "very low"], "it is very low, not high")).toBe("very low");
  expect(truthIn("")).toBeUndefined();
});

test("bounds are kept", () => {
  expect(fits(3, { type: "integer", minimum: 4 })).toBe(false);
  expect(fits(3.5, { type: "integer" })).toBe(false);
  expect(fits(3, { maximum: 2 }) || fits(3, { exclusiveMinimum: 3 }) || fits(3, { exclusiveMaximum: 3 })).toBe(false);
  expect(
    fits("abc", { minLength: 4 }) ||
      fits("abc", { maxLength: 2 }) ||
      fits("abc", { pattern: "^x" }) ||
      fits("abc", { pattern: "(" }),
  ).toBe(false);
  expect(
    fits("a@b.org", { format: "email" }) &&
      fits("https://a.org", { format: "uri" }) &&
      fits("abc", { pattern: "b" }) &&
      fits(true, {}),
  ).toBe(true);
  expect(fits("x", { format: "uuid" }) || fits("x", { enum: ["y"] })).toBe(false);
});

test("a plan's schema gets the parts of the goal, with what follows what", () => {
  const goal = "What is a pool? Find the default port, then explain how to change it.";
  const item = object({
    id: { type: "string" },
    question: { type: "string" },
    dependsOn: { type: "array", items: { type: "string" } },
    priority: { enum: ["low", "high"] },
    done: { type: "boolean" },
    effort: { type: "integer", minimum: 2 },
  });
  const plan = planOf(
    object({ goal: { type: "string" }, tasks: { type: "array", items: item } }),
    goal,
    splitGoal(goal),
  );
  expect(plan).toMatchObject({
    goal,
    tasks: [
      { id: "q1", question: "What is a pool?", dependsOn: [] },
      { id: "q2", dependsOn: [] },
      { id: "q3", dependsOn: ["q2"], priority: "low", done: false, effort: 2 },
    ],
  });
  expect(planOf({ type: "array", items: { type: "string" }, maxItems: 1 }, goal, splitGoal(goal))).toEqual([
    "What is a pool?",
  ]);
});

test("a schema that is no plan's is left to be filled", () => {
  const questions = splitGoal("What is a pool?");
  expect(planOf(object({ answer: { type: "string" } }), "", questions)).toBeUndefined();
  expect(
    planOf(object({ steps: { type: "array", items: object({ cost: { type: "number" } }) } }), "", questions),
  ).toBeUndefined();
  expect(
    planOf(object({ steps: { type: "array", minItems: 3, items: { type: "string" } } }), "", questions),
  ).toBeUndefined();
  expect(
    planOf(object({ steps: { type: "array", items: { type: "string" } }, owner: { type: "null" } }), "", questions),
  ).toBeUndefined();
});
