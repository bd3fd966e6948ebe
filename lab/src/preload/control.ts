/** What the lab tells what it put into a daemon, and what that tells of the daemon: files in a directory of their own. */

/** `control.json` */
export interface Control {
  /** one more with each change */
  readonly turn: number;
  /** ms that the wall clock is ahead */
  readonly skew_ms: number;
  /** parts per million that it runs too fast since `since_ms`, Unix ms of the true time */
  readonly drift_ppm: number;
  readonly since_ms: number;
  /** ms that a sync takes longer */
  readonly sync_ms: number;
}

/** `PID.json` */
export interface Report {
  /** of the control that it goes by */
  turn: number;
  /** syncs that took longer */
  slow: number;
  /** those that did not, since the control was changed; counted once a change */
  prompt: number;
}
