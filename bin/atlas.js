#!/usr/bin/env node
// Plain JavaScript that an old Node can read, so that the wrong Node gets one clear sentence and no syntax error.
import { existsSync } from "node:fs";
import process from "node:process";

const needed = [24, 17];
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  console.error(
    `atlas needs Node ${needed.join(".")} or newer, and this is Node ${process.versions.node}. ` +
      "Install a newer Node, or run `npm ci` in a checkout and start it with `npx atlas`: that brings the right Node.",
  );
  process.exitCode = 1;
} else {
  const at = (path) => new URL(path, import.meta.url);
  // The package has no tsconfig.json. A checkout has, and runs its sources: what was built there may be older.
  const isCheckout = existsSync(at("../tsconfig.json"));
  try {
    const { main } = await import(at(isCheckout ? "../src/cli/main.ts" : "../dist/cli/main.js").href);
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
}
