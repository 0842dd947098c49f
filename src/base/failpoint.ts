/** Is told the name of each point that the program passes. */
export type FailpointHandler = (name: string) => void;

let installed: FailpointHandler | undefined;

/** Marks a point at which a test may end the process. Cost: one read; does nothing unless a test installed a handler. */
export function failpoint(name: string): void {
  if (installed !== undefined) installed(name);
}

/** Installs what is told of the points that this thread passes, for tests; undefined takes it away. */
export function setFailpoints(handler: FailpointHandler | undefined): void {
  installed = handler;
}
