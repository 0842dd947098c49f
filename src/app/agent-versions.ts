import type { AgentInput, AgentResult, AnyAgent, Registry } from "../agents/index.ts";
import { agentCallable, agentErrors } from "../agents/index.ts";
import type { Callable, Workflow } from "../runs/index.ts";

type AgentWorkflow = Workflow<AgentInput, AgentResult<unknown>>;
/** Is what the runs know under one name: a workflow that passes each run on to the version that it is of. */
interface Slot {
  readonly workflow: AgentWorkflow;
  readonly versions: Map<string, { readonly agent: AnyAgent; readonly workflow: AgentWorkflow }>;
}

/** Makes a callable of an agent and the workflow that carries it out. */
export type VersionedCallable = (agent: AnyAgent, workflow: AgentWorkflow) => Callable;

/**
 * Lets several versions of an agent be there under one name of a workflow, and one take another's place. A run notes in its input of
 * which version it is, so that it goes on with that one after a crash where it is still there, else with the newest; a run that is
 * executed keeps what it began with. Two agents of one name and version that the registry does not know are a mistake.
 *
 * Errors: agent_duplicate, of the callable.
 */
export function agentVersions(registry: Registry, agents: ReadonlyMap<string, AnyAgent>): VersionedCallable {
  const slots = new Map<string, Slot>();
  const newest = (name: string): AnyAgent | undefined => agents.get(name);
  return (agent, workflow) => {
    const { name, version } = agent;
    const slot = slots.get(name) ?? slotOf(workflow, () => newest(name));
    const other = slot.versions.get(version)?.agent;
    if (other !== undefined && other !== agent && !registry.list().some((each) => each.agent === agent)) {
      throw agentErrors.create(
        "agent_duplicate",
        `Another agent named ${name} of version ${version} was started here before; define an agent once, outside of the function that starts it.`,
        { details: { agent: name, version } },
      );
    }
    slots.set(name, slot);
    slot.versions.set(version, { agent, workflow });
    const callable = agentCallable(slot.workflow);
    return {
      ...callable,
      input: (value, options = {}) => callable.input(value, { ...options, version }),
    };
  };
}

function slotOf(workflow: AgentWorkflow, newest: () => AnyAgent | undefined): Slot {
  const versions: Slot["versions"] = new Map();
  const find = (version: string | undefined): AgentWorkflow =>
    (versions.get(version ?? "") ?? versions.get(newest()?.version ?? "1.0.0"))?.workflow ?? workflow;
  return { versions, workflow: { ...workflow, run: (context, input) => find(input.version).run(context, input) } };
}
