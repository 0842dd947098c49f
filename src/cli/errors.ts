import { defineErrors } from "../base/index.ts";

/** Holds the error codes of the command line. */
export const cliErrors = defineErrors("cli", {
  usage: {
    status: 400,
    retry: "changed",
    exitCode: 2,
    summary: "The command line has an unknown command or option, or lacks something.",
    fix: "See what is possible with: atlas --help.",
  },
  demo_without_documents: {
    status: 404,
    retry: "changed",
    exitCode: 4,
    summary: "The demo found no README of an installed package.",
    fix: "Run npm ci in a checkout first, or name documents with: atlas demo --knowledge PATH.",
  },
});
