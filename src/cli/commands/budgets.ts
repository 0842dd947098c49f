import type { BudgetStatus } from "../../app/index.ts";
import type { Call } from "../command.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Shows what is spent and left of the budgets, and what was spent by day, tenant and model. */
export async function budgets(call: Call): Promise<number> {
  const { screen } = call;
  await using atlas = await openAtlas(call);
  const status = await atlas.spending.status();
  const entries = await atlas.spending.report();
  if (screen.json) {
    screen.printJson({ budgets: status, spent: entries });
    return 0;
  }
  if (status.length === 0) screen.say("There are no budgets. Set one, as in: [budgets.day] maxCostUsd = 5");
  for (const each of status) showStatus(each, call);
  for (const { day, tenant, label, tokens, costMicroUsd } of entries) {
    screen.print(
      line`${day} ${tenant === null ? "" : `${oneLine(tenant, 64)} `}${styled("bold", oneLine(label, 60))}: ${amount(tokens, costMicroUsd)}`,
    );
  }
  return 0;
}

function showStatus({ tenant, scope, spent, left }: BudgetStatus, { screen }: Call): void {
  const rest = [
    ...(left.tokens === null ? [] : [`${left.tokens} tokens`]),
    ...(left.costMicroUsd === null ? [] : [dollars(left.costMicroUsd)]),
  ];
  const when = scope === "day" ? "Today" : "In all";
  const name = tenant === null ? when : `${when}, ${tenant}`;
  const end = rest.length === 0 ? "no limit" : `${rest.join(" and ")} left`;
  screen.print(line`${styled("bold", name)}: ${amount(spent.tokens, spent.costMicroUsd)} spent, ${end}`);
}

function amount(tokens: number, costMicroUsd: number): string {
  return `${tokens} tokens, ${dollars(costMicroUsd)}`;
}

function dollars(microUsd: number): string {
  return `$${(microUsd / 1_000_000).toFixed(6)}`;
}
