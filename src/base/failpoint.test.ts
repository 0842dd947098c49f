import { afterEach, expect, it } from "vitest";
import { failpoint, setFailpoints } from "./failpoint.ts";

afterEach(() => setFailpoints(undefined));

it("tells the handler each point that is passed, and does nothing without one", () => {
  const passed: string[] = [];
  failpoint("before");
  setFailpoints((name) => passed.push(name));
  failpoint("step.before");
  failpoint("commit.after");
  setFailpoints(undefined);
  failpoint("after");
  expect(passed).toEqual(["step.before", "commit.after"]);
});
