import { defineErrors } from "../base/index.ts";

/** Holds the error codes of the runs domain. */
export const runErrors = defineErrors("runs", {
  run_not_found: {
    status: 404,
    retry: "never",
    exitCode: 4,
    summary: "There is no run with this id in the database.",
    fix: "See the ids with: atlas runs list.",
  },
  run_finished: {
    status: 409,
    retry: "never",
    exitCode: 5,
    summary: "The run has ended; it can no longer be changed.",
    fix: "Start a new run.",
  },
  run_owned: {
    status: 409,
    retry: "later",
    exitCode: 5,
    summary: "A live process is executing the run.",
    fix: "Follow it with: atlas runs events ID --follow; or cancel it first.",
  },
  run_cancelled: {
    status: 409,
    retry: "never",
    exitCode: 7,
    summary: "The run was cancelled.",
    fix: "Start it again if that was not wanted.",
  },
  run_interrupted: {
    status: 503,
    retry: "later",
    exitCode: 130,
    summary: "The process stopped before the run had ended; the run is kept.",
    fix: "Take it up with: atlas runs resume ID.",
  },
  run_fenced: {
    status: 409,
    retry: "never",
    exitCode: 5,
    summary: "Another process has taken the run over; what this one did since was not recorded.",
    fix: "Follow the run; nothing else needs to be done.",
  },
  event_reserved: {
    status: 422,
    retry: "changed",
    exitCode: 1,
    summary: "A function emits an event of a type that only the engine may write.",
    fix: "Choose another type for the event, such as one that begins with a word of your own.",
  },
  step_not_json: {
    status: 422,
    retry: "changed",
    exitCode: 2,
    summary: "A step or a run returned something that cannot be kept as JSON.",
    fix: "Return plain data.",
  },
  workflow_unknown: {
    status: 404,
    retry: "changed",
    exitCode: 4,
    summary: "The program does not know the workflow that the run belongs to.",
    fix: "Register the workflow, or run the program that defines it.",
  },
  workflow_duplicate: {
    status: 409,
    retry: "changed",
    exitCode: 2,
    summary: "Two different workflows have the same name.",
    fix: "Give one of them another name.",
  },
});
