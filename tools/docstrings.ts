// Checks that every export of src has a docstring whose first sentence begins with a verb, and that shapes stay small.
import { findFaults } from "./lib/docstrings.ts";
import { findShapeFaults } from "./lib/shapes.ts";
import { isTest, readSources } from "./lib/sources.ts";

const sources = (await readSources("src")).filter((source) => !isTest(source.path));
const faults = [...sources.flatMap(findFaults), ...sources.flatMap(findShapeFaults)];

if (process.argv.includes("--json")) console.log(JSON.stringify({ files: sources.length, faults }));
else for (const fault of faults) console.log(`${fault.path}:${fault.line} ${fault.name} ${fault.message}`);
if (faults.length > 0) process.exitCode = 1;
