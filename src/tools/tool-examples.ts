import { checkSchema, describeIssues } from "../base/index.ts";
import type { AnyTool } from "./tool.ts";

/** Finds the examples of a tool that its own schemas refuse; each problem is a sentence without its full stop. */
export async function exampleProblems(tool: AnyTool): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [index, example] of tool.examples.entries()) {
    for (const part of ["input", "output"] as const) {
      const schema = tool[part];
      if (schema === undefined || (part === "output" && example.output === undefined)) continue;
      const read = await checkSchema(schema, example[part]);
      if (!read.ok)
        problems.push(
          `The ${part} of example ${index + 1} of the tool ${tool.name} is not valid: ${describeIssues(read.issues)}`,
        );
    }
  }
  return problems;
}
