import type { CallPhase, Fault } from "../transport/fault.ts";
import { LocalFailure, type LocalFailureKind } from "./engine.ts";
import type { ProviderErrorCode } from "../errors.ts";

const codes: Readonly<Record<LocalFailureKind, ProviderErrorCode>> = {
  engine_missing: "local_engine_missing",
  not_found: "model_not_found",
  file_invalid: "model_file_invalid",
  memory: "local_memory",
  context_length: "provider_context_length",
  schema: "provider_invalid_request",
  closed: "provider_unreachable",
};

/** Reads the failure in what a local engine threw. */
export function localFault(cause: unknown, phase: CallPhase): Fault {
  if (!(cause instanceof LocalFailure)) return { code: "provider_error", message: "failed in its engine", phase };
  return { code: codes[cause.kind], message: cause.message, phase };
}
