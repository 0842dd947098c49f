import type { CodeDebtOptions } from "./code-debt-options.ts";
import type { DebtMeter } from "./debt.ts";

/**
 * Makes the meter of a code workspace: what its own linter, TypeScript and tests find, and the complexity, copies and TODOs that Atlas
 * finds itself in programs of the C family, Python and others. A part that cannot be measured says why.
 *
 * Errors: reward_invalid for a folder that cannot be read.
 * Cost: what does the work is loaded at the first measurement; the workspace's own commands take as long as they take.
 * @example examples/reward.ts
 */
export function codeDebt(options: CodeDebtOptions): DebtMeter {
  return {
    name: "code",
    async measure(_, { signal }) {
      const { measureCode } = await import("./code/measure-code.ts");
      return await measureCode(options, signal);
    },
  };
}
