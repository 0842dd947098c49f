/** Is how times of a cron expression are asked for. Units: `after` in ms since the Unix epoch; the times are later than it. */
export interface CalendarQuestion {
  readonly cron: string;
  readonly after: number;
  /** An IANA name such as `Europe/Berlin`. */
  readonly timezone: string;
  readonly count: number;
}

/** Reads cron expressions. Errors: schedule_invalid when one cannot be understood. */
export interface Calendar {
  /** Gives the next times, in order; fewer than asked for when it ends before, none when it never comes. */
  next(question: CalendarQuestion): readonly number[];
}
