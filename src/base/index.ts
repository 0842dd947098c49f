export type { Amount, Budget, BudgetLimits, Reservation, ReserveOptions } from "./budget.ts";
export {
  addAmounts,
  budgetExceeded,
  checkAmount,
  checkLimits,
  createBudget,
  leftOf,
  lesserAmount,
  shortageOf,
} from "./budget-tree.ts";
export type { BudgetOptions, BudgetShortage } from "./budget-tree.ts";
export { createDeadline, raceAbort } from "./abort.ts";
export { failpoint, setFailpoints } from "./failpoint.ts";
export type { FailpointHandler } from "./failpoint.ts";
export type { Deadline, DeadlineOptions } from "./abort.ts";
export { AtlasError, baseErrors, defineErrors, fromErrorData, isAtlasError, toAtlasError } from "./errors.ts";
export type { ErrorData, ErrorDomain, ErrorOptions, ErrorSpec, Retry } from "./errors.ts";
export { isJsonObject, parseJson, stringifyJson } from "./json.ts";
export type { JsonLimits } from "./json.ts";
export type { JsonObject, JsonValue } from "./json-value.ts";
export { systemClock } from "./clock.ts";
export type { Clock, SleepOptions } from "./clock.ts";
export { seededRandom, systemRandom } from "./random.ts";
export type { Random } from "./random.ts";
export { isId, newId } from "./ids.ts";
export type { IdSources } from "./ids.ts";
export { isName, nameForm } from "./names.ts";
export { checkSchema, describeIssues, jsonSchemaOf, parseSchema, schemaByHand } from "./schema.ts";
export type { Schema, SchemaInput, SchemaIssue, SchemaOutput, SchemaResult } from "./schema.ts";
export { stem } from "./stem.ts";
export { compareVersions, isVersion, isVersionRange, satisfiesVersion } from "./version.ts";
