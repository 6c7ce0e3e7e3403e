/** Situations that a long run must have seen, each with what it is. A mark that nothing reaches shows nothing. */

/** Told by the core itself in a note of this name. */
export const NOTED = {
  'vote-denied': 'A candidate with an older log, or a second one of a term, was refused a vote.',
  'pre-vote-denied': 'A node that only asked whether it could win was told that it could not.',
  'vote-ignored-leader-alive': 'A node that hears a leader gave no ear to a candidate.',
  'stepped-down-without-quorum':
    'A leader that heard no quorum for an election timeout stepped down.',
  'stepped-down-slow-disk': 'A leader whose disk hung stepped down.',
  'stale-message': 'A message of an earlier term arrived.',
  'stale-reply': 'An answer arrived that is about an earlier term, round or start.',
  'append-rejected': 'Entries were refused, as the one before them is another here.',
  'append-below-commit': 'Entries arrived that are committed here already.',
  'log-truncated': 'A conflicting tail was cut off.',
  'progress-probe': 'A leader lost track of a peer, and felt for where its log agrees.',
  'progress-snapshot': 'A peer needed what is only in a snapshot any more.',
  'peer-restarted': 'A leader met a new start of a peer.',
  'window-full': 'As much was under way to a peer as may be.',
  'read-forwarded': 'A follower sent a read on to its leader.',
  'requests-forwarded': "A follower handed its clients' commands on to its leader.",
  'forward-dropped': 'A node that does not lead was handed commands, and dropped them.',
  'read-round-confirmed': 'A quorum confirmed a leader for the reads that waited.',
  'read-dropped': 'A read lost its leader.',
  'snapshot-taken': 'A node wrote a snapshot of its own.',
  'snapshot-failed': 'A snapshot could not be written or delivered.',
  'snapshot-stale': 'A snapshot arrived whose state was reached without it.',
  'snapshot-installed': 'A received snapshot took the place of a log.',
  'log-compacted': 'Entries that a snapshot covers left the memory.',
  'transfer-started': 'A leader began to hand its leadership over.',
  'transfer-sent': 'The one that is to lead has the whole log, and was told to campaign.',
  'transfer-aborted': 'A transfer of leadership took too long and was given up.',
  'timeout-now': 'A node campaigned at once, as its leader asked it to.',
  'proposal-refused': 'A request was refused where it was never appended.',
  'log-damaged': 'A node started with entries that its disk lost.',
  'entries-wanted': 'A damaged node asked its peers for what it lost.',
  'entries-served': 'A node gave a damaged peer what that had lost.',
  'entries-filled': 'Lost entries came back from a peer.',
  'log-healed': 'A damaged log was whole again.',
  'snapshot-lost': 'A node started without the file of its snapshot.',
  'torn-tail-cut': 'A record that a power loss had torn was cut off at a start.',
  'wiped-disk-refused': 'A node came back on an empty disk, and its peers let it not in.',
  'old-copy-refused': 'A node came back on an old copy of its disk, and a peer had met it since.',
  'old-copy-hopeless':
    'So many peers had met nothing newer than an old copy that nobody could have told it.',
} as const

/** Seen from outside: by what a step made of a state. */
export const OBSERVED = {
  'election-won': 'A candidate became leader.',
  'election-won-alone': 'The only member of a cluster became leader.',
  'election-lost': 'A candidate met the leader of its own term.',
  'election-without-winner': 'A candidate waited in vain and tried again.',
  'candidate-overtaken': 'A candidate met a later term.',
  'pre-candidate-gave-up': 'A node that asked whether it could win followed somebody instead.',
  'leader-overtaken': 'A leader met a later term.',
  'leader-inherits-uncommitted': 'A new leader had entries that nobody knew to be committed.',
  'leader-inherits-many-terms': 'A new leader had such entries of more than one term.',
  'transfer-won': 'Whoever was asked to take over became leader.',
  'truncated-many': 'Five entries or more were replaced at once.',
  'append-repeated': 'Entries arrived a second time and changed nothing.',
  'append-with-a-gap': 'Entries arrived before those that go before them.',
  'commit-with-own-term-only':
    'Entries of earlier terms were committed by one of the term of the leader.',
  'commit-of-many': 'Ten entries or more were committed at once.',
  'group-commit': 'One sync covered three batches or more.',
  'group-commit-large': 'One sync covered eight batches or more.',
  'synced-after-stepping-down': 'What a leader had appended was synced when it led no more.',
  'read-refused': 'A node that does not lead, and knows nobody who does, refused a read.',
  'read-waits-for-own-term': 'A new leader was asked to read before it had committed anything.',
  'reads-lost-with-leadership': 'A leader stepped down while reads waited for their quorum.',
  'requests-lost-with-leadership': 'A leader stepped down with entries that were not committed.',
  'snapshot-over-a-tail': 'A snapshot took the place of entries that were not committed.',
  'snapshot-far-ahead': 'A snapshot brought twenty entries or more at once.',
  'snapshot-undelivered': 'A snapshot did not reach the peer that needed it.',
  'restarted-from-a-snapshot': 'A node started from a snapshot.',
  'restarted-with-a-vote': 'A node started that had voted for another in its term.',
  'restarted-with-old-terms': 'A node started with entries of three terms or more.',
  'request-ordered-twice':
    'A retried request came through the log a second time, and was not executed again.',
  'retry-across-leaders': 'Such a request was ordered by two leaders.',
  'batch-of-many': 'One entry held eight requests or more.',
  'time-only-entry': 'An entry of an idle term held no request.',
} as const

export type Mark = keyof typeof NOTED | keyof typeof OBSERVED

export const RAFT_MARKS: { readonly [mark in Mark]: string } = { ...NOTED, ...OBSERVED }
