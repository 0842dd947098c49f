import { join } from "node:path";
import { stepsPerRun } from "./subjects.ts";
import type { OpenOptions, Subject } from "./subjects.ts";

interface State {
  readonly index: number;
}

/** Is the little of Mastra that is used. */
interface Mastra {
  readonly Mastra: new (options: object) => { getWorkflow(name: string): { createRun(): Promise<Run> } };
}

interface Run {
  start(options: { readonly inputData: State }): Promise<{ readonly status: string; readonly result?: State }>;
}

interface Workflows {
  readonly createWorkflow: (options: object) => Flow;
  readonly createStep: (options: object) => unknown;
}

interface Flow {
  then(step: unknown): Flow;
  commit(): unknown;
}

interface Stores {
  readonly LibSQLStore: new (options: { readonly id: string; readonly url: string }) => unknown;
}

interface Zod {
  readonly z: { object(shape: object): unknown; number(): unknown };
}

// Names that TypeScript does not follow: the packages are not part of this repository's install.
const packages = { core: "@mastra/core", workflows: "@mastra/core/workflows", store: "@mastra/libsql", zod: "zod" };

/** Opens a Mastra workflow on LibSQL in a file, as they come: WAL and synchronous=NORMAL. */
export async function open({ folder }: OpenOptions): Promise<Subject> {
  const { Mastra } = (await import(packages.core)) as Mastra;
  const { createWorkflow, createStep } = (await import(packages.workflows)) as Workflows;
  const { LibSQLStore } = (await import(packages.store)) as Stores;
  const { z } = (await import(packages.zod)) as Zod;
  const schema = z.object({ index: z.number() });
  const execute = ({ inputData }: { readonly inputData: State }): Promise<State> =>
    Promise.resolve({ index: inputData.index + 1 });
  let flow = createWorkflow({ id: "ten", inputSchema: schema, outputSchema: schema });
  for (let index = 0; index < stepsPerRun; index++) {
    flow = flow.then(createStep({ id: `s${index}`, inputSchema: schema, outputSchema: schema, execute }));
  }
  flow.commit();
  const storage = new LibSQLStore({ id: "bench", url: `file:${join(folder, "mastra.db")}` });
  const workflow = new Mastra({ workflows: { flow }, storage, logger: false }).getWorkflow("flow");
  return {
    async run() {
      const { status, result } = await (await workflow.createRun()).start({ inputData: { index: 0 } });
      if (status !== "success" || result?.index !== stepsPerRun) throw new Error(`The workflow ended as ${status}.`);
    },
    async [Symbol.asyncDispose]() {},
  };
}
