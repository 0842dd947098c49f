import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Is the provider of a bench, in a process of its own. */
export interface ModelServer extends Disposable {
  readonly url: string;
  /** Asks what is open, and when the endless answers were closed since it was asked last, by the model they were asked of. Units: monotonic nanoseconds. */
  state(): Promise<{ readonly open: number; readonly closed: Readonly<Record<string, string>> }>;
}

/** Starts the provider on a free port. */
export async function startModelServer(): Promise<ModelServer> {
  const child = fork(fileURLToPath(new URL("model-server.ts", import.meta.url)), { stdio: "inherit" });
  const [port] = (await once(child, "message")) as [number];
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    async state() {
      const response = await fetch(`${url}/state`);
      return (await response.json()) as { open: number; closed: Record<string, string> };
    },
    [Symbol.dispose]: () => child.disconnect(),
  };
}
