export { createLogger, logLevels, silentLogger } from "./logger.ts";
export type { LogFields, LogLevel, Logger, LoggerOptions } from "./logger.ts";
export { noopTelemetry } from "./telemetry.ts";
export type { AttributeValue, Attributes, Span, Telemetry } from "./telemetry.ts";
