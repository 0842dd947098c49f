import type { Usage } from "../usage.ts";

/** Is one call of a comparison. Units: milliseconds; millionths of a US dollar, null where no price is known; scores 0 to 1. */
export interface ComparedCall {
  readonly model: string;
  readonly prompt: string;
  readonly task: string;
  readonly round: number;
  readonly ok: boolean;
  /** Is the code of the failure. */
  readonly code?: string;
  readonly firstPartMs: number | null;
  readonly durationMs: number;
  readonly usage: Usage | null;
  readonly costMicroUsd: number | null;
  readonly checkScore: number;
  readonly missing: readonly string[];
  readonly judgeScore: number | null;
  readonly judgeReason?: string;
}
