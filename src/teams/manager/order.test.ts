import fc from "fast-check";
import { expect, test } from "vitest";
import { checkPlan } from "./check-plan.ts";
import { depths, planMermaid } from "./draw.ts";
import { findCircle, inOrder, remainingMs } from "./order.ts";
import { planDraftSchema } from "./plan.ts";

/** Makes tasks whose needs come before them, in any order. */
const graphs = fc
  .integer({ min: 1, max: 40 })
  .chain((size) =>
    fc.tuple(
      fc.array(fc.array(fc.nat(size), { maxLength: 4 }), { minLength: size, maxLength: size }),
      fc.array(fc.integer({ min: 1, max: 100 }), { minLength: size, maxLength: size }),
      fc.shuffledSubarray([...Array(size).keys()], { minLength: size, maxLength: size }),
    ),
  )
  .map(([needs, estimates, order]) => {
    const tasks = needs.map((each, index) => ({
      id: `t${index}`,
      needs: [...new Set(each.filter((need) => need < index))].map((need) => `t${need}`),
      estimateMs: estimates[index] ?? 1,
    }));
    return order.flatMap((index) => tasks[index] ?? []);
  });

test("each task comes once and after its needs, and no circle is found where there is none", () => {
  fc.assert(
    fc.property(graphs, (tasks) => {
      const order = inOrder(tasks).map(({ id }) => id);
      expect(order.toSorted((a, b) => a.localeCompare(b))).toEqual(
        tasks.map(({ id }) => id).toSorted((a, b) => a.localeCompare(b)),
      );
      for (const { id, needs } of tasks)
        for (const need of needs) expect(order.indexOf(need)).toBeLessThan(order.indexOf(id));
      expect(findCircle(tasks)).toBeUndefined();
    }),
  );
});

test("the way that remains is at least the task's own and that of each that needs it", () => {
  fc.assert(
    fc.property(graphs, (tasks) => {
      const remaining = remainingMs(tasks);
      for (const { id, needs, estimateMs } of tasks) {
        expect(remaining.get(id)).toBeGreaterThanOrEqual(estimateMs);
        for (const need of needs) expect(remaining.get(need) ?? 0).toBeGreaterThan(remaining.get(id) ?? 0);
      }
    }),
  );
});

test("a circle is found and named, wherever it is", () => {
  fc.assert(
    fc.property(graphs, fc.nat(), (tasks, pick) => {
      const from = tasks[pick % tasks.length];
      if (from === undefined) return;
      const closed = [...tasks, { id: "x", needs: [from.id], estimateMs: 1 }].map((each) =>
        each.id === from.id ? { ...each, needs: [...each.needs, "x"] } : each,
      );
      const circle = findCircle(closed) ?? [];
      expect(circle.length).toBeGreaterThan(1);
      const needsOf = new Map(closed.map(({ id, needs }) => [id, needs]));
      circle.forEach((id, index) => expect(needsOf.get(id)).toContain(circle[(index + 1) % circle.length]));
    }),
  );
});

test("whatever a planner writes is checked: it gives a plan that can be carried out, or problems", () => {
  const name = fc.constantFrom("a", "b", "B ", "", "c", "\u001b[31m", "__proto__", "a b", "x".repeat(100));
  const draft = fc.record({
    tasks: fc.array(
      fc.record(
        {
          id: name,
          title: name,
          goal: name,
          needs: fc.array(name, { maxLength: 3 }),
          agent: name,
          budgetShare: fc.double({ min: 0, max: 1000, noNaN: true }),
        },
        { requiredKeys: ["id", "agent"] },
      ),
      { maxLength: 8 },
    ),
  });
  fc.assert(
    fc.property(draft, (value) => {
      const { tasks, problems } = checkPlan(planDraftSchema.parse(value), { agents: ["a", "b"], maxTasks: 5 });
      if (problems.length > 0) {
        expect(tasks).toEqual([]);
        return;
      }
      const ids = tasks.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(tasks.length).toBeGreaterThan(0);
      expect(inOrder(tasks).length).toBe(tasks.length);
      expect(tasks.reduce((sum, { budgetShare }) => sum + budgetShare, 0)).toBeLessThan(1.000001);
      for (const { id, agent, needs } of tasks) {
        expect(id).toMatch(/^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,63}$/u);
        expect(["a", "b"]).toContain(agent);
        for (const need of needs) expect(ids).toContain(need);
      }
    }),
  );
});

test("a title cannot become a part of the drawing", () => {
  const title = 'x"] --> evil["<script>`\n  end';
  const drawn = planMermaid({
    goal: "",
    tasks: [{ id: "a", title, goal: "", needs: [], agent: "w", budgetShare: 1, successCheck: [], estimateMs: 1 }],
  });
  expect(drawn.split("\n")).toHaveLength(2);
  expect(drawn).not.toMatch(/-->|<script/);
  expect(depths({ tasks: [] }).size).toBe(0);
});
