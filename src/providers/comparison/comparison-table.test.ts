import { expect, test } from "vitest";
import { tableOf } from "./comparison-table.ts";
import { summarize } from "./summary.ts";

test("what was not measured is said to be so, and never shown as a 0", () => {
  const { head, rows } = tableOf(summarize([], ["here/m"]));
  expect(rows).toHaveLength(1);
  const cells = Object.fromEntries(head.map((title, index) => [title, rows[0]?.[index]]));
  expect(cells).toMatchObject({ model: "here/m", failed: "0/0", judge: "-", "first part": "-", "tokens/s": "-" });
  expect(cells["cost/call"]).toBe("unknown");
});
