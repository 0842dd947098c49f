import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareVersions, isVersion, isVersionRange, satisfiesVersion } from "./version.ts";

/** Is the part of the package of npm, which is the measure here. */
interface Semver {
  valid(text: string): string | null;
  validRange(text: string): string | null;
  satisfies(version: string, range: string): boolean;
  compare(one: string, other: string): number;
}
const semver = createRequire(import.meta.url)("semver") as Semver;

const part = fc.integer({ min: 0, max: 3 });
const prerelease = fc.constantFrom("", "", "", "-0", "-1", "-alpha", "-alpha.1", "-alpha.beta", "-beta.2.x", "-rc-1");
const version = fc.tuple(part, part, part, prerelease).map(([a, b, c, pre]) => `${a}.${b}.${c}${pre}`);
const open = fc.constantFrom("x", "X", "*");
const partial = fc.oneof(
  version,
  version.map((each) => `${each}+build.5`),
  fc.tuple(part, part).map((parts) => parts.join(".")),
  part.map(String),
  open,
  fc.tuple(part, open).map((parts) => parts.join(".")),
  fc.tuple(part, open, open).map((parts) => parts.join(".")),
  fc.tuple(open, open, open).map((parts) => parts.join(".")),
  fc.tuple(part, part, open).map((parts) => parts.join(".")),
);
const operator = fc.constantFrom("", "", "=", "<", "<=", ">", ">=", "~", "^", ">= ", "^ ");
const comparator = fc.tuple(operator, partial).map((parts) => parts.join(""));
const set = fc.oneof(
  fc.array(comparator, { minLength: 1, maxLength: 3 }).map((all) => all.join(" ")),
  fc.tuple(partial, partial).map((ends) => ends.join(" - ")),
);
const range = fc.array(set, { minLength: 1, maxLength: 3 }).map((sets) => sets.join(" || "));

test("a version lies in a range exactly where npm's own reader says so", () => {
  fc.assert(
    fc.property(version, range, (tried, wanted) => {
      expect(isVersionRange(wanted), wanted).toBe(true);
      // Set by set: npm drops all others where one of them is every version, and with them what they say of prereleases.
      const isIn = wanted.split("||").some((each) => semver.satisfies(tried, each));
      expect(satisfiesVersion(tried, wanted), `${tried} in ${wanted}`).toBe(isIn);
    }),
    { numRuns: 3_000 },
  );
});

test("versions are ordered as npm orders them", () => {
  fc.assert(
    fc.property(version, version, (one, other) => {
      expect(Math.sign(compareVersions(one, other))).toBe(semver.compare(one, other));
    }),
    { numRuns: 5_000 },
  );
});

test("no text makes the reading throw, and what is taken for a version or a range is one for npm too", () => {
  const text = fc.oneof(
    fc.string(),
    fc
      .array(fc.constantFrom("1", "0", "01", ".", "-", "x", "^", "~", ">", "=", "|", "||", " ", "v", "+", "a"), {
        maxLength: 12,
      })
      .map((all) => all.join("")),
  );
  fc.assert(
    fc.property(text, (each) => {
      if (isVersion(each)) expect(semver.valid(each)).not.toBeNull();
      if (isVersionRange(each)) expect(semver.validRange(each), each).not.toBeNull();
    }),
    { numRuns: 5_000 },
  );
});

test.each(["1", "1.0", "v1.0.0", "1.0.0-", "01.0.0", "1.0.0-01", "99999999999999999.0.0", " 1.0.0", ""])(
  "%j is no version",
  (text) => {
    expect(isVersion(text)).toBe(false);
    expect(() => compareVersions(text, "1.0.0")).toThrow(expect.objectContaining({ code: "invalid_input" }));
  },
);

test.each(["one", "^^1", "1.0.0 - ", ">>1", "1.2.3.4", "x.0.0", "1.x.2", "1.x.x-beta", "1.0.0 ".repeat(60)])(
  "%j is no range",
  (text) => {
    expect(isVersionRange(text)).toBe(false);
    expect(() => satisfiesVersion("1.0.0", text)).toThrow("is no range of versions");
  },
);
