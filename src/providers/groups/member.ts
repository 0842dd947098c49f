import type { Clock, Random } from "../../base/index.ts";
import type { Model } from "../model.ts";
import { createGate } from "../resilience/create-gate.ts";
import type { Gate } from "../resilience/gate.ts";
import { createRetryBudget, type RetryBudget } from "../resilience/retry-budget.ts";
import { createDrain, type Drain } from "./drain.ts";
import type { GroupMember } from "./group-options.ts";
import { createStats, type StatsKeeper } from "./member-stats.ts";

/** Is a member with its defaults filled in and what the group knows of it. */
export interface Member {
  /** `provider/name`, made different where two members have the same. */
  readonly id: string;
  readonly index: number;
  readonly model: Model;
  readonly weight: number;
  readonly strengths: Readonly<Record<string, number>>;
  readonly gate: Gate;
  readonly retries: RetryBudget;
  readonly stats: StatsKeeper;
  /** What becomes of an answer that nobody reads on; a drain is there only where it is the policy. */
  readonly cancel: "cancel+estimate" | "none" | Drain;
  readonly unknownPrice: "refuse" | "allow";
}

/** Makes the members of a group, in order. */
export function createMembers(
  given: readonly (Model | GroupMember)[],
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): readonly Member[] {
  const budgets = new Map<string, RetryBudget>();
  const names = new Map<string, number>();
  return given.map((each, index) => {
    const spec: GroupMember = "model" in each ? each : { model: each };
    const { model, cancel = "cancel+estimate" } = spec;
    const { provider, name } = model;
    const retries = spec.retryBudget ?? budgets.get(provider) ?? createRetryBudget({ clock });
    budgets.set(provider, retries);
    const bare = `${provider}/${name}`;
    const count = (names.get(bare) ?? 0) + 1;
    names.set(bare, count);
    return {
      id: count === 1 ? bare : `${bare}#${count}`,
      index,
      model,
      weight: spec.weight ?? 1,
      strengths: spec.strengths ?? {},
      gate: spec.gate ?? createGate({ provider, model: name, keyId: "default", clock, random }),
      retries,
      stats: createStats(),
      cancel: typeof cancel === "string" && cancel !== "drain" ? cancel : createDrain(cancel, clock),
      unknownPrice: spec.unknownPrice ?? "refuse",
    };
  });
}
