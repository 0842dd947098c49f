import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Round, SubjectName, Task } from "./subjects.ts";

/** Is an engine in a process of its own. */
export interface EngineProcess extends Disposable {
  measure(task: Task): Promise<Round>;
}

/** Starts the process of an engine. */
export async function startEngine(name: SubjectName): Promise<EngineProcess> {
  const child = fork(fileURLToPath(new URL("child.ts", import.meta.url)), [name], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const next = async <T>(): Promise<T> => {
    const settled = new AbortController();
    try {
      const options = { signal: settled.signal };
      const ended = once(child, "exit", options).then(() => {
        throw new Error(`The process of ${name} ended.`);
      });
      const [value] = (await Promise.race([once(child, "message", options), ended])) as [T];
      return value;
    } finally {
      settled.abort();
    }
  };
  await next();
  return {
    async measure(task) {
      const answer = next<Round>();
      child.send(task);
      return await answer;
    },
    [Symbol.dispose]: () => child.disconnect(),
  };
}
