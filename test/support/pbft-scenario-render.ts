/** How a scenario of PBFT reads: one line for each message, note and state, the same on every run. Slots are view/index. */
import { latin1Decode } from '../../src/base/latin1.js'
import type { Request } from '../../src/consensus/contract.js'
import type { WalRecord } from '../../src/consensus/pbft/index.js'
import type {
  Batch,
  Digest,
  Message,
  PreparedCertificate,
} from '../../src/consensus/pbft/messages.js'
import type { NoteEvent, PbftNote } from '../../src/consensus/pbft/notes.js'
import { primary, type State } from '../../src/consensus/pbft/state.js'

/** What a digest is of, as the scenario calls it. */
export type NameOf = (digest: Digest) => string

export function renderRequests(requests: readonly Request[]): string {
  return requests.map((request) => latin1Decode(request.command)).join('+')
}

export function renderBatch(batch: Batch | null): string {
  return batch === null ? 'null' : renderRequests(batch.requests) || 'empty'
}

export function renderMessage(m: Message, nameOf: NameOf): string {
  switch (m.type) {
    case 'PrePrepare':
      return `PrePrepare ${m.proposed.view}/${m.proposed.index} ${renderBatch(m.batch)}`
    case 'Prepare':
    case 'Commit':
      return `${m.type} ${m.view}/${m.index} ${nameOf(m.digest)}`
    case 'Checkpoint':
      return `Checkpoint ${m.index}`
    case 'SnapshotVote':
      return `SnapshotVote ${m.index}`
    case 'ViewChange': {
      const shown = m.prepared.map((one) => renderCertificate(one, nameOf)).join(' ')
      return `ViewChange ${m.view} h=${m.stable} prepared=[${shown}]`
    }
    case 'NewView': {
      const from = m.viewChanges.map((one) => one.sender).join('+')
      const shown = m.proposals.map((one) => `${one.index} ${nameOf(one.digest)}`).join(', ')
      return `NewView ${m.view} of ${from}: [${shown}]`
    }
    case 'Forward':
      return `Forward ${renderRequests(m.requests)}`
    case 'Status':
      return `Status view ${m.view}${m.active ? '' : ' asked for'} h=${m.stable} executed=${m.executed}`
    case 'FetchBatch':
      return `FetchBatch ${m.index} ${nameOf(m.digest)}`
    case 'FetchedBatch':
      return `FetchedBatch ${m.index} ${renderBatch(m.batch)}`
    case 'CommittedBatch':
      return `CommittedBatch ${m.commits[0]?.view}/${m.commits[0]?.index} ${renderBatch(m.batch)}`
    case 'StableCheckpoint':
      return `StableCheckpoint ${m.checkpoints[0]?.index}`
    case 'SnapshotProof':
      return `SnapshotProof ${m.votes[0]?.index}`
  }
}

function renderCertificate({ proposed }: PreparedCertificate, nameOf: NameOf): string {
  return `${proposed.view}/${proposed.index} ${nameOf(proposed.digest)}`
}

const SENTENCES: { readonly [K in NoteEvent]: string } = {
  proposed: 'proposes INDEX in view TERM',
  'pre-prepare-accepted': 'accepts what is proposed for INDEX in view TERM',
  'pre-prepare-refused': 'refuses the proposal for INDEX: DETAIL',
  'pre-prepare-parked': 'lets the proposal for INDEX wait for its clock',
  'equivocation-seen': 'sees PEER say two things of INDEX in view TERM',
  prepared: 'has INDEX prepared in view TERM',
  committed: 'has INDEX committed in view TERM',
  'executed-null': 'executes nothing at INDEX',
  'executed-in-view-change': 'executes INDEX between two views',
  'catch-up': 'believes Q commits for INDEX',
  'vote-withheld': 'is mute and says nothing',
  malformed: 'drops what does not hold: DETAIL',
  'stale-message': 'passes over what is old',
  'beyond-window': 'passes over INDEX, which is not voted on',
  'checkpoint-taken': 'takes a checkpoint at INDEX',
  'checkpoint-stable': 'has a stable checkpoint at INDEX',
  'state-diverged': 'sees that its state at INDEX is not that of Q',
  'fetching-state': 'fetches the state at INDEX from PEER',
  'state-fetched': 'has the state at INDEX',
  'fetch-failed': 'did not get the state at INDEX from PEER',
  'request-timed-out': 'has waited too long in view TERM',
  'proposal-refused': 'refuses a request',
  'timed-batch': 'proposes a batch for its time, INDEX',
  'view-change-started': 'leaves for view TERM',
  'view-change-joined': 'joins f+1 who ask for view TERM',
  'view-change-refused': 'refuses the view change of PEER: DETAIL',
  'view-change-timed-out': 'has waited too long for view TERM',
  'new-view-sent': 'opens view TERM',
  'new-view-accepted': 'enters view TERM',
  'new-view-refused': 'refuses the NewView of PEER: DETAIL',
  'batch-fetched': 'has the batch of INDEX',
  'asks-too-much': 'gives PEER no more batches in this tick',
  'asked-in-vain': 'was asked in vain for long, and writes a snapshot of INDEX, where it stands',
  'snapshot-taken': 'has a snapshot through INDEX',
  'snapshot-failed': 'has no snapshot through INDEX',
  mute: 'is mute',
}

export function renderNote(note: PbftNote): string {
  const sentence = SENTENCES[note.event]
    .replace('INDEX', String(note.index))
    .replace('TERM', String(note.term))
    .replace('PEER', note.peer ?? 'nobody')
    .replace('DETAIL', note.detail ?? 'its signers or its content')
  return `${sentence} (§${note.rule})`.replace('§PROTOCOL', 'PROTOCOL')
}

export function renderState(s: State, nameOf: NameOf): string {
  const role = s.active ? (primary(s) === s.id ? 'primary' : 'backup') : 'asks for'
  const slots = [...s.slots.values()]
    .sort((a, b) => a.index - b.index)
    .flatMap((slot) => {
      const digest =
        slot.committed?.[0]?.digest ?? slot.proposed?.digest ?? slot.prepared?.proposed.digest
      if (digest === undefined) return []
      const how = slot.executed
        ? 'executed'
        : slot.committed
          ? 'committed'
          : slot.prepared
            ? 'prepared'
            : 'accepted'
      return [`${slot.index} ${nameOf(digest)} ${how}`]
    })
  const where = s.active ? `${role} in view ${s.view}` : `${role} view ${s.view}`
  return `${where}${s.mute ? ' mute' : ''} h=${s.stable.index} [${slots.join(', ')}]`
}

/** The names of what a write holds. */
export function renderRecords(records: readonly WalRecord[]): string {
  return records.map((record) => record.type).join(' ')
}
