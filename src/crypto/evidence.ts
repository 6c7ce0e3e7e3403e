/**
 * Who contradicts itself: two statements under one replica's signature of which an honest one makes at most one. They
 * need not have come to the same door: what liars tell others comes here in certificates. It convicts nobody by
 * itself, for the protocol needs no conviction; it tells an operator whom to look at, and proves it to a third.
 */
import { keepNewest } from '../base/oldest.js'
import type { NodeId } from '../consensus/ids.js'
import type { Commit, Digest, Prepare, Statement } from '../consensus/pbft/messages.js'

/** What each replica said is remembered for so many slots and kinds; the oldest goes first. */
const SAID_OF_REPLICA_MAX = 4_096
/** Kept of one replica: one is enough to convict it. The first ones stay. */
const FOUND_OF_REPLICA_MAX = 8
/** Votes of one replica that nobody needed and nobody verified; the oldest goes first. */
const ASIDE_OF_REPLICA_MAX = 512

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
  readonly #isGenuine: (statement: Statement) => boolean
  readonly #aside = new Map<NodeId, Map<string, Prepare | Commit>>()
  readonly #said = new Map<NodeId, Map<string, Said>>()
  readonly #found = new Map<NodeId, Contradiction[]>()

  /** `onFound`: for each that is kept, once. `isGenuine`: verifies what was put aside. */
  constructor(
    onFound: (contradiction: Contradiction) => void,
    isGenuine: (statement: Statement) => boolean,
  ) {
    this.#onFound = onFound
    this.#isGenuine = isGenuine
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

  /** A vote that was not verified, as nobody needs it: it will be if its sender says another. */
  putAside(vote: Prepare | Commit): void {
    const { sender, digest } = vote
    const key = keyOf(vote.type, vote.view, vote)
    const first = this.#said.get(sender)?.get(key)
    if (first !== undefined) {
      if (first.digest !== digest && this.#isGenuine(vote)) this.hear([vote])
      return
    }
    const ofSender = mapOf(this.#aside, sender)
    if (ofSender.has(key)) return
    // A copy, likewise.
    ofSender.set(key, { ...vote, signature: new Uint8Array(vote.signature) })
    keepNewest(ofSender, ASIDE_OF_REPLICA_MAX)
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
    const ofSender = mapOf(this.#said, sender)
    const key = keyOf(kind, view, statement)
    const first = ofSender.get(key) ?? this.#fromAside(sender, key, digest)
    // A copy: the signature is a view of the message it came in, and would keep all of it.
    const said: Said = { digest, signature: new Uint8Array(signature) }
    ofSender.set(key, first ?? said)
    keepNewest(ofSender, SAID_OF_REPLICA_MAX)
    if (first === undefined || first.digest === digest) return
    this.#keep({ replica: sender, kind, epoch, view, index, first, second: said })
  }

  /** What was put aside and says otherwise, if it is genuine. */
  #fromAside(sender: NodeId, key: string, digest: Digest): Said | undefined {
    const ofSender = this.#aside.get(sender)
    const aside = ofSender?.get(key)
    if (ofSender === undefined || aside === undefined) return undefined
    ofSender.delete(key)
    if (aside.digest === digest || !this.#isGenuine(aside)) return undefined
    return { digest: aside.digest, signature: aside.signature }
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

function keyOf(
  kind: SingleKind,
  view: number,
  { epoch, index }: { readonly epoch: number; readonly index: number },
): string {
  return `${kind} ${epoch} ${view} ${index}`
}

function mapOf<T>(maps: Map<NodeId, Map<string, T>>, sender: NodeId): Map<string, T> {
  const known = maps.get(sender)
  if (known !== undefined) return known
  const made = new Map<string, T>()
  maps.set(sender, made)
  return made
}
