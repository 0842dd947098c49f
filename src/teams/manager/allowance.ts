import type { AgentResult, RunBudget } from "../../agents/index.ts";

/** Is what something may spend or has spent. Units: tokens; millionths of a US dollar. */
interface Spending {
  readonly tokens: number;
  readonly costMicroUsd: number;
}

/**
 * Holds what a plan may spend and gives each call its part: never more than its share, and never more than what is left beside
 * that which calls under way may still spend. It is reckoned from results alone, so a run that is taken up again reckons the same.
 */
export interface Allowance {
  /**
   * Sets aside what a call may spend: the share of the whole without what was spent on the same task before. Undefined where
   * nothing is limited; "nothing" where there is nothing left.
   */
  take(key: string, share: number, task?: string): RunBudget | undefined | "nothing";
  /** Ends what was set aside. A call that gave no result counts as having spent all of it. */
  settle(key: string, result?: AgentResult<unknown>): void;
}

interface Held extends Spending {
  readonly task: string;
}

/** Makes the allowance of a run. */
export function createAllowance({ maxTokens, maxCostUsd }: RunBudget = {}): Allowance {
  const whole: Spending = {
    tokens: maxTokens ?? Infinity,
    costMicroUsd: maxCostUsd === undefined ? Infinity : Math.floor(maxCostUsd * 1_000_000),
  };
  const held = new Map<string, Held>();
  const spentOn = new Map<string, Spending>();
  let spent: Spending = { tokens: 0, costMicroUsd: 0 };
  const limited = maxTokens !== undefined || maxCostUsd !== undefined;
  return {
    take(key, share, task = key) {
      if (!limited) return undefined;
      const before = spentOn.get(task) ?? { tokens: 0, costMicroUsd: 0 };
      const part = (kind: keyof Spending): number => {
        const setAside = [...held.values()].reduce((sum, each) => sum + each[kind], 0);
        const ofShare = share >= 1 ? whole[kind] : whole[kind] * share - before[kind];
        return Math.floor(Math.min(ofShare, whole[kind] - spent[kind] - setAside));
      };
      const tokens = maxTokens === undefined ? 0 : part("tokens");
      const costMicroUsd = maxCostUsd === undefined ? 0 : part("costMicroUsd");
      if ((maxTokens !== undefined && tokens < 1) || (maxCostUsd !== undefined && costMicroUsd < 1)) return "nothing";
      held.set(key, { tokens, costMicroUsd, task });
      return {
        ...(maxTokens === undefined ? {} : { maxTokens: tokens }),
        ...(maxCostUsd === undefined ? {} : { maxCostUsd: costMicroUsd / 1_000_000 }),
      };
    },
    settle(key, result) {
      const set = held.get(key);
      if (set === undefined) return;
      held.delete(key);
      const used: Spending = result === undefined ? set : spentBy(result);
      spent = add(spent, used);
      spentOn.set(set.task, add(spentOn.get(set.task), used));
    },
  };
}

function spentBy({ usage, costMicroUsd }: AgentResult<unknown>): Spending {
  return { tokens: usage.inputTokens + usage.outputTokens, costMicroUsd: costMicroUsd ?? 0 };
}

function add(before: Spending = { tokens: 0, costMicroUsd: 0 }, more: Spending): Spending {
  return { tokens: before.tokens + more.tokens, costMicroUsd: before.costMicroUsd + more.costMicroUsd };
}
