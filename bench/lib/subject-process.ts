import { fork } from "node:child_process";
import { once } from "node:events";

/** Is a process that measures one subject, as it is asked; it ends when it is disposed of. */
export interface SubjectProcess<Name extends string, Task extends object> extends Disposable {
  readonly name: Name;
  measure(task: Task): Promise<number>;
}

/** Starts the process of a subject and waits until it is ready. The file says so by a message, and answers each task by a number. */
export async function startSubject<Name extends string, Task extends object>(
  file: URL,
  name: Name,
): Promise<SubjectProcess<Name, Task>> {
  const child = fork(file, [name], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const next = async (): Promise<unknown> => {
    const settled = new AbortController();
    const options = { signal: settled.signal };
    const ended = once(child, "exit", options).then(() => {
      throw new Error(`The process of ${name} ended.`);
    });
    try {
      return ((await Promise.race([once(child, "message", options), ended])) as [unknown])[0];
    } finally {
      settled.abort();
    }
  };
  await next();
  return {
    name,
    async measure(task) {
      const answer = next();
      child.send(task);
      return Number(await answer);
    },
    [Symbol.dispose]: () => child.disconnect(),
  };
}
