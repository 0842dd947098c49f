/** Is a value that a span or a metric can carry. */
export type AttributeValue = string | number | boolean;

/** Are the labels of a span or a metric; names follow the OpenTelemetry conventions. */
export type Attributes = { readonly [key: string]: AttributeValue };

/** Is one timed piece of work. */
export interface Span {
  set(attributes: Attributes): void;
  fail(error: unknown): void;
  end(): void;
}

/** Is the port for traces and metrics. The default does nothing and costs next to nothing. */
export interface Telemetry {
  /** False when nothing is recorded, so that callers can leave out costly attributes. */
  readonly enabled: boolean;
  span(name: string, attributes?: Attributes): Span;
  count(name: string, value: number, attributes?: Attributes): void;
  /** Units: as the metric's name says (`…_ms`, `…_bytes`). */
  record(name: string, value: number, attributes?: Attributes): void;
}

const noopSpan: Span = { set() {}, fail() {}, end() {} };

/** Records nothing. */
export const noopTelemetry: Telemetry = { enabled: false, span: () => noopSpan, count() {}, record() {} };
