// A call that its budget stops. The model is scripted and its price made up, so that the example runs offline; put any other
// model and `loadPrices()` of "atlas-agents/providers/genai-prices" in their place.
import {
  budgeted,
  createBudget,
  createPrices,
  generate,
  isAtlasError,
  noPriceTable,
  scripted,
  userMessage,
} from "atlas-agents";

const prices = createPrices(noPriceTable, {
  overrides: { "scripted/script": { inputPerMillion: 3, outputPerMillion: 15 } },
});
const story = "The baker rose before the sun, as her mother had, and lit the oven with last year's vines. ".repeat(100);
const request = { messages: [userMessage("Tell me a long story about a baker.")] };

// What a scope spends counts in all scopes above it.
const tenant = createBudget("tenant", { maxCostMicroUsd: 50_000 });
const run = tenant.child("run", { maxCostMicroUsd: 20_000 });
const model = budgeted(scripted([story]), run, { prices });

const answer = await generate(model, request);
console.log(`${answer.finishReason}: ${answer.text.length} of ${story.length} characters came`);
console.log(
  `spent: $${run.spent.costMicroUsd / 1_000_000} of the run, $${tenant.left.costMicroUsd / 1_000_000} left of all`,
);

try {
  await generate(model, request);
} catch (error) {
  if (!isAtlasError(error)) throw error;
  console.log(`${error.code}: ${error.message}`);
}
