import type { Comparison } from "./compare-models.ts";
import { dollars, milliseconds, percent, tableOf } from "./comparison-table.ts";
import { type ModelSummary, qualityOf } from "./summary.ts";

/** Does what `comparisonHtml` says. */
export function htmlOf(comparison: Comparison): string {
  const { models, judge, priceTable, rounds, prompts, startedAt } = comparison;
  const about = [
    `${prompts.length} prompts, ${rounds} ${rounds === 1 ? "round" : "rounds"}, ${startedAt}`,
    judge === null ? "no judge" : `judge: ${judge}`,
    priceTable === null ? "no price table" : `prices: ${priceTable}`,
  ];
  const found = tableOf(models);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Comparison of models</title>
<style>${style}</style>
</head>
<body>
<h1>Comparison of models</h1>
<p>${escaped(about.join(" · "))}</p>
${table(found.head, found.rows)}
<h2>Quality and first part</h2>
${chart(models)}
<h2>Quality by kind of task</h2>
${byTask(models)}
<h2>Calls</h2>
${callTable(comparison)}
</body>
</html>
`;
}

const style = `
:root { color-scheme: light dark; --line: #8884; --bar: #4a7bd0; --slow: #c08a3e; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: right; vertical-align: top; }
th:first-child, td:first-child { text-align: left; }
svg { width: 100%; height: auto; } svg text { font: 13px system-ui, sans-serif; fill: currentColor; }
details { margin: .5rem 0; }
`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: "th" | "td"): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join("")}</tr>`;
  return `<table><thead>${row(head, "th")}</thead><tbody>${rows.map((cells) => row(cells, "td")).join("\n")}</tbody></table>`;
}

/** Draws two bars for each model: quality, and the time to the first part against the slowest. */
function chart(models: readonly ModelSummary[]): string {
  const slowest = Math.max(1, ...models.map(({ firstPartP50Ms }) => firstPartP50Ms ?? 0));
  const bars = models.map((model, index) => {
    const top = index * 52;
    const quality = Math.round(600 * qualityOf(model));
    const wait = Math.round((600 * (model.firstPartP50Ms ?? 0)) / slowest);
    return `<text x="0" y="${top + 20}">${escaped(model.model)}</text>
<rect x="320" y="${top + 6}" width="${quality}" height="16" fill="var(--bar)"/><text x="${326 + quality}" y="${top + 19}">${percent(qualityOf(model))}</text>
<rect x="320" y="${top + 24}" width="${wait}" height="16" fill="var(--slow)"/><text x="${326 + wait}" y="${top + 37}">${milliseconds(model.firstPartP50Ms)}</text>`;
  });
  return `<svg viewBox="0 0 1020 ${Math.max(1, models.length) * 52}" role="img" aria-label="Quality and time to the first part of each model">${bars.join("\n")}</svg>`;
}

function byTask(models: readonly ModelSummary[]): string {
  const tasks = [...new Set(models.flatMap(({ byTask: scores }) => Object.keys(scores)))];
  return table(
    ["model", ...tasks],
    models.map((model) => [model.model, ...tasks.map((task) => percent(model.byTask[task] ?? 0))]),
  );
}

function callTable({ calls, models }: Comparison): string {
  const head = ["prompt", "round", "result", "checks", "judge", "first part", "whole answer", "cost", "remarks"];
  return models
    .map(({ model }) => {
      const rows = calls
        .filter((call) => call.model === model)
        .map((call) => [
          call.prompt,
          String(call.round),
          call.ok ? "ok" : (call.code ?? "failed"),
          percent(call.checkScore),
          percent(call.judgeScore),
          milliseconds(call.firstPartMs),
          milliseconds(call.durationMs),
          dollars(call.costMicroUsd),
          [...call.missing, call.judgeReason ?? ""].filter(Boolean).join("; "),
        ]);
      return `<details><summary>${escaped(model)}</summary>${table(head, rows)}</details>`;
    })
    .join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
