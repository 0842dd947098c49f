import { defineErrors } from "../base/index.ts";

/** Holds the error codes of the tools domain. */
export const toolErrors = defineErrors("tools", {
  tool_unknown: {
    status: 404,
    retry: "changed",
    exitCode: 4,
    summary: "A model called a tool that the agent does not have.",
    fix: "Nothing needs to be done: the model is told and goes on. If it happens often, name the tools in the instructions.",
  },
  tool_duplicate: {
    status: 409,
    retry: "changed",
    exitCode: 2,
    summary: "Two tools of one agent have the same name.",
    fix: "Give one of them another name.",
  },
  tool_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "A tool is defined in a way that models cannot use.",
    fix: "Correct what the message names.",
  },
  tool_forbidden: {
    status: 403,
    retry: "changed",
    exitCode: 3,
    summary: "A tool needs a permission that the agent's or the program's policy does not give.",
    fix: "If the tool may do this, add the permission to the agent's `permissions`, or to `permissions` in the settings.",
  },
  tool_input_invalid: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "The arguments of a tool call do not fit the tool's schema.",
    fix: "Nothing needs to be done: the model is told what is wrong and may call again.",
  },
  tool_output_invalid: {
    status: 500,
    retry: "changed",
    exitCode: 1,
    summary: "A tool returned something that does not fit its own output schema, or that is not plain data.",
    fix: "Correct the tool or its schema.",
  },
  tool_failed: {
    status: 500,
    retry: "later",
    exitCode: 1,
    summary: "A tool threw an error.",
    fix: "See the cause; the model is told that the call failed and may go another way.",
  },
  tool_timed_out: {
    status: 504,
    retry: "later",
    exitCode: 1,
    summary: "A tool took longer than its limit.",
    fix: "Raise the tool's timeoutMs, or make it faster.",
  },
  tool_refused: {
    status: 403,
    retry: "changed",
    exitCode: 1,
    summary: "A person, or the deadline for an answer, refused a call of a tool.",
    fix: "Answer in time, with: atlas runs signal RUN approval:CALL --data '{\"approved\":true}'. The model is told and may go another way.",
  },
});
