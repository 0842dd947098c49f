/**
 * Writes a program of many tools, agents and graphs, as a user would: everything is inferred. `annotated` has the types of callbacks
 * and results written by hand, from the same schemas, as one must where a package infers nothing.
 */
export function writeProgram(count: number, form: "inferred" | "annotated" = "inferred"): string {
  const note = (type: string): string => (form === "annotated" ? `: ${type}` : "");
  return [header, ...Array.from({ length: count }, (_, index) => partOf(index, note))].join("\n");
}

/** Is the surface of the package without its types: the same program then is an untyped one. */
export const untyped = `
export const agent: any, tool: any, graph: any, end: any, append: any;
export type Atlas = any;
`;

const header = `import { agent, append, end, graph, tool } from "atlas-agents";
import type { Atlas } from "atlas-agents";
import { z } from "zod";
`;

function partOf(index: number, note: (type: string) => string): string {
  const before = Math.max(0, index - 1);
  return `
const input${index} = z.object({ city: z.string(), days: z.number().int().default(1), tags: z.array(z.string()).optional() });
const found${index} = z.object({ sky: z.string(), score: z.number() });
export const tool${index} = tool({
  name: "look_up_${index}",
  description: "Looks up a city.",
  permissions: ["net"],
  input: input${index},
  output: found${index},
  run: ({ city, days, tags }${note(`z.output<typeof input${index}>`)}, { progress })${note(`z.output<typeof found${index}>`)} => {
    progress({ city });
    return { sky: city.toUpperCase(), score: days + (tags?.length ?? 0) };
  },
});
const answer${index} = z.object({ answer: z.string(), score: z.number(), stops: z.array(z.object({ at: z.string() })) });
export const agent${index} = agent({
  name: "guide-${index}",
  instructions: "Plan a day out.",
  capabilities: { travel: 0.5 },
  tools: [tool${index}, tool${before}],
  output: answer${index},
  limits: { maxSteps: 8 },
});
const state${index} = z.object({ draft: z.string().default(""), score: z.number().default(0), notes: z.array(z.string()).default([]) });
export const graph${index} = graph({
  name: "review-${index}",
  state: state${index},
  reducers: { notes: append },
  nodes: {
    write: (state${note(`z.output<typeof state${index}>`)}) => ({ draft: \`\${state.draft}a\`, notes: ["written"] }),
    judge: (state${note(`z.output<typeof state${index}>`)}) => ({ score: state.draft.length, notes: ["judged"] }),
  },
  edges: { start: "write", write: "judge", judge: (state${note(`z.output<typeof state${index}>`)}) => (state.score < 8 ? "write" : end) },
});
export async function use${index}(atlas: Atlas): Promise<number> {
  const run = await atlas.start(agent${index}, "Lisbon, tomorrow");
  const { output }${note(`{ output: z.output<typeof answer${index}> }`)} = await run.result();
  return output.answer.length + output.score + output.stops.length;
}
`;
}
