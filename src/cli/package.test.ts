import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

test("the package holds every file that its README links to", () => {
  const { files } = JSON.parse(read("package.json")) as { files: readonly string[] };
  // npm packs the licence unasked.
  const packed = [...files, "LICENSE"];
  const links = [...read("README.md").matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = ""]) => path);
  expect(links).toContain("docs/cli.md");
  expect(links.filter((path) => !packed.some((each) => path === each || path.startsWith(`${each}/`)))).toEqual([]);
});
