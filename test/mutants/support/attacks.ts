/**
 * Attacks and bugs that real systems met (docs/pbft.md tells them by the same numbers): the defence, the test that a
 * liar does not get past it, and the mutant without it, which that test must fail.
 */

import type { NamedTest } from './mutant.js'

export interface Attack extends NamedTest {
  /** In the list of docs/pbft.md; none: a rule that no attack of the list is named after. */
  readonly numbers: readonly number[]
  readonly defence: string
  /** In test/mutants: the same sources without the defence. */
  readonly mutant: string
}

/** Of the list, those that name no defence of ours: 8 is of view changes with MACs, 11 of speculation, 32 is data. */
export const WITHOUT_DEFENCE: readonly number[] = [8, 11, 32]
export const LAST_NUMBER = 32

const CERTIFICATES = 'consensus/pbft/attacks-certificates.test.ts'
const NEW_VIEW = 'consensus/pbft/attacks-new-view.test.ts'
const VOTES = 'consensus/pbft/attacks-votes.test.ts'
const FLOODING = 'consensus/pbft/attacks-flooding.test.ts'
const RESTART = 'consensus/pbft/attacks-restart.test.ts'
const DURABILITY = 'consensus/pbft/attacks-durability.test.ts'
const VIEW_CHANGE = 'consensus/pbft/view-change.test.ts'
const CATCH_UP = 'consensus/pbft/catch-up.test.ts'
const STATE_TRANSFER = 'consensus/pbft/state-transfer.test.ts'
const KEYRING = 'crypto/keyring.test.ts'
const REQUEST_MACS = 'crypto/request-macs.test.ts'
const SUITES = 'crypto/suites.test.ts'

