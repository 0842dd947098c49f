export { splitGoal } from "./split.ts";
