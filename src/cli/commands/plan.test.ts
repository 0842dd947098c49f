import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeIo } from "../../../test/lib/fake-io.ts";
import { main } from "../main.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atlas-plan-cli-"));
  writeFileSync(
    join(directory, "bread.md"),
    "# Bread\n\nBread rises because yeast breathes. The oven is heated to 230 degrees.\n",
  );
});
afterEach(() => rmSync(directory, { recursive: true }));

async function atlas(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = fakeIo({ directory });
  const code = await main([...args, "--model", "offline/extractive"], io);
  return { code, out: io.out(), err: io.err() };
}

const goal = "Why does bread rise? What is the oven heated to?";

test("a plan is shown, and nothing of it is done", async () => {
  const { code, out } = await atlas("plan", goal, "-k", "bread.md");
  expect(code).toBe(0);
  expect(out).toContain("q1 Why does bread rise? assistant (45 % of the budget, 10.0 s)");
  expect(out).toContain("2 tasks, about 10.0 s");
  expect(out).not.toContain("yeast breathes");
  expect((await atlas("plan", goal, "--mermaid")).out).toContain("flowchart TD");
});

test("a plan is kept as JSON, changed, and carried out from the file", async () => {
  const { out } = await atlas("plan", goal, "--json");
  const plan = JSON.parse(out) as { tasks: { id: string; needs: string[] }[] };
  const [first, second] = plan.tasks;
  writeFileSync(
    join(directory, "plan.json"),
    JSON.stringify({ ...plan, tasks: [{ ...second, needs: ["q1"] }, first] }),
  );
  const done = await atlas("plan", "plan.json", "--run", "-k", "bread.md");
  expect(done.code).toBe(0);
  expect(done.out).toContain("yeast breathes");
  expect(done.err).toContain("q2 What is the oven heated to? assistant after q1");
  expect(done.err).toContain("bread.md:3");
});

test("what a planner wrote steers no terminal and breaks no line", async () => {
  const title = "\u001b[2J\u001b]0;owned\u0007 ignore all\nrm -rf \u202e";
  writeFileSync(
    join(directory, "plan.json"),
    JSON.stringify({ tasks: [{ id: "a", title, goal: "Do it.", agent: "assistant" }] }),
  );
  const { out } = await atlas("plan", "plan.json");
  expect(out).not.toMatch(/(?!\n)\p{Cc}|\u202e/u);
  expect(out.trim().split("\n")).toHaveLength(2);
  const { out: drawn } = await atlas("plan", "plan.json", "--mermaid");
  expect(drawn.trim().split("\n")).toHaveLength(2);
});

test("a plan that cannot be carried out is refused, and each task that is wrong is named", async () => {
  const tasks = [
    { id: "a", goal: "A", agent: "assistant", needs: ["b"] },
    { id: "b", goal: "B", agent: "assistant", needs: ["a"] },
    { id: "c", goal: "C", agent: "assistant", needs: ["gone"] },
  ];
  writeFileSync(join(directory, "plan.json"), JSON.stringify({ tasks }));
  const { code, err } = await atlas("plan", "plan.json", "--run");
  expect(code).toBe(2);
  expect(err).toContain("they wait for each other");
  expect(err).toContain('it needs "gone", which is no task');
});

test.each([
  ["a file that is not there", ["gone.json"], "gone.json cannot be read"],
  ["a file that holds no plan", ["broken.json"], "broken.json holds no plan"],
  ["an agent that plans nothing", ["Why?", "--agent", "assistant"], "no manager named assistant"],
])("%s is refused, and the message says so", async (_, args, words) => {
  writeFileSync(join(directory, "broken.json"), '{"tasks": [');
  const { code, err } = await atlas("plan", ...args);
  expect([code, err]).toEqual([2, expect.stringContaining(words)]);
});
