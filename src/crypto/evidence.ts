/**
 * Who contradicts itself: two statements under one replica's signature of which an honest one makes at most one. They
 * need not have come to the same door: what liars tell others comes here in certificates. It convicts nobody by
 * itself, for the protocol needs no conviction; it tells an operator whom to look at, and proves it to a third.
 */
import type { NodeId } from '../consensus/ids.js'
import type { Digest, Statement } from '../consensus/pbft/messages.js'

/** What each replica said is remembered for so many slots and kinds; the oldest goes first. */
const SAID_OF_REPLICA_MAX = 4_096
/** Kept of one replica: one is enough to convict it. The first ones stay. */
const FOUND_OF_REPLICA_MAX = 8

/** Of which there is one digest for a view and an index; a checkpoint is of no view. */
export type SingleKind = 'Proposed' | 'Prepare' | 'Commit' | 'Checkpoint'

export interface Said {
  readonly digest: Digest
  readonly signature: Uint8Array
}

export interface Contradiction {
  readonly replica: NodeId
  readonly kind: SingleKind
  readonly epoch: number
  /** 0 of a checkpoint. */
  readonly view: number
  readonly index: number
  readonly first: Said
  readonly second: Said
}

export class Evidence {
  readonly #onFound: (contradiction: Contradiction) => void
  readonly #said = new Map<NodeId, Map<string, Said>>()
  readonly #found = new Map<NodeId, Contradiction[]>()

  /** `onFound`: for each that is kept, once. */
  constructor(onFound: (contradiction: Contradiction) => void) {
    this.#onFound = onFound
  }

  /** By the names of the replicas. */
  get contradictions(): Contradiction[] {
    const names = [...this.#found.keys()].sort()
    return names.flatMap((name) => this.#found.get(name) ?? [])
  }

  /** Statements whose signatures are good, of members: only those may come here. */
  hear(statements: readonly Statement[]): void {
    for (const statement of statements) {
      switch (statement.type) {
        case 'Proposed':
        case 'Prepare':
        case 'Commit':
          this.#note(statement.type, statement.view, statement)
          break
        case 'Checkpoint':
          this.#note(statement.type, 0, statement)
          break
        // A replica may say these again with more in them.
        case 'SnapshotVote':
        case 'ViewChange':
        case 'NewView':
          break
      }
    }
  }

  #note(
    kind: SingleKind,
    view: number,
    statement: {
      readonly sender: NodeId
      readonly epoch: number
      readonly index: number
      readonly digest: Digest
      readonly signature: Uint8Array
    },
  ): void {
    const { sender, epoch, index, digest, signature } = statement
    let ofSender = this.#said.get(sender)
    if (ofSender === undefined) {
      ofSender = new Map()
      this.#said.set(sender, ofSender)
    }
    const key = `${kind} ${epoch} ${view} ${index}`
    const first = ofSender.get(key)
    // A copy: the signature is a view of the message it came in, and would keep all of it.
    const said: Said = { digest, signature: new Uint8Array(signature) }
    if (first === undefined) {
      ofSender.set(key, said)
      if (ofSender.size > SAID_OF_REPLICA_MAX) forgetOldest(ofSender)
      return
    }
    if (first.digest === digest) return
    this.#keep({ replica: sender, kind, epoch, view, index, first, second: said })
  }

  #keep(found: Contradiction): void {
    const { replica, kind, epoch, view, index } = found
    const ofReplica = this.#found.get(replica) ?? []
    const known = ofReplica.some(
      (one) => one.kind === kind && one.epoch === epoch && one.view === view && one.index === index,
    )
    if (known || ofReplica.length >= FOUND_OF_REPLICA_MAX) return
    this.#found.set(replica, [...ofReplica, found])
    this.#onFound(found)
  }
}

function forgetOldest(said: Map<string, Said>): void {
  for (const oldest of said.keys()) {
    said.delete(oldest)
    return
  }
}
