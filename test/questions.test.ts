import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createAtlas } from "../src/app/index.ts";

/** The documents are undici's; the questions and their files were looked up by a person first. */
const documents = fileURLToPath(new URL("../node_modules/undici/docs", import.meta.url));
const questions: readonly (readonly [goal: string, files: readonly string[]])[] = [
  ["Which environment variable turns on the debug logs?", ["Debug.md"]],
  ["Which status codes does the redirect handler follow?", ["RedirectHandler.md"]],
  ["How long does an EventSource wait before it reconnects by default?", ["EventSource.md"]],
  ["How do I send basic authentication to a proxy?", ["proxy.md", "ProxyAgent.md"]],
  ["How long should a socket be kept open in automated tests?", ["writing-tests.md"]],
  ["What are the modes of SnapshotAgent?", ["SnapshotAgent.md"]],
  ["Which properties does a parsed MIME type have?", ["ContentType.md"]],
  ["How do I delete a cookie?", ["Cookies.md"]],
  ["How large can the payload of a WebSocket ping be?", ["WebSocket.md"]],
  ["How do I use a client certificate?", ["client-certificate.md"]],
];
const unanswerable = ["How do I deploy it on Kubernetes?", "Which versions of QUIC and HTTP/3 are supported?"];

it("answers questions about documents with citations of the right file, and says when they hold no answer", async () => {
  const directory = mkdtempSync(join(tmpdir(), "atlas-questions-"));
  await using atlas = await createAtlas({ directory, environment: {} });
  const ask = async (goal: string) => {
    const run = await atlas.start("assistant", goal, { knowledge: [documents], model: "offline/extractive" });
    return await run.result();
  };
  const wrong: string[] = [];
  for (const [goal, files] of questions) {
    const { text, citations } = await ask(goal);
    for (const { source, startLine, endLine, quote } of citations) {
      const lines = readFileSync(source, "utf8")
        .split(/\r?\n/)
        .slice(startLine - 1, endLine)
        .join(" ");
      expect(lines.replaceAll(/\s+/g, " "), source).toContain(quote.replaceAll(/\s+/g, " ").trim());
    }
    if (!citations.some(({ source }) => files.includes(basename(source)))) wrong.push(`${goal} → ${text}`);
  }
  for (const goal of unanswerable) {
    const { text, citations, metadata } = await ask(goal);
    expect(metadata, text).toMatchObject({ extractive: true, answered: false });
    expect(citations).toEqual([]);
  }
  expect(wrong.length, wrong.join("\n")).toBeLessThanOrEqual(2);
  rmSync(directory, { recursive: true, force: true });
});
