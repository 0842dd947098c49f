import { defineErrors } from "../base/index.ts";

/** Holds the error codes of the knowledge domain. Codes that begin with `file_` concern one file and stand in an ingest's report. */
export const knowledgeErrors = defineErrors("knowledge", {
  knowledge_source_missing: {
    status: 404,
    retry: "changed",
    exitCode: 4,
    summary: "A file or folder that should be read into the knowledge does not exist.",
    fix: "Check the path; it is resolved against the current folder.",
  },
  knowledge_collection_missing: {
    status: 404,
    retry: "changed",
    exitCode: 4,
    summary: "The named collection does not exist.",
    fix: "Ingest documents into it first, or name another collection.",
  },
  knowledge_empty: {
    status: 409,
    retry: "changed",
    exitCode: 4,
    summary: "There is no readable text in the collections that should be searched.",
    fix: "Ingest a file or folder that holds text, and look at the failures in the report.",
  },
  knowledge_unsupported: {
    status: 501,
    retry: "changed",
    exitCode: 1,
    summary: "The database has no full-text engine that the knowledge can use.",
    fix: "Keep the knowledge in SQLite.",
  },
  file_unreadable: {
    status: 403,
    retry: "changed",
    exitCode: 1,
    summary: "A file or folder could not be read.",
    fix: "Give read permission, or leave the path out.",
  },
  file_binary: {
    status: 415,
    retry: "changed",
    exitCode: 1,
    summary: "A file holds binary data, not text.",
    fix: "Convert it to text, Markdown or HTML first.",
  },
  file_too_large: {
    status: 413,
    retry: "changed",
    exitCode: 6,
    summary: "A file is larger than the limit for its format.",
    fix: "Split the file, or raise maxFileBytes.",
  },
});
