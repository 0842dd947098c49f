import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../base/index.ts";
import { readTemplate } from "./template.ts";

const names = ["a", "b"] as const;
const values: Readonly<Record<string, JsonValue>> = { a: { deep: [1, "x"] } };

function filled(source: JsonValue): JsonValue | undefined {
  const template = readTemplate(source, names);
  if (!("fill" in template)) throw new Error(`${template.path}: ${template.message}`);
  return template.fill((name) => values[name]);
}

describe("a template", () => {
  it("puts a value in with its type where a placeholder stands alone", () => {
    expect(filled({ x: "${a}", y: ["${a}"] })).toEqual({ x: values["a"], y: [values["a"]] });
  });

  it("leaves out the key and the entry of a value that is not there", () => {
    expect(filled({ x: "${b}", y: [1, "${b}"], z: null })).toEqual({ y: [1], z: null });
    expect(filled("${b}")).toBeUndefined();
  });

  it("writes values as text within a longer text, and nothing for one that is not there", () => {
    expect(filled("<${a}|${ b }>")).toBe('<{"deep":[1,"x"]}|>');
  });

  it("takes $${ for the two characters themselves", () => {
    expect(filled("$${a} costs $5 {a}")).toBe("${a} costs $5 {a}");
  });

  it.each([
    [{ x: ["${c}"] }, ".x[0]", "there is no placeholder ${c}; known here: ${a}, ${b}"],
    [{ x: "${a" }, ".x", "not closed"],
    ["${}", "", "there is no placeholder ${}"],
    ["${__proto__}", "", "there is no placeholder"],
  ])("that is wrong says where: %j", (source, path, message) => {
    const fault = readTemplate(source, names);
    expect(fault).toMatchObject({ path });
    expect("message" in fault && fault.message).toContain(message);
  });

  it("gives any JSON without placeholders back as it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const source = JSON.parse(JSON.stringify(value).replaceAll("${", "$")) as JsonValue;
        expect(JSON.stringify(filled(source))).toBe(JSON.stringify(source));
      }),
    );
  });
});
