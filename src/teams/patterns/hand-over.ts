import type { JsonObject, JsonValue, Schema } from "../../base/index.ts";
import { isJsonObject, schemaByHand } from "../../base/index.ts";
import type { Tool } from "../../tools/index.ts";
import { tool } from "../../tools/index.ts";

/** Is the message with which one member hands its work over to another. */
export type Handover = {
  readonly to: string;
  /** Says what was found out and what is to be done. */
  readonly message: string;
  readonly data?: JsonObject;
};

/** Is what a member gives that hands over. */
export type HandedOver = { readonly handover: Handover };

const maxMessageChars = 8_000;

/** Makes what a workflow, a team or a graph gives to hand over to another member of its team. */
export function handOver(to: string, message: string, data?: JsonObject): HandedOver {
  return { handover: { to, message, ...(data === undefined ? {} : { data }) } };
}

/** Reads a handover from what a member gave; undefined for anything else. */
export function readHandover(output: JsonValue): Handover | undefined {
  if (!isJsonObject(output) || !isJsonObject(output["handover"])) return undefined;
  const { to, message, data } = output["handover"];
  if (typeof to !== "string" || typeof message !== "string") return undefined;
  return { to, message, ...(isJsonObject(data) ? { data } : {}) };
}

/**
 * Makes the tool by which an agent hands over to one of some others, which ends its run.
 *
 * Errors: the model is told when it names somebody else, or sends no message.
 */
export function handOverTool(
  others: readonly { readonly name: string; readonly description: string }[],
): Tool<Schema<Handover>, HandedOver> {
  const list = others
    .map(({ name, description }) => (description === "" ? name : `${name} (${description})`))
    .join("; ");
  return tool({
    name: "hand_over",
    description: `Hands the work over to somebody who is better suited, and ends yours: ${list}. Say what you found out and what is to be done.`,
    input: handoverSchema(others.map(({ name }) => name)),
    idempotent: true,
    ends: true,
    run: ({ to, message, data }) => handOver(to, message, data),
  });
}

function handoverSchema(names: readonly string[]): Schema<Handover> {
  const form: JsonObject = {
    type: "object",
    properties: {
      to: { type: "string", enum: names },
      message: { type: "string", minLength: 1, maxLength: maxMessageChars },
      data: { type: "object", description: "Facts for whoever goes on." },
    },
    required: ["to", "message"],
    additionalProperties: false,
  };
  return schemaByHand<Handover>(form, (value) => {
    const { to, message, data }: { to?: unknown; message?: unknown; data?: unknown } =
      typeof value === "object" && value !== null ? value : {};
    if (typeof to !== "string" || !names.includes(to))
      return { issues: [{ message: `expected one of ${names.join(", ")}`, path: ["to"] }] };
    if (typeof message !== "string" || message.trim() === "" || message.length > maxMessageChars)
      return { issues: [{ message: `expected a text of 1 to ${maxMessageChars} characters`, path: ["message"] }] };
    if (data === undefined || data === null) return { value: { to, message } };
    if (!isPlainObject(data)) return { issues: [{ message: "expected an object", path: ["data"] }] };
    return { value: { to, message, data } };
  });
}

// A model's arguments are parsed JSON: an object among them holds nothing else.
function isPlainObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
