import { cut } from "./cut.ts";
import { inOrder } from "./order.ts";
import type { Plan } from "./plan.ts";

/** Draws a plan as a Mermaid flowchart: each task with its agent, each need as an arrow. What tasks are called cannot become part of the drawing. */
export function planMermaid({ tasks }: Plan): string {
  const names = new Map(tasks.map(({ id }, index) => [id, `t${index + 1}`]));
  const lines = ["flowchart TD"];
  for (const { id, title, agent } of tasks)
    lines.push(`  ${names.get(id) ?? ""}["${label(id)}: ${label(title)}<br/>${label(agent)}"]`);
  for (const { id, needs } of tasks)
    for (const need of needs) lines.push(`  ${names.get(need) ?? ""} --> ${names.get(id) ?? ""}`);
  return lines.join("\n");
}

/** Tells how deep each task stands: 0 needs nothing, every other one more than the deepest of its needs. Order: needs first. */
export function depths({ tasks }: Pick<Plan, "tasks">): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { id, needs } of inOrder(tasks))
    found.set(id, Math.max(-1, ...needs.map((need) => found.get(need) ?? 0)) + 1);
  return found;
}

/** Writes everything that means something to Mermaid or HTML as the number of its character. */
function label(text: string): string {
  return cut(text, 60).replaceAll(/[^\p{L}\p{N} .,:_…-]/gu, (character) => `#${character.codePointAt(0) ?? 63};`);
}
