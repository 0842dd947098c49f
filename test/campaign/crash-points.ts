// Loaded before a program of the campaign, and before each of its threads: ends the process with SIGKILL when it has passed a
// point a number of times. CAMPAIGN_CRASH is "name:times".
import { setFailpoints } from "../../src/base/failpoint.ts";

const [name, times] = (process.env["CAMPAIGN_CRASH"] ?? "").split(":");
if (name) {
  let left = Number(times);
  setFailpoints((passed) => {
    if (passed === name && --left <= 0) process.kill(process.pid, "SIGKILL");
  });
}
