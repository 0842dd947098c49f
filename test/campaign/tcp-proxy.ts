import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { once } from "node:events";

/** Stands between programs and a server, and does to their connections what a network does. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Ends every connection at once, as a reset does. */
  cut(): void;
  /** Lets nothing through, in neither direction, until `flow`. */
  stall(): void;
  /** Takes no new connections until `flow`; those that are there are cut. */
  refuse(): void;
  flow(): void;
}

/** Opens a proxy to a port of this machine. */
export async function tcpProxy(port: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let state: "flows" | "stalls" | "refuses" = "flows";
  const server = createServer((near) => {
    near.on("error", () => {});
    if (state === "refuses") return near.destroy();
    const far = connect(port, "127.0.0.1");
    const pair = [near, far] as const;
    pairs.add(pair);
    const flows = (): boolean => state !== "stalls";
    const gone = (): void => void pairs.delete(pair);
    pass(near, far, { flows, gone });
    pass(far, near, { flows, gone });
    if (state === "stalls") pause(pair);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port is free.");
  const cut = (): void => {
    for (const [near, far] of pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  };
  return {
    port: address.port,
    cut,
    stall() {
      state = "stalls";
      for (const pair of pairs) pause(pair);
    },
    refuse() {
      state = "refuses";
      cut();
    },
    flow() {
      state = "flows";
      for (const [near, far] of pairs) {
        near.resume();
        far.resume();
      }
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}

function pass(
  from: Socket,
  to: Socket,
  { flows, gone }: { readonly flows: () => boolean; readonly gone: () => void },
): void {
  from.setNoDelay(true);
  from.on("error", () => {});
  from.on("data", (bytes) => {
    if (!to.write(bytes)) from.pause();
  });
  to.on("drain", () => {
    if (flows()) from.resume();
  });
  from.on("close", () => {
    to.destroy();
    gone();
  });
}

function pause([near, far]: readonly [Socket, Socket]): void {
  near.pause();
  far.pause();
}
