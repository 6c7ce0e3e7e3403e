/** Which of the core's notes a person wants to see. */
/** Notes worth a line of a log in production. */
export const TOLD: ReadonlySet<string> = new Set([
  'became-leader',
  'became-candidate',
  'became-follower',
  'stepped-down-without-quorum',
  'stepped-down-slow-disk',
  'log-truncated',
  'snapshot-taken',
  'snapshot-failed',
  'snapshot-installed',
  'peer-restarted',
  'transfer-started',
  'transfer-aborted',
  'log-damaged',
  'entries-filled',
  'log-healed',
  'repair-hopeless',
])
