export { offline } from "../offline/offline.ts";
