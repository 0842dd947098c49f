import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeIo } from "../../test/lib/fake-io.ts";
import { main } from "./main.ts";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "atlas-cli-graph-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const folderOf = (name: string): string =>
  JSON.stringify(fileURLToPath(new URL(`../${name}/index.ts`, import.meta.url)));

async function atlas(
  ...argv: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const io = fakeIo({ directory, environment: {} });
  const code = await main(["graph", ...argv], io);
  return { code, out: io.out(), err: io.err() };
}

function write(name: string, graphs: string): void {
  const head = `import { end, graph } from ${folderOf("graph")};
const state = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: { count: 0, ...value } }) } };
const one = ({ count }) => ({ count: count + 1 });
`;
  writeFileSync(join(directory, name), `${head}${graphs}`);
}

const counting = (name: string): string =>
  `export const ${name} = graph({ name: "${name}", state, nodes: { one }, edges: { start: "one", one: ({ count }) => (count < 3 ? "one" : end) } });\n`;

test("a graph is checked, drawn and run", async () => {
  write("count.ts", counting("count"));
  expect(await atlas("validate", "count.ts")).toMatchObject({ code: 0, out: "sound count: 1 node, 2 edges\n" });
  expect((await atlas("draw", "count.ts")).out).toContain("n1 -.-> n2");
  expect((await atlas("draw", "count.ts", "--format", "dot")).out).toContain('"one" -> "end" [style=dashed];');
  expect(await atlas("draw", "count.ts", "--format", "svg", "-o", "count.svg")).toMatchObject({ code: 0 });
  expect(readFileSync(join(directory, "count.svg"), "utf8")).toMatch(/^<svg [^]*>one<\/text>[^]*<\/svg>\n$/);
  const ran = await atlas("run", "count.ts", "--state", '{"count":1}', "--json");
  const { runId, state } = JSON.parse(ran.out) as { readonly runId: string; readonly state: unknown };
  expect(state).toEqual({ count: 3 });
  expect((await atlas("draw", "count.ts", "--run", runId)).out).toContain("class n1 visited;");
  const io = fakeIo({ directory, environment: {} });
  await main(["runs", "list"], io);
  expect(io.out()).toContain('graph:count  {"count":1}');
});

test("a graph as JSON is checked without its functions", async () => {
  write("count.ts", counting("count"));
  await atlas("draw", "count.ts", "--format", "json", "-o", "count.json");
  expect(await atlas("validate", "count.json")).toMatchObject({ code: 0 });
  const text = readFileSync(join(directory, "count.json"), "utf8").replace('"to": "one"', '"to": "two"');
  writeFileSync(join(directory, "broken.json"), text);
  const broken = await atlas("validate", "broken.json", "--json");
  expect(broken.code).toBe(2);
  expect(broken.out).toContain('leads to \\"two\\", which is no node');
  expect((await atlas("run", "count.json")).err).toContain("A graph as JSON has no functions");
});

test("what cannot be read or chosen is told", async () => {
  write("two.ts", counting("first") + counting("second"));
  expect((await atlas("draw", "two.ts")).err).toContain("Say which graph with --graph; the file has: first, second.");
  expect((await atlas("draw", "two.ts", "-g", "second")).code).toBe(0);
  expect((await atlas("draw", "two.ts", "-g", "second", "-f", "png")).err).toContain(
    "--format is one of mermaid, dot, svg, json",
  );
  expect((await atlas("draw", "two.ts", "-g", "second", "--out", "no/folder.svg")).err).toContain(
    "The file no/folder.svg cannot be written; see that its folder is there.",
  );
  expect((await atlas("run", "two.ts", "-g", "second", "--state", "7")).err).toContain("--state must be a JSON object");
  expect((await atlas("validate", "none.json")).err).toContain("The file none.json cannot be read");
  write(
    "hole.ts",
    'export const hole = graph({ name: "hole", state, nodes: { one }, edges: { start: "one", one: "two" } });',
  );
  const hole = await atlas("validate", "hole.ts");
  expect(hole.err).toContain('The edge one → two leads to "two", which is no node');
  expect(hole.code).not.toBe(0);
  writeFileSync(
    join(directory, "tool.ts"),
    `import { tool } from ${folderOf("tools")};\nexport const t = tool({ name: "t", input: {}, run: () => 1 });`,
  );
  expect((await atlas("validate", "tool.ts")).err).toContain("tool.ts exports no graph");
});
