import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { silentLogger } from "../telemetry/index.ts";
import { invokeTool } from "./invoke.ts";
import { missingPermissions, requirePermissions } from "./permissions.ts";
import { tool } from "./tool.ts";

const needing = (...permissions: readonly string[]) =>
  tool({ name: "deploy", input: z.object({}), permissions, run: () => "done" });

test("a permission is given by its own name, by the word above it, or by a star", () => {
  const deploy = needing("fs:read", "net");
  expect(missingPermissions(deploy, { of: "program", permissions: ["fs:read", "net"] })).toEqual([]);
  expect(missingPermissions(deploy, { of: "program", permissions: ["fs", "net"] })).toEqual([]);
  expect(missingPermissions(deploy, { of: "program", permissions: ["*"] })).toEqual([]);
  expect(missingPermissions(deploy, { of: "program", permissions: ["fs:rea", "f", "net:http"] })).toEqual([
    "fs:read",
    "net",
  ]);
});

test("what every policy must allow is refused with all that is missing, and whose policy it is", () => {
  const policies = [
    { of: "agent guide", permissions: ["fs"] },
    { of: "program", permissions: ["net"] },
  ];
  expect(() => requirePermissions(needing("fs:read", "net", "shell"), policies)).toThrow(
    "The tool deploy may not be called: it needs the permission net, shell of the agent guide, and fs:read, shell of the program.",
  );
  expect(() => requirePermissions(needing("fs"), [])).not.toThrow();
});

test("a forbidden tool is not called", async () => {
  let calls = 0;
  const deploy = tool({ name: "deploy", input: z.object({}), permissions: ["shell"], run: () => ++calls });
  const call = invokeTool(
    deploy,
    {},
    {
      runId: "run_1",
      callId: "c1",
      idempotencyKey: "k1",
      signal: new AbortController().signal,
      logger: silentLogger,
      progress() {},
      policies: [{ of: "program", permissions: ["net"] }],
    },
  );
  await expect(call).rejects.toMatchObject({ code: "tool_forbidden", details: { tool: "deploy" } });
  expect(calls).toBe(0);
});

test("more in a policy never allows less", () => {
  const word = fc.constantFrom("fs", "fs:read", "fs:read:home", "net", "shell", "own.thing");
  fc.assert(
    fc.property(fc.array(word), fc.array(word), fc.array(word), (needed, allowed, more) => {
      const deploy = needing(...needed);
      const before = missingPermissions(deploy, { of: "program", permissions: allowed });
      const after = missingPermissions(deploy, { of: "program", permissions: [...allowed, ...more] });
      expect(before).toEqual(expect.arrayContaining([...after]));
    }),
  );
});
