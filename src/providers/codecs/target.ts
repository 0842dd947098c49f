import type { AtlasError } from "../../base/index.ts";
import { faultError } from "../transport/fault.ts";

/** Is the model that a request is written for, and the types of the files that it takes (`image/png`, or `image/*` for all). */
export interface RequestTarget {
  readonly provider: string;
  readonly model: string;
  readonly files: readonly string[];
}

/**
 * Makes the error of a request that the format cannot carry, before anything is sent. `message` is a clause that follows the
 * model's name, made of Atlas's own words; `param` names the place in the request.
 */
export function refusal({ provider, model }: RequestTarget, message: string, param: string): AtlasError {
  const fault = { code: "provider_invalid_request", message, param } as const;
  return faultError(fault, { provider, model, secrets: [] }, { phase: "connect" });
}
