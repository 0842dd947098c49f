// Runs everything that a release needs: check, test, build, and the packed package from a user's side.
import { run } from "./lib/process.ts";

const failed: string[] = [];
for (const verb of ["check", "test", "build", "pack"]) {
  console.log(`\n== ${verb}`);
  const done = await run("node", [`tools/${verb}.ts`], { show: true });
  if (done.exitCode !== 0) failed.push(verb);
}
console.log(failed.length === 0 ? "\nverify: all is well" : `\nverify: failed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
