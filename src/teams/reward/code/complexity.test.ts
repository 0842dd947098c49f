import fc from "fast-check";
import { Visitor, parseSync } from "oxc-parser";
import { expect, test } from "vitest";
import { readSources } from "../../../../tools/lib/sources.ts";
import { complexities } from "./complexity.ts";
import { languageOf, scanTokens } from "./scan-tokens.ts";

function measured(path: string, text: string): readonly number[] {
  const language = languageOf(path);
  if (!language) throw new Error(path);
  return complexities(scanTokens(text, language).tokens, language).map(({ complexity }) => complexity);
}

/** What a syntax tree says: the complexity of each function that has a body in braces. */
function fromTree(text: string): readonly number[] {
  const found: number[] = [];
  const open: number[] = [];
  const enter = (): void => void open.push(1);
  const exit = (): void => void found.push(open.pop() ?? 0);
  const decide = (): void => {
    const last = open.length - 1;
    if (last >= 0) open[last] = (open[last] ?? 0) + 1;
  };
  new Visitor({
    FunctionDeclaration: (node) => node.body && enter(),
    "FunctionDeclaration:exit": (node) => node.body && exit(),
    FunctionExpression: (node) => node.body && enter(),
    "FunctionExpression:exit": (node) => node.body && exit(),
    ArrowFunctionExpression: (node) => void (node.body.type === "BlockStatement" && enter()),
    "ArrowFunctionExpression:exit": (node) => void (node.body.type === "BlockStatement" && exit()),
    IfStatement: decide,
    ForStatement: decide,
    ForInStatement: decide,
    ForOfStatement: decide,
    WhileStatement: decide,
    DoWhileStatement: decide,
    CatchClause: decide,
    ConditionalExpression: decide,
    LogicalExpression: decide,
    SwitchCase: (node) => void (node.test && decide()),
    AssignmentExpression: (node) => void (["&&=", "||=", "??="].includes(node.operator) && decide()),
  }).visit(parseSync("a.ts", text, { lang: "ts" }).program);
  return found;
}

test("the scan agrees with a syntax tree on nearly every function of this program", async () => {
  let [functions, decisions, apart, files] = [0, 0, 0, 0];
  const wrong: string[] = [];
  for (const { path, text } of await readSources("src")) {
    const [tree, scan] = [fromTree(text), measured(path, text)];
    const sum = (list: readonly number[]): number => list.reduce((total, each) => total + each, 0);
    functions += tree.length;
    decisions += sum(tree);
    apart += Math.abs(tree.length - scan.length) + Math.abs(sum(tree) - sum(scan));
    files++;
    const sorted = (list: readonly number[]): string => list.toSorted((a, b) => a - b).join();
    if (sorted(tree) !== sorted(scan)) wrong.push(path);
  }
  const rates = { files, functions, decisions, apart, wrong };
  expect(functions, JSON.stringify(rates)).toBeGreaterThan(1500);
  expect(apart / (functions + decisions), JSON.stringify(rates)).toBeLessThan(0.01);
  expect(wrong.length / files, JSON.stringify(rates)).toBeLessThan(0.05);
});

test.each([
  ["a.ts", "function f(a?: number): { b: string } { return a ? { b: `x${a && 'y'}` } : { b: '' }; }", [3]],
  [
    "a.ts",
    "const f = (x) => { if (/[/}]{2}/.test(x)) return 1; for (const y of x) g(() => { while (y) h(); }); };",
    [2, 3],
  ],
  [
    "A.java",
    "class A { int f(int a) throws E { switch (a) { case 1: return 1; default: return a > 2 || a < 0 ? 1 : 2; } } }",
    [4],
  ],
  [
    "a.go",
    'func f(a int) (int, error) { if a > 1 && g() { return 1, nil }; for i := range x { s := `"{` + i; use(s) }; return 0, nil }',
    [4],
  ],
  ["a.rs", "fn f<'a>(x: &'a str) -> Result<i32> { if x.len() > 1 || x == \"}\" { y()?; } while z() { } Ok(1) }", [4]],
  ["a.c", "int f(void)\n{\n  /* if (a) { */\n  return a && b ? 1 : 0; // }\n}", [3]],
  [
    "a.py",
    "def f(a):\n    '''if a: \"\"'''\n    if a and b:\n        return [x for x in a if x]\n    elif c:\n        pass\n\nasync def g():\n    def h():\n        while True:\n            pass\n    return h\n",
    [6, 2, 1],
  ],
] as const)("%s: %s", (path, text, expected) => {
  expect(measured(path, text)).toEqual(expected);
});

test("whatever a file holds, the scan ends and keeps its text", () => {
  const pieces = fc.constantFrom(
    '"',
    "'",
    "`",
    "${",
    "}",
    "{",
    "/",
    "//",
    "/*",
    "*/",
    "\\",
    "\n",
    "a",
    "?",
    ":",
    "(",
    ")",
    "=>",
    "#",
    '"""',
    " ",
    "é",
    "😀",
  );
  fc.assert(
    fc.property(
      fc.array(pieces).map((list) => list.join("")),
      fc.constantFrom("a.ts", "a.py", "a.go", "a.c", "a.rb"),
      (text, path) => {
        const language = languageOf(path);
        if (!language) throw new Error(path);
        const { tokens, comments } = scanTokens(text, language);
        const bare = (from: string): string => from.replaceAll(/\s/g, "");
        const kept = tokens.map((token) => bare(token.text)).join("").length + comments.map(bare).join("").length;
        expect(kept).toBe(bare(text).length);
        complexities(tokens, language);
      },
    ),
  );
});
