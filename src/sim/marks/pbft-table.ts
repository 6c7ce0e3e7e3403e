/** Situations of PBFT that a long run must have seen, each with what it is. */

/** Told by the core itself in a note of this name. */
export const NOTED = {
  'pre-prepare-parked':
    'A proposal was of a time that a backup had not reached, and waited for it.',
  'executed-null': 'A null batch, which filled an index that nobody had prepared, was executed.',
  'catch-up': 'A replica executed on Q commits that somebody sent it with the batch.',
  'batch-fetched': 'A replica asked for a batch by its digest, and got it.',
  'stale-message': 'A message of a view that is over arrived.',
  'beyond-window': 'A message spoke of an index that is over, or not yet taken.',
  'checkpoint-stable': 'Q replicas told the same state, and h moved up.',
  'snapshot-taken': 'A replica wrote a snapshot of its own.',
  'snapshot-failed': 'A snapshot could not be written.',
  'fetching-state': 'A replica that was left behind asked for a state that W vouch for.',
  'state-fetched': 'Such a state took the place of its own.',
  'fetch-failed': 'Such a state did not arrive.',
  'proposal-refused': 'A replica had as many requests waiting as it may have.',
  'request-timed-out': 'A request had waited too long, and the primary was given up.',
  'view-change-timed-out': 'Q asked for a view that did not come in time.',
  'view-change-joined': 'A replica joined f+1 that asked for later views, untold by its own clock.',
  'new-view-sent': 'A primary opened its view.',
  'torn-tail-cut': 'A record that a power loss had torn was cut off at a start.',
} as const

/** Seen from outside: by what a step made of a state. */
export const OBSERVED = {
  'prepared-carried-over':
    'A new view took over a batch that was prepared in an earlier one and not executed here.',
  'executed-proposed-again':
    'A new view agreed again on an index that was executed here; it was not executed again.',
  'null-filled': 'A new view filled an index that nobody had prepared.',
  'certificates-of-two-views':
    'The view changes of a new view showed two certificates for one index, of two views.',
  'new-view-moves-h': 'A new view proved a stable checkpoint that a replica did not have.',
  'new-view-two-ahead': 'A replica entered a view two or more beyond the one it knew.',
  'new-view-untold': 'A replica entered a view that it had not asked for.',
  'new-view-of-nothing': 'A new view had nothing to take over.',
  'left-with-prepared': 'A replica left a view with something prepared to show.',
  'left-as-primary': 'A primary left its own view.',
  'high-view': 'The tenth view was reached.',
  'patience-at-its-end': 'So many views failed that no more time is given to the next.',
  'patience-restored': 'A view in which much was executed got the usual patience back.',
  'executed-between-views': 'A replica executed something while it was in no view.',
  'committed-out-of-order': 'An index was committed before the one below it.',
  'executed-many': 'Five indices or more were executed at once, as the one before them came last.',
  'committed-unprepared': 'Q commits arrived where the index was not prepared.',
  'vote-before-proposal': 'A vote arrived before the proposal that it is about.',
  'vote-of-a-later-view': 'A vote of a view arrived that the replica had not entered.',
  'window-full': 'A primary had as many indices open as the window has.',
  'pipeline-full': 'A primary had as much under way as it may have.',
  'stable-ahead': 'Q checkpoints were held for an index that was not executed here.',
  'stable-by-proof': 'A replica took a stable checkpoint from a peer that had it before.',
  'restarted-between-views': 'A replica started that had left a view and entered none.',
  'restarted-as-primary': 'A primary started again in its own view.',
  'restarted-with-prepared': 'A replica started with a batch prepared and not executed.',
  'restarted-with-votes': 'A replica started that had voted in its view.',
  'restarted-from-a-snapshot': 'A replica started from a snapshot.',
  'vote-said-again': 'A restarted replica repeated a vote of before, word for word.',
  'group-commit': 'One sync covered three batches or more.',
  'request-ordered-twice': 'A request got two indices, and was not executed again.',
  'retry-across-views': 'The two were given in two views.',
  'batch-of-many': 'One batch held eight requests or more.',
  'read-ordered': 'A query was given an index.',
} as const

export type Mark = keyof typeof NOTED | keyof typeof OBSERVED

export const PBFT_MARKS: { readonly [mark in Mark]: string } = { ...NOTED, ...OBSERVED }
