// Follows a run of another process many times, and tells what the followers saw.
import { createRuns } from "../../src/runs/index.ts";
import { sqlite } from "../../src/storage/adapters/sqlite.ts";
import { followMany } from "./follow-many.ts";

const [path = "", id = "", count = "0"] = process.argv.slice(2);
await using database = await sqlite({ path });
await using runs = await createRuns({ database, worker: false });
const ready = (): void => void process.send?.("ready");
process.send?.(await followMany(runs, { id, count: Number(count), ready }));
