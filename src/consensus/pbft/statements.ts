/**
 * What we sign. Each is queued to count here when the disk has what it promises, which is also when it leaves. A
 * replica whose disk lost its promises signs nothing more.
 */
import { EMPTY } from '../../base/bytes.js'
import { batchDigest, signedBytes } from './encoding.js'
import type {
  Batch,
  Checkpoint,
  Commit,
  Digest,
  NewView,
  Prepare,
  Proposed,
  SlotId,
  SnapshotVote,
  Statement,
  ViewChange,
} from './messages.js'
import type { OwnStatement, State } from './state.js'

type Unsigned<S extends Statement> = Omit<S, 'sender' | 'epoch' | 'signature'>

export function digestOf(s: State, batch: Batch | null): Digest {
  const { crypto, clusterId } = s.options
  return batchDigest(crypto.digest, clusterId, batch)
}

export function signProposed(s: State, slot: SlotId): Proposed {
  const { view, index, digest } = slot
  return sign<Proposed>(s, { type: 'Proposed', view, index, digest })
}

export function signPrepare(s: State, slot: SlotId): Prepare {
  const { view, index, digest } = slot
  return sign<Prepare>(s, { type: 'Prepare', view, index, digest })
}

export function signCommit(s: State, slot: SlotId): Commit {
  const { view, index, digest } = slot
  return sign<Commit>(s, { type: 'Commit', view, index, digest })
}

export function signCheckpoint(s: State, index: number, digest: Digest): Checkpoint {
  return sign<Checkpoint>(s, { type: 'Checkpoint', index, digest })
}

export function signSnapshotVote(
  s: State,
  of: Pick<SnapshotVote, 'index' | 'digest' | 'bytes' | 'time' | 'history'>,
): SnapshotVote {
  return sign<SnapshotVote>(s, { type: 'SnapshotVote', ...of })
}

export function signViewChange(
  s: State,
  of: Pick<ViewChange, 'view' | 'stable' | 'checkpoints' | 'prepared'>,
): ViewChange {
  return sign<ViewChange>(s, { type: 'ViewChange', ...of })
}

export function signNewView(
  s: State,
  of: Pick<NewView, 'view' | 'viewChanges' | 'proposals'>,
): NewView {
  return sign<NewView>(s, { type: 'NewView', ...of })
}

/** It counts from the moment at which all that was persisted up to now is on disk. */
export function countOnceDurable(s: State, statement: OwnStatement['statement']): void {
  s.ownStatements.push({ batch: s.batch, statement })
}

function sign<S extends Statement>(s: State, body: Unsigned<S>): S {
  const unsigned = { ...body, sender: s.id, epoch: s.epoch, signature: EMPTY }
  const statement = unsigned as unknown as S
  const signature = s.options.crypto.sign(signedBytes(s.options.clusterId, statement))
  return { ...statement, signature }
}
