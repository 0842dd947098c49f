// A live answer that is held: paused and resumed without loss, with secrets taken out before anybody sees them, and cancelled.
import { holdBack, openStream, redact, scripted, userMessage } from "atlas-agents/providers";

const model = scripted([{ text: "The key is sk-0123456789, keep it safe. That is all there is to say." }], {
  chunkSize: 7,
});
const request = { messages: [userMessage("What is the key?")] };

{
  await using stream = openStream(model, request, {
    transforms: [redact([/sk-[a-z0-9]+/]), holdBack("word")],
    buffer: { maxParts: 8 },
    maxPauseMs: 60_000,
  });
  stream.onState((state) => console.log(`[${state}]`));
  for await (const part of stream) {
    if (part.type !== "text.delta") continue;
    console.log(part.text);
    // A paused stream delivers nothing and reads nothing; its reader just waits.
    if (part.text.includes("[redacted]") && stream.pause()) setTimeout(() => stream.resume(), 20);
  }
  const { text } = await stream.result();
  const { pauses, pausedMs, deliveredParts } = stream.metrics;
  console.log({ text, pauses, paused: pausedMs > 0, deliveredParts, pauseStops: stream.pauseEffect });
}

{
  await using stream = openStream(model, request);
  try {
    for await (const part of stream) if (part.type === "text.delta") stream.cancel();
  } catch (error) {
    console.log(error instanceof Error ? error.message : error, stream.state, stream.metrics.usage);
  }
}
