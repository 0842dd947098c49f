import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { brokenDebtMeters, debtMeterContract, mustFail, registerContract } from "../../testing/index.ts";
import type { DebtMeterSubject } from "../../testing/index.ts";
import { codeDebt } from "./code-debt.ts";
import type { DebtMeter, DebtState } from "./debt.ts";
import { textDebt } from "./text-debt.ts";

const before: DebtState = { when: "before", goal: "Mend it." };
const after = (feedback: boolean): DebtState => {
  const points = [{ id: "a", open: !feedback }];
  return { when: "after", goal: "Mend it.", result: { text: "", output: "", metadata: { feedback: points } } };
};

type Wrap = (sound: DebtMeter) => DebtMeter;
const same: Wrap = (sound) => sound;

async function code(wrap: Wrap = same): Promise<DebtMeterSubject & AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), "atlas-debt-meter-"));
  const state = async (text: string, given: DebtState): Promise<DebtState> => {
    writeFileSync(join(folder, "a.ts"), text);
    return given;
  };
  return {
    meter: wrap(codeDebt({ folder, testCommand: [process.execPath, "--check", "a.ts"] })),
    begin: () => state("// TODO\nconst a = ;", before),
    payOff: () => state("const a = 1;", after(true)),
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }),
  };
}

async function text(wrap: Wrap = same): Promise<DebtMeterSubject & AsyncDisposable> {
  return {
    meter: wrap(textDebt()),
    begin: async () => before,
    payOff: async () => after(true),
    [Symbol.asyncDispose]: async () => {},
  };
}

describe("codeDebt keeps the contract of a meter:", () =>
  registerContract(it, { cases: debtMeterContract, make: code }));
describe("textDebt keeps the contract of a meter:", () =>
  registerContract(it, { cases: debtMeterContract, make: text }));
describe("the contract of a meter notices one that", () => {
  it.each(brokenDebtMeters)("$name", async ({ wrap, noticedBy }) => {
    await mustFail({ cases: debtMeterContract, make: () => code(wrap) }, noticedBy);
  });
});
