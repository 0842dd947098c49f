import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJsonPath, readAt } from "./json-path.ts";

const value = { choices: [{ delta: { "odd key": "x", "a/b": 1 } }], 7: "seven" };

describe("a path", () => {
  it.each([
    ["choices[0].delta", value.choices[0]?.delta],
    ["$.choices[0].delta", value.choices[0]?.delta],
    ['choices[0].delta["odd key"]', "x"],
    ["/choices/0/delta/odd key", "x"],
    ["/choices/0/delta/a~1b", 1],
    ["7", "seven"],
    ["", value],
    ["$", value],
    ["choices[1].delta", undefined],
    ["choices.length", undefined],
    ["constructor.name", undefined],
    ["choices[0].delta.odd key.length", undefined],
  ])("%s is read", (text, found) => {
    const path = parseJsonPath(text);
    expect(path).toBeDefined();
    expect(readAt(value, path ?? [])).toEqual(found);
  });

  it.each(["a..b", "a[", "a[x]", ".a", "a.", "a]b", "/a~2", "a[0]b"])("%s is none", (text) => {
    expect(parseJsonPath(text)).toBeUndefined();
  });

  it("as a pointer reaches every key there can be", () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (key, inner) => {
        const pointer = `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
        const object = JSON.parse(`{${JSON.stringify(key)}:${JSON.stringify(inner)}}`) as { [key: string]: never };
        expect(readAt(object, parseJsonPath(pointer) ?? ["?"])).toEqual(object[key]);
      }),
    );
  });
});