export const ATTACKS: readonly Attack[] = [
  {
    numbers: [1],
    defence: 'a NEW-VIEW shows Q distinct senders',
    file: NEW_VIEW,
    test: '1: a sender counted twice',
    mutant: 'pbft-new-view-senders-not-deduplicated',
  },
  {
    numbers: [2],
    defence: 'of a certificate signers are counted, not signatures',
    file: CERTIFICATES,
    test: '2: prepared: a signer twice',
    mutant: 'pbft-signers-not-deduplicated',
  },
  {
    numbers: [2],
    defence: 'the client counts replicas, not replies',
    file: 'client-core/pbft.test.ts',
    test: '2: one replica that says it often is still one',
    mutant: 'pbft-replies-without-distinct-senders',
  },
  {
    numbers: [3],
    defence: 'O is computed anew and compared, entry by entry',
    file: NEW_VIEW,
    test: '3: another batch in its place',
    mutant: 'pbft-o-not-compared',
  },
  {
    numbers: [3],
    defence: 'and may not be shorter than what follows',
    file: NEW_VIEW,
    test: '3: a prepared request left out',
    mutant: 'pbft-o-may-be-shorter',
  },
  {
    numbers: [4],
    defence: 'a VIEW-CHANGE shows all that was prepared above h',
    file: DURABILITY,
    test: '4: whatever a replica prepared above h it shows',
    mutant: 'pbft-prepared-set-missing',
  },
  {
    numbers: [5],
    defence: 'of two certificates for an index that of the higher view holds',
    file: NEW_VIEW,
    test: '5: of two certificates for an index',
    mutant: 'pbft-not-the-highest-view',
  },
  {
    numbers: [6],
    defence: 'the h of a VIEW-CHANGE is proved',
    file: CERTIFICATES,
    test: '6: an h without proof',
    mutant: 'pbft-checkpoint-without-certificate',
  },
  {
    numbers: [6],
    defence: 'each certificate is checked: who proposed, who prepared, and that it is the same',
    file: CERTIFICATES,
    test: '6: a certificate of two batches',
    mutant: 'pbft-certificates-not-checked',
  },
  {
    numbers: [7],
    defence: 'a VIEW-CHANGE holds whole or not at all, on receipt',
    file: NEW_VIEW,
    test: '7: a view change with one certificate that does not hold',
    mutant: 'pbft-damaged-view-change-counted',
  },
  {
    numbers: [9],
    defence: 'f+1 others are joined, not f',
    file: VIEW_CHANGE,
    test: '9: one replica alone moves nobody',
    mutant: 'pbft-joined-at-f',
  },
  {
    numbers: [9],
    defence: 'a view is given up once Q ask for it or a later one',
    file: VIEW_CHANGE,
    test: '9: three that live and ask for different views',
    mutant: 'pbft-waits-for-those-of-its-own-view',
  },
  {
    numbers: [9],
    defence: 'nothing is voted on in a view before its NEW-VIEW',
    file: VOTES,
    test: '9: the primary of a view that nobody has opened',
    mutant: 'pbft-proposal-in-a-view-not-open',
  },
  {
    numbers: [10],
    defence:
      'no locks: what a NEW-VIEW proves to be free is voted on, whatever was prepared before',
    file: NEW_VIEW,
    test: '10: who prepared a batch alone votes for another',
    mutant: 'pbft-locked-on-what-it-prepared',
  },
  {
    numbers: [12],
    defence: 'what a NEW-VIEW carries over is not judged again',
    file: DURABILITY,
    test: '12: a proposal that a new view takes over',
    mutant: 'pbft-certified-proposal-judged-again',
  },
  {
    numbers: [13],
    defence: 'the log is folded into the slots that the accept path looks at',
    file: RESTART,
    test: '13: a restarted backup keeps to what it prepared',
    mutant: 'pbft-vote-guard-not-consulted',
  },
  {
    numbers: [13],
    defence: 'a view that was left stays left',
    file: RESTART,
    test: '13: a restarted replica does not go back to a view',
    mutant: 'pbft-left-view-forgotten',
  },
  {
    numbers: [14],
    defence: 'what was accepted is on disk, and is said again after a restart',
    file: RESTART,
    test: '14: what was accepted is prepared after a restart too',
    mutant: 'pbft-accepted-not-recorded',
  },
  {
    numbers: [15],
    defence: 'the gate: what is signed leaves behind the disk',
    file: DURABILITY,
    test: '15: nothing that is signed leaves before the disk',
    mutant: 'pbft-prepare-before-the-disk',
  },
  {
    numbers: [16],
    defence: 'every prefix of a log can be read',
    file: DURABILITY,
    test: '16: every prefix of a log boots',
    mutant: 'pbft-unbootable-in-a-view-change',
  },
  {
    numbers: [17],
    defence: 'clusters are so small that every message fits its way and the log',
    file: 'crypto/largest-message.test.ts',
    test: '17: the largest NEW-VIEW',
    mutant: 'pbft-cluster-too-large-for-its-messages',
  },
  {
    numbers: [18],
    defence: 'h moves by Q checkpoints alone',
    file: DURABILITY,
    test: '14, 18: a restarted replica has its votes again',
    mutant: 'pbft-checkpoint-on-one-word',
  },
  {
    numbers: [19],
    defence: 'Prepares count for the digest that they name',
    file: VOTES,
    test: '19: votes for another digest do not count',
    mutant: 'pbft-prepares-of-another-digest',
  },
  {
    numbers: [19],
    defence: 'so do Commits',
    file: VOTES,
    test: '19: commits of two batches are not added up',
    mutant: 'pbft-commits-of-another-digest',
  },
  {
    numbers: [19],
    defence: 'and Checkpoints',
    file: VOTES,
    test: '19: checkpoints of two states are not added up',
    mutant: 'pbft-checkpoints-of-two-states',
  },
  {
    numbers: [20],
    defence: 'the digest of a batch is computed wherever one comes in',
    file: VOTES,
    test: '20: a batch under a digest that is not its own',
    mutant: 'pbft-batch-not-compared-with-its-digest',
  },
  {
    numbers: [20],
    defence: 'no request twice in one batch',
    file: VOTES,
    test: '20: a batch with one request twice',
    mutant: 'pbft-request-twice-in-a-batch',
  },
  {
    numbers: [20, 23],
    defence: 'who catches up compares batch and commits',
    file: CATCH_UP,
    test: '20, 23: a batch that comes with the commits of another',
    mutant: 'pbft-catch-up-batch-not-compared',
  },
  {
    numbers: [21],
    defence: 'the cluster is under the signature',
    file: DURABILITY,
    test: '21: so do another cluster and another type',
    mutant: 'pbft-signature-without-the-cluster',
  },
  {
    numbers: [21],
    defence: 'so is the type',
    file: KEYRING,
    test: "21: statements count under their sender's key",
    mutant: 'pbft-signature-without-the-type',
  },
  {
    numbers: [21],
    defence: 'and the view',
    file: DURABILITY,
    test: "21: 'another view' makes the signature worthless",
    mutant: 'pbft-signature-without-the-view',
  },
  {
    numbers: [22],
    defence: 'a part of a state is taken under the name that its bytes hash to',
    file: STATE_TRANSFER,
    test: '22: one in the place of another is refused',
    mutant: 'pbft-parts-by-any-name',
  },
  {
    numbers: [23],
    defence: 'a state is fetched on the word of f+1 that agree in everything',
    file: STATE_TRANSFER,
    test: "23: no state is fetched on the word of 'one replica alone'",
    mutant: 'pbft-state-on-one-word',
  },
  {
    numbers: [23],
    defence: 'what one says of how far it is moves nobody',
    file: STATE_TRANSFER,
    test: '23: what a peer says of how far it is moves nobody',
    mutant: 'pbft-status-believed',
  },
  {
    numbers: [24],
    defence: 'keys of small order are refused',
    file: SUITES,
    test: '24: public keys of small order are refused',
    mutant: 'pbft-small-order-keys',
  },
  {
    numbers: [24],
    defence: 'and so are signatures whose R is, by all implementations alike',
    file: SUITES,
    test: '24: R of small order is refused',
    mutant: 'pbft-small-order-signatures',
  },
  {
    numbers: [25],
    defence: 'votes above H are not kept',
    file: FLOODING,
    test: '25: far indices, views and checkpoints leave nothing behind',
    mutant: 'pbft-far-votes-kept',
  },
  {
    numbers: [25],
    defence: 'of each sender one VIEW-CHANGE is kept, the newest',
    file: FLOODING,
    test: '25: far indices, views and checkpoints leave nothing behind',
    mutant: 'pbft-far-views-kept',
  },
  {
    numbers: [26],
    defence: 'clients sign, for all replicas alike, and each replica verifies',
    file: KEYRING,
    test: '26: a bad one is left out of a Forward',
    mutant: 'pbft-requests-of-a-proposal-not-verified',
  },
  {
    numbers: [26],
    defence: 'a MAC orders nothing: who is asked verifies the signature, whose backups then take',
    file: REQUEST_MACS,
    test: '26: a good MAC under a bad signature orders nothing',
    mutant: 'pbft-mac-enough-to-order',
  },
  {
    numbers: [26],
    defence: 'a key for MACs is agreed on only with whom sixteen signatures were verified',
    file: REQUEST_MACS,
    test: '26: is agreed on with whom many signatures were verified',
    mutant: 'pbft-key-with-any-stranger',
  },
  {
    numbers: [26],
    defence: 'one bad request does not hold up those beside it',
    file: KEYRING,
    test: '26: a bad one is left out of a Forward',
    mutant: 'pbft-forward-whole-or-not',
  },
  {
    numbers: [27],
    defence: 'patience is counted for the oldest request',
    file: VOTES,
    test: '26, 27: that leaves one client out is replaced',
    mutant: 'pbft-timer-restarted-by-any-progress',
  },
  {
    numbers: [28],
    defence: 'what waits is bounded; more is refused before anything is kept of it',
    file: FLOODING,
    test: '28: more requests than may wait are refused',
    mutant: 'pbft-any-number-waits',
  },
  {
    numbers: [29],
    defence: 'a window of batches a tick to each that asks',
    file: CATCH_UP,
    test: '29: whoever asks without end',
    mutant: 'pbft-asked-without-end',
  },
  {
    numbers: [30],
    defence: 'a VIEW-CHANGE shows at most a window of certificates',
    file: CERTIFICATES,
    test: '30: a certificate beyond the window',
    mutant: 'pbft-view-change-of-any-size',
  },
  {
    numbers: [31],
    defence: 'a vote is looked up by index and sender',
    file: FLOODING,
    test: '31: a vote costs the same however many indices are open',
    mutant: 'pbft-votes-looked-for',
  },
  {
    numbers: [],
    defence: 'Q is such that any two share one that does not lie, whatever n',
    file: 'consensus/pbft/quorum.test.ts',
    test: 'of 6: any two quorums share one that does not lie',
    mutant: 'pbft-quorum-of-2f-plus-1',
  },
]

/** Numbers of the list that have neither a row nor an excuse. */
export function numbersWithout(attacks: readonly Attack[]): number[] {
  const known = new Set([...attacks.flatMap(({ numbers }) => numbers), ...WITHOUT_DEFENCE])
  return Array.from({ length: LAST_NUMBER }, (_, i) => i + 1).filter((n) => !known.has(n))
}
