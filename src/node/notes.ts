/**
 * Which of the core's notes are worth a line of a log in production. Of PBFT's none that a liar's messages alone bring
 * about: it could fill the disk with them. Who contradicts itself is told by crypto/evidence.ts, so many times.
 */
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
  // PBFT
  'request-timed-out',
  'view-change-started',
  'view-change-joined',
  'view-change-timed-out',
  'new-view-sent',
  'new-view-accepted',
  'fetching-state',
  'state-fetched',
  'fetch-failed',
  'state-diverged',
  'mute',
])
