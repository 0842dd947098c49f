import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Task } from "./client.ts";
import type { ClientName } from "./subjects.ts";

/** Is a client in a process of its own. */
export interface Client extends Disposable {
  /** Does a task and gives what it measured. */
  ask(task: Task): Promise<number>;
}

/** Starts a client. */
export async function startClient(name: ClientName): Promise<Client> {
  const child = fork(fileURLToPath(new URL("client.ts", import.meta.url)), [name], { stdio: "inherit" });
  const next = async (): Promise<number> => {
    const settled = new AbortController();
    const options = { signal: settled.signal };
    try {
      const ended = once(child, "exit", options).then(() => {
        throw new Error(`The client ${name} ended.`);
      });
      const [value] = (await Promise.race([once(child, "message", options), ended])) as [number];
      return value;
    } finally {
      settled.abort();
    }
  };
  await next();
  return {
    async ask(task) {
      const answer = next();
      child.send(task);
      return await answer;
    },
    [Symbol.dispose]: () => child.disconnect(),
  };
}
