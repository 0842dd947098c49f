// A group of two models, of which the first breaks in the middle of its answer: the second takes over, the reader is told, and
// the report says what each attempt used. Scripted models stand in for real ones, so that the example runs offline.
import { group, scripted, userMessage } from "atlas-agents";

const flaky = scripted([{ text: "Bread rises because the", error: "stream_interrupted" }], { provider: "first" });
const steady = scripted(["Bread rises because yeast breathes out carbon dioxide."], { provider: "second" });

const model = group({
  name: "writers",
  members: [flaky, steady],
  fallback: { onText: "restart" }, // or "continue", where the second model can go on from a given beginning; or "stop"
});

let shown = "";
for await (const part of model.stream({ messages: [userMessage("Why does bread rise?")] })) {
  if (part.type === "text.delta") shown += part.text;
  if (part.type === "response.restarted") {
    console.log(`${JSON.stringify(shown)} is void: ${part.from} broke (${part.code}), ${part.to} begins anew`);
    shown = "";
  }
  if (part.type === "response.finished" && part.report !== undefined) {
    const { attempts, selections, seams, usage, costMicroUsd } = part.report;
    console.log(shown);
    for (const { provider, outcome, usage } of attempts) {
      console.log(`attempt: ${provider} ${outcome}, ${usage.outputTokens} tokens out (${usage.provenance})`);
    }
    for (const { chosen, strategy, reason } of selections) console.log(`chosen: ${chosen} (${strategy}: ${reason})`);
    for (const { kind, atChars } of seams) console.log(`seam: ${kind} after ${atChars} characters`);
    console.log(`in all: ${usage.outputTokens} tokens out, ${costMicroUsd} µ$`);
  }
}
