import { fork } from "node:child_process";
import type { ChildProcess, ForkOptions } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { JsonValue, Random } from "../../src/base/index.ts";
import type { Answer, Ask } from "./server.ts";
import { awayExitCode } from "./limits.ts";
import { noteGone } from "./trace.ts";

const program = fileURLToPath(new URL("./program.ts", import.meta.url));
const crashPoints = new URL("./crash-points.ts", import.meta.url).href;

/** Names the points at which a process may be told to die, with how often one is passed in a second of load, roughly. */
const points = [
  ["step.before", 60],
  ["step.after", 60],
  ["commit.before", 80],
  ["commit.after", 80],
  ["append.acked", 80],
  ["run.wait", 6],
  ["run.finish", 12],
  ["run.takeover", 8],
  ["run.claim", 12],
] as const;

/** Are the options of a fleet. `crashes` is the share of processes that are told to die at a point inside. */
export interface FleetOptions {
  readonly storage: string;
  readonly trace: string;
  readonly cache: string;
  readonly workers: number;
  readonly random: Random;
  readonly crashes: number;
  /** Is told what processes write to stderr. */
  readonly talk: (text: string) => void;
}

interface Member {
  readonly name: string;
  readonly role: "worker" | "server";
  readonly child: ChildProcess;
  readonly bornAt: number;
  ready: boolean;
  readyAt: number;
  frozen: boolean;
}

/** Units: how long a new process is left alone. */
const youngMs = 3_000;

/** Is what one process of the fleet can be picked by. */
export type MemberName = string;

/** Is asked by the driver when the server dies before it answers: nobody knows what it did. */
export class ServerGone extends Error {
  override readonly name = "ServerGone";
}

/** Says what the server refused, with the error's code. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Holds the processes of a campaign: workers and one server. One that ends is started again at once. */
export class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #members = new Map<MemberName, Member>();
  readonly #asked = new Map<
    number,
    { readonly resolve: (value: JsonValue) => void; readonly reject: (e: Error) => void }
  >();
  #nextAsk = 1;
  #calm = false;
  #closing = false;
  #offsetMs = 0;
  kills = 0;
  /** Processes that ended and were not killed: none should. */
  readonly deaths: string[] = [];

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Starts all processes; one goes before, because what is killed keeps no compiled code for the next. */
  async start(): Promise<void> {
    const first = fork(program, { ...this.#forking("first", "server"), stdio: ["ignore", "ignore", "inherit", "ipc"] });
    first.once("message", () => first.disconnect());
    const [code] = (await once(first, "exit")) as [number | null];
    if (code !== 0) throw new Error("The programs of the campaign do not start.");
    this.#start("server", "server");
    for (let n = 1; n <= this.#options.workers; n++) this.#start(`worker${n}`, "worker");
  }

  get names(): readonly MemberName[] {
    return [...this.#members.keys()];
  }

  /** Kills a process with SIGKILL; tells whether it was there to be killed. */
  kill(name: MemberName): boolean {
    const member = this.#members.get(name);
    // Also one that takes long to start.
    if (member === undefined || (!member.ready && Date.now() - member.bornAt < youngMs)) return false;
    // On a slow machine the server would otherwise never come to accept a run.
    if (member.role === "server" && Date.now() - member.readyAt < 300) return false;
    return member.child.kill("SIGKILL");
  }

  /** Stops a process as a long pause would, until `thaw`. */
  freeze(name: MemberName): boolean {
    const member = this.#members.get(name);
    if (!member?.ready || member.frozen) return false;
    member.frozen = member.child.kill("SIGSTOP");
    return member.frozen;
  }

  /** Lets a frozen process go on. */
  thaw(name: MemberName): void {
    const member = this.#members.get(name);
    if (!member?.frozen) return;
    member.frozen = false;
    member.child.kill("SIGCONT");
  }

  /** Sets the wall clock of a process off from the true time. */
  jump(name: MemberName, offsetMs: number): void {
    const child = this.#members.get(name)?.child;
    if (child?.connected) child.send({ offsetMs }, () => {});
  }

  /** Ends the faults: nobody is frozen, and processes that are started from now on have no crash points. */
  calm(offsetMs: number): void {
    this.#calm = true;
    this.#offsetMs = offsetMs;
    for (const name of this.names) this.thaw(name);
    for (const { child } of this.#members.values()) child.kill("SIGKILL");
  }

  /** Asks the server. Errors: ServerGone when it died meanwhile; Refused. */
  ask(ask: Ask): Promise<JsonValue> {
    const server = this.#members.get("server");
    if (!server?.ready || !server.child.connected) return Promise.reject(new ServerGone("not there"));
    const id = this.#nextAsk++;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      server.child.send({ id, ask }, (error) => {
        if (error !== null) this.#take(id)?.reject(new ServerGone(error.message));
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await Promise.all(
      [...this.#members.values()].map(
        ({ child }) =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) return resolve();
            child.once("exit", () => resolve());
            child.kill("SIGKILL");
          }),
      ),
    );
  }

  #start(name: MemberName, role: "worker" | "server"): void {
    const child = fork(program, this.#forking(name, role));
    const member: Member = { name, role, child, bornAt: Date.now(), ready: false, readyAt: 0, frozen: false };
    this.#members.set(name, member);
    child.stderr?.setEncoding("utf8").on("data", this.#options.talk);
    child.on("message", (message: Answer | { readonly ready: true }) => {
      if ("ready" in message) {
        member.ready = true;
        member.readyAt = Date.now();
      }
      if ("id" in message) this.#answer(message);
    });
    child.once("exit", (code, signal) => this.#ended(member, code, signal));
  }

  #forking(name: MemberName, role: "worker" | "server"): ForkOptions {
    const { storage, trace, cache } = this.#options;
    return {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: {
        ...process.env,
        NODE_OPTIONS: `--import ${crashPoints}`,
        NODE_COMPILE_CACHE: cache,
        CAMPAIGN_STORAGE: storage,
        CAMPAIGN_TRACE: trace,
        CAMPAIGN_ROLE: role,
        CAMPAIGN_NAME: name,
        CAMPAIGN_OFFSET: String(this.#offsetMs),
        CAMPAIGN_CRASH: this.#crash(),
      },
    };
  }

  #ended({ name, role, child }: Member, code: number | null, signal: string | null): void {
    if (child.pid !== undefined) noteGone(this.#options.trace, child.pid);
    if (role === "server") {
      for (const id of this.#asked.keys()) this.#take(id)?.reject(new ServerGone("died"));
    }
    if (this.#closing) return;
    if (signal === "SIGKILL") this.kills++;
    else if (code !== awayExitCode) this.deaths.push(`${name} ended by itself with ${code ?? signal}`);
    this.#start(name, role);
  }

  #answer(answer: Answer): void {
    const asked = this.#take(answer.id);
    if ("value" in answer) asked?.resolve(answer.value);
    else asked?.reject(new Refused(answer.code, answer.message));
  }

  #take(id: number) {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }

  #crash(): string {
    const { random, crashes } = this.#options;
    if (this.#calm || this.#members.size === 0 || random.next() >= crashes) return "";
    const [name, often] = points[Math.floor(random.next() * points.length)] ?? points[0];
    return `${name}:${1 + Math.floor(random.next() * often * 2)}`;
  }
}
