import fc from "fast-check";
import { expect, test } from "vitest";
import { isIgnored, parseIgnore } from "./ignore.ts";

const ignored = (rules: string, path: string, isFolder = false): boolean =>
  isIgnored(path, isFolder, parseIgnore(rules, ""));

/** Does the same as a rule without slash at its ends, trying every way in which it could fit. */
function slowPath(parts: readonly string[], names: readonly string[]): boolean {
  const [part, ...rest] = parts;
  if (part === undefined) return names.length === 0;
  if (part === "**" && rest.length === 0) return names.length > 0;
  if (part === "**") return [...names, ""].some((_, from) => slowPath(rest, names.slice(from)));
  const [name, ...others] = names;
  return name !== undefined && slowName(part, name) && slowPath(rest, others);
}

function slowName(glob: string, name: string): boolean {
  if (glob === "") return name === "";
  if (glob.startsWith("*")) return Array.from(`${name}.`).some((_, from) => slowName(glob.slice(1), name.slice(from)));
  const set = /^\[(!?)([ab])\]/.exec(glob);
  if (set !== null)
    return (
      name !== "" && (name[0] === set[2]) !== (set[1] === "!") && slowName(glob.slice(set[0].length), name.slice(1))
    );
  return name !== "" && (glob[0] === "?" || glob[0] === name[0]) && slowName(glob.slice(1), name.slice(1));
}

test("a rule fits where trying every way says that it fits", () => {
  const part = fc.oneof(
    { arbitrary: fc.constant("**"), weight: 1 },
    {
      arbitrary: fc
        .array(fc.constantFrom("a", "b", "*", "?", "[a]", "[!a]", "[b]"), { minLength: 1, maxLength: 5 })
        .map((pieces) => pieces.join(""))
        .filter((glob) => glob !== "**"),
      weight: 3,
    },
  );
  const name = fc.stringMatching(/^[ab]{1,4}$/);
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 5 }),
      fc.array(name, { minLength: 1, maxLength: 5 }),
      (parts, names) => {
        expect(ignored(`/${parts.join("/")}`, names.join("/"))).toBe(slowPath(parts, names));
      },
    ),
    { numRuns: 2000 },
  );
});

test.each([
  ["*.log", "deep/in/it.log", true],
  ["/it.log", "deep/it.log", false],
  ["deep/it.log", "deep/it.log", true],
  ["deep/it.log", "more/deep/it.log", false],
  ["**/it.log", "it.log", true],
  ["a/**/b", "a/b", true],
  ["a/**/b", "a/x/y/b", true],
  ["a/**", "a/x/y", true],
  ["a/**", "a", false],
  ["x?z", "x/z", false],
  ["[0-9][!0-9]", "1a", true],
  ["[0-9][!0-9]", "11", false],
  ["[]a]", "]", true],
  ["[^a]", "b", true],
  ["[a-]", "-", true],
  ["[z-a]", "m", false],
  ["[a", "[a", true],
  ["\\#a", "#a", true],
  ["\\!a", "!a", true],
  ["\\*", "x", false],
  ["# a", "# a", false],
  ["a  ", "a", true],
  ["a\\ ", "a ", true],
  ["???", "𝒳yz", true],
  ["*.tmp\n!keep.tmp", "keep.tmp", false],
  [`${"x".repeat(501)}\nb`, "b", true],
])("the rules %j say of %j: %j", (rules, path, expected) => {
  expect(ignored(rules, path)).toBe(expected);
});

test("a rule with a slash at its end names folders, and a rule of a folder below stays there", () => {
  expect(ignored("build/", "build")).toBe(false);
  expect(ignored("build/", "x/build", true)).toBe(true);
  const below = parseIgnore("/a", "sub");
  expect(["a", "sub/a", "sub/b/a", "other/sub/a"].filter((path) => isIgnored(path, false, below))).toEqual(["sub/a"]);
});

test("no rule takes long, however it is written", () => {
  const deep = Array.from({ length: 18 }, () => "a").join("/");
  const hostile = `${"**/".repeat(14)}x\n${"*a".repeat(200)}*c\n${"**/*a*a*a/".repeat(40)}c\n*${"a".repeat(200)}c\n`;
  const begin = performance.now();
  for (let round = 0; round < 20; round++) {
    expect(ignored(hostile, `${deep}/${"a".repeat(250)}`)).toBe(false);
    expect(ignored(hostile, Array.from({ length: 200 }, () => "aaaaaaaaaa").join("/"))).toBe(false);
  }
  expect(performance.now() - begin).toBeLessThan(2000);
});
