import { defineErrors } from "../base/index.ts";

/** Holds the error codes of the storage domain. */
export const storageErrors = defineErrors("storage", {
  database_open_failed: {
    status: 500,
    retry: "changed",
    exitCode: 1,
    summary: "The database file cannot be opened.",
    fix: "Check that the folder exists and that you may write to it, or name another with --storage or ATLAS_STORAGE.",
  },
  database_read_only: {
    status: 500,
    retry: "changed",
    exitCode: 1,
    summary: "The database or its folder cannot be written to.",
    fix: "Give write permission on the file and its folder, or name another with --storage or ATLAS_STORAGE.",
  },
  database_corrupt: {
    status: 500,
    retry: "changed",
    exitCode: 1,
    summary: "The database file is damaged, cut off, or no database at all.",
    fix: "Keep the file, restore a backup in its place, or move it away to start anew.",
  },
  database_too_new: {
    status: 500,
    retry: "changed",
    exitCode: 1,
    summary: "The database was written by a newer version of Atlas.",
    fix: "Update Atlas, or name another database with --storage or ATLAS_STORAGE.",
  },
  database_busy: {
    status: 503,
    retry: "later",
    exitCode: 5,
    summary: "Another process held the database for longer than the wait allows.",
    fix: "Try again; if it stays, end the process that holds the database.",
  },
  database_full: {
    status: 507,
    retry: "changed",
    exitCode: 6,
    summary: "There is no space left on the disk of the database.",
    fix: "Free some space and start again; everything that was acknowledged is kept.",
  },
  database_closed: {
    status: 500,
    retry: "never",
    exitCode: 1,
    summary: "The database was used after it was closed.",
    fix: "Keep Atlas open until the work is done.",
  },
  database_failed: {
    status: 500,
    retry: "never",
    exitCode: 1,
    summary: "The database refused a statement.",
    fix: "Please report it with the cause.",
  },
  write_conflict: {
    status: 409,
    retry: "changed",
    exitCode: 5,
    summary: "A conditional write found another state than it expected, or a row that must be unique is there already.",
    fix: "Read the state again and decide anew.",
  },
  database_unreachable: {
    status: 503,
    retry: "later",
    exitCode: 5,
    summary: "The database server does not answer.",
    fix: "Check the address and that the server runs; what was accepted is kept, and goes on when it is back.",
  },
  database_denied: {
    status: 500,
    retry: "changed",
    exitCode: 1,
    summary: "The database server refused the user, the password or the database name.",
    fix: "Check the address in --storage or ATLAS_STORAGE; the password may stand in PGPASSWORD.",
  },
  backup_failed: {
    status: 500,
    retry: "changed",
    exitCode: 1,
    summary: "The backup could not be written or read.",
    fix: "Check the path, the space and the rights there; the database itself is unharmed.",
  },
});
