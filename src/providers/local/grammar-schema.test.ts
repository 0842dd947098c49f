import { describe, expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../../base/index.ts";
import { grammarSchema } from "./grammar-schema.ts";

describe("the schema for a grammar", () => {
  it.each<readonly [string, JsonValue, JsonObject]>([
    ["a number's bounds are left out", { type: "number", minimum: 1 }, { type: "number" }],
    ["any of some is one of them", { anyOf: [{ type: "string" }, true] }, { oneOf: [{ type: "string" }, {}] }],
    [
      "more than one type is one of them",
      { type: ["string", "null"], maxLength: 3 },
      {
        oneOf: [
          { type: "string", maxLength: 3 },
          { type: "null", maxLength: 3 },
        ],
      },
    ],
    [
      "an object has the keys that it names",
      { properties: { a: { type: "string", pattern: "x" } } },
      { type: "object", properties: { a: { type: "string" } }, additionalProperties: false },
    ],
    [
      "an object without names is a map",
      { type: "object", additionalProperties: { type: "integer" } },
      { type: "object", properties: {}, additionalProperties: { type: "integer" } },
    ],
    [
      "all of some is their sum",
      { allOf: [{ properties: { a: { const: 1 } } }, { properties: { b: { const: 2 } } }] },
      { type: "object", properties: { a: { const: 1 }, b: { const: 2 } }, additionalProperties: false },
    ],
    [
      "definitions have their newer name",
      { $ref: "#/definitions/a", definitions: { a: { type: "string", format: "date" } } },
      { $ref: "#/$defs/a", $defs: { a: { type: "string", format: "date" } } },
    ],
  ])("%s", (_, schema, expected) => {
    expect(grammarSchema(schema)).toEqual(expected);
  });

  it("is refused where it leads outside or allows nothing", () => {
    expect(() => grammarSchema({ $ref: "other.json" })).toThrow("outside");
    expect(() => grammarSchema({ type: "array", items: false })).not.toThrow();
    expect(() => grammarSchema({ properties: { a: false } })).toThrow("nothing");
  });
});
