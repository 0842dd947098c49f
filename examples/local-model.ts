// A model that runs in this process, from a GGUF file: no service, no key, no network. The file here is a tiny one that the
// example writes itself; give `local` the path of a real one. Needs: npm install node-llama-cpp
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate, userMessage } from "atlas-agents/providers";
import { local } from "atlas-agents/providers/local";
import { writeTinyGguf } from "atlas-agents/testing";

const folder = await mkdtemp(join(tmpdir(), "atlas-models-"));
await writeTinyGguf(join(folder, "baker.gguf"), "Bread rises because yeast breathes out gas.");

{
  await using models = local({ path: folder, threads: 1 });
  console.log(await models.listModels());
  const baker = models.model("baker");
  const question = { messages: [userMessage("Why does bread rise?")] };

  for await (const part of baker.stream(question)) {
    // Nothing is computed while this loop is busy: reading on is what makes the next token.
    if (part.type === "text.delta") process.stdout.write(`${part.text}|`);
    if (part.type === "response.finished") console.log("\n", part.finishReason, part.usage);
  }

  // A grammar holds the answer to a schema, whatever the model would rather say.
  const schema = { type: "object", properties: { rises: { type: "boolean" } }, required: ["rises"] };
  const { text } = await generate(baker, { ...question, responseFormat: { name: "verdict", schema } });
  console.log(JSON.parse(text));
}
await rm(folder, { recursive: true });
