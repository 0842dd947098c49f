import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { SubjectName, Task } from "./subjects.ts";

/** Is an engine in a process of its own; `measure` gives steps per second. */
export interface EngineProcess extends Disposable {
  measure(task: Task): Promise<number>;
}

/** Starts the process of an engine on a database. */
export async function startEngine(name: SubjectName, url: string): Promise<EngineProcess> {
  const child = fork(fileURLToPath(new URL("child.ts", import.meta.url)), [name, url], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const next = async (): Promise<unknown> => {
    const settled = new AbortController();
    const options = { signal: settled.signal };
    const ended = once(child, "exit", options).then(() => {
      throw new Error(`The process of ${name} ended.`);
    });
    ended.catch(() => {});
    try {
      const [value] = (await Promise.race([once(child, "message", options), ended])) as [unknown];
      return value;
    } finally {
      settled.abort();
    }
  };
  await next();
  return {
    async measure(task) {
      const answer = next();
      child.send(task);
      return Number(await answer);
    },
    [Symbol.dispose]: () => child.disconnect(),
  };
}
