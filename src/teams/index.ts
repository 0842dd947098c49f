export { teamErrors } from "./errors.ts";
export { team } from "./team.ts";
export type {
  AnyTeam,
  AskOptions,
  Team,
  TeamContext,
  TeamDocuments,
  TeamOptions,
  TeamOutcome,
  TeamSurroundings,
} from "./team.ts";
export { teamWorkflow } from "./team-workflow.ts";
