import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { confirmCitations, verifyCitation } from "./verify-citation.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-verify-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const write = async (name: string, content: string | Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};

test("a file of more than any string can hold is read only up to the cited line", async () => {
  const source = await write("huge.txt", "The walnut is ripe.\n".repeat(100_000));
  await truncate(source, 600_000_000);
  expect(await verifyCitation({ source, startLine: 7, endLine: 7, quote: "walnut is" })).toEqual({ ok: true });
  expect(await verifyCitation({ source, startLine: 7, endLine: 7, quote: "peanut" })).toMatchObject({
    reason: "quote",
  });
  const beyond = { source, startLine: 300_000, endLine: 300_000, quote: "walnut" };
  expect(await verifyCitation(beyond)).toMatchObject({ reason: "unreadable" });
  expect(await confirmCitations([{ source, startLine: 2, endLine: 2, quote: "walnut" }, beyond])).toEqual([]);
});

test("in a file that is read in parts, quotes are found wherever they lie and lines are counted on", async () => {
  const lines = Array.from(
    { length: 60_000 },
    (_, index) => `Lïne ${index + 1} hölds\t the wörd of ${index} and a number of others.`,
  );
  const source = await write("large.txt", `${lines.join("\r\n")}\r\n${"long ".repeat(500_000)}end`);
  const citations = Array.from({ length: 59 }, (_, index) => {
    const startLine = index * 1000 + 500;
    const held = lines
      .slice(startLine - 1, startLine + 500)
      .join(" ")
      .replace(/\s+/g, " ");
    return { source, startLine, endLine: startLine + 500, quote: held };
  });
  expect(await confirmCitations(citations)).toEqual(citations);
  const [first] = citations;
  const moved = citations.map((citation) => ({ ...citation, startLine: citation.startLine + 1 }));
  expect(await confirmCitations(moved)).toEqual([]);
  expect(await verifyCitation({ source, startLine: 60_001, endLine: 60_001, quote: "long end" })).toEqual({ ok: true });
  expect(await verifyCitation({ source, startLine: 1, endLine: 60_002, quote: first?.quote ?? "" })).toMatchObject({
    reason: "lines",
  });
});

test("whatever keeps a file from being read is a reason, not an error; an abort is an error", async () => {
  const at = { startLine: 1, endLine: 1, quote: "a" };
  const reasons = await Promise.all(
    [
      folder,
      join(folder, "none"),
      join(await write("file", "a"), "below"),
      await write("b", Uint8Array.of(0, 1, 97)),
    ].map(async (source) => await verifyCitation({ ...at, source })),
  );
  expect(reasons.map((each) => (each.ok ? "" : each.reason))).toEqual([
    "unreadable",
    "missing",
    "missing",
    "unreadable",
  ]);
  await expect(verifyCitation({ ...at, source: join(folder, "file") }, AbortSignal.abort())).rejects.toThrow("abort");
});

test("a quote from HTML is cut to the longest stretch between tags, in the encoding of the file", async () => {
  const html = "<p>The wörd of <b>the very long walnut tree</b> is ripe.</p>\n";
  const source = await write("a.html", Buffer.from(html, "latin1"));
  const at = { source, startLine: 1, endLine: 1 };
  const quotes = ["The wörd of the very long walnut tree is ripe.", "The wörd of", "peanut"];
  const kept = await confirmCitations(quotes.map((quote) => ({ ...at, quote })));
  expect(kept.map((citation) => citation.quote)).toEqual(["the very long walnut tree", "The wörd of"]);
});
