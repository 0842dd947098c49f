export { mustFail, registerContract, runCase, tryContract } from "./contract.ts";
export type { CaseOutcome, Contract, ContractCase, ContractOptions, MakeSubject, TestRunner } from "./contract.ts";
export { databaseContract } from "./database-contract.ts";
export type { DatabaseSubject } from "./database-contract.ts";
export { brokenDatabases } from "./broken-databases.ts";
export type { BrokenDatabase } from "./broken-databases.ts";
export { manualClock } from "./manual-clock.ts";
export type { ManualClock } from "./manual-clock.ts";
