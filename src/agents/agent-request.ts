import type { JsonObject } from "../base/index.ts";
import type { Model, ModelRequest } from "../providers/index.ts";
import { countTokens, systemMessage } from "../providers/index.ts";
import type { AnyTool } from "../tools/index.ts";
import { inTime } from "./in-time.ts";
import { systemText } from "./instructions.ts";
import type { Frame, Loop, LoopState } from "./loop-state.ts";
import { viewOf } from "./loop-state.ts";
import { describeTools } from "./tool-calls.ts";

/** Makes what is sent beside the conversation: instructions, tools, the form of the answer, the agent's options for its model. */
export async function frameOf(loop: Loop, state: LoopState, model: Model): Promise<Frame> {
  const { agent, schema, context, signal } = loop;
  const { instructions } = agent;
  const written =
    typeof instructions === "function"
      ? await context.step("instructions", () => inTime(signal, () => instructions(viewOf(loop, state))))
      : instructions;
  const known = loop.frames.get(model);
  if (known?.written === written) return known.frame;
  const tools = toolsFor(loop, model);
  const native = model.capabilities.structuredOutput === "native";
  const hasDocuments = tools.some(({ purpose }) => purpose === "retrieval");
  const system = systemText({
    instructions: written,
    facts: loop.facts,
    hasDocuments,
    schema: native ? undefined : schema,
  });
  const request: Frame["request"] = {
    ...agent.options,
    ...(tools.length > 0 ? { tools: describeTools(tools) } : {}),
    ...formOf(agent.name, native ? schema : undefined),
  };
  const { tokens } = countTokens({ ...request, messages: system === "" ? [] : [systemMessage(system)] });
  const frame = { system, request, tokens };
  loop.frames.set(model, { written, frame });
  return frame;
}

function formOf(name: string, schema: JsonObject | undefined): Pick<ModelRequest, "responseFormat"> {
  return schema === undefined ? {} : { responseFormat: { name, schema } };
}

/** Gives the tools that the model can be offered, and says in the log which it cannot. */
function toolsFor({ tools, context, frames }: Loop, model: Model): readonly AnyTool[] {
  if (model.capabilities.tools !== "none" || tools.length === 0) return tools;
  if (!frames.has(model)) context.emit({ type: "tools.left_out", data: { names: tools.map(({ name }) => name) } });
  return [];
}

/** Makes the request of a call; the last one may not call tools, so that there is an answer. */
export function requestOf({ system, request }: Frame, { messages }: LoopState, last: boolean): ModelRequest {
  const all = system === "" ? messages : [systemMessage(system), ...messages];
  return request.tools === undefined
    ? { ...request, messages: all }
    : { ...request, messages: all, toolChoice: last ? "none" : "auto" };
}
