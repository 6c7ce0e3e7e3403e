/** What must hold of a cluster whatever the protocol; looked at after every step of every node. */
import { crc32c } from '../../base/crc32c.js'
import type { CoreStatus, Entry } from '../../consensus/contract.js'
import type { Index, NodeId } from '../../consensus/ids.js'
import { check } from './violation.js'

interface Seen {
  term: number
  commitIndex: Index
  appliedIndex: Index
  /** The last index that the machine really applied or restored. */
  machineIndex: Index
}

export class ClusterChecker {
  readonly #leaders = new Map<number, NodeId>()
  readonly #nodes = new Map<NodeId, Seen>()
  /** By index: the one entry that was ever applied there, and the state behind it. */
  readonly #entries: number[] = []
  readonly #states: string[] = []
  readonly #onRestored: (id: NodeId) => void

  constructor(onRestored: (id: NodeId) => void = () => {}) {
    this.#onRestored = onRestored
  }

  /** A node starts: its volatile state begins anew. */
  started(id: NodeId, status: CoreStatus): void {
    this.#nodes.set(id, {
      term: status.term,
      commitIndex: status.commitIndex,
      appliedIndex: status.appliedIndex,
      machineIndex: 0,
    })
  }

  stepped(id: NodeId, status: CoreStatus): void {
    const { term, role, commitIndex, appliedIndex, missing } = status
    if (role === 'leader' || role === 'primary') {
      const leader = this.#leaders.get(term)
      if (leader === undefined) this.#leaders.set(term, id)
      else check(leader === id, 'one-leader', () => `${leader} and ${id} both lead in term ${term}`)
      check(
        missing === 0,
        'whole-leader',
        () => `${id} leads, and its disk lost ${missing} entries`,
      )
    }
    const seen = this.#seen(id)
    check(term >= seen.term, 'monotonic', () => `${id}: term ${seen.term}, then ${term}`)
    check(
      commitIndex >= seen.commitIndex,
      'monotonic',
      () => `${id}: commitIndex ${seen.commitIndex}, then ${commitIndex}`,
    )
    check(
      appliedIndex >= seen.appliedIndex && appliedIndex <= commitIndex,
      'monotonic',
      () => `${id}: applied ${seen.appliedIndex}, then ${appliedIndex} of ${commitIndex}`,
    )
    seen.term = term
    seen.commitIndex = commitIndex
    seen.appliedIndex = appliedIndex
  }

  /** The machine is about to apply an entry. */
  applying(id: NodeId, entry: Entry): void {
    const seen = this.#seen(id)
    check(
      entry.index === seen.machineIndex + 1,
      'apply-order',
      () => `${id} applied ${entry.index} after ${seen.machineIndex}`,
    )
    seen.machineIndex = entry.index
    const hash = entryHash(entry)
    const known = this.#entries[entry.index]
    if (known === undefined) this.#entries[entry.index] = hash
    else
      check(
        known === hash,
        'state-machine-safety',
        () => `${id} applied another entry at ${entry.index} than a node before it`,
      )
  }

  /** The machine applied the entry; `state` is its hash then. */
  applied(id: NodeId, entry: Entry, state: string): void {
    this.#state(id, entry.index, state)
  }

  restored(id: NodeId, index: Index, state: string): void {
    const seen = this.#seen(id)
    check(
      index >= seen.machineIndex,
      'apply-order',
      () => `${id} restored ${index} after it had applied ${seen.machineIndex}`,
    )
    seen.machineIndex = index
    this.#state(id, index, state)
    this.#onRestored(id)
  }

  #state(id: NodeId, index: Index, state: string): void {
    const known = this.#states[index]
    if (known === undefined) this.#states[index] = state
    else
      check(
        known === state,
        'state-hash',
        () => `${id} is in state ${state} behind ${index}, a node before it was in ${known}`,
      )
  }

  #seen(id: NodeId): Seen {
    let seen = this.#nodes.get(id)
    if (seen === undefined) {
      seen = { term: 0, commitIndex: 0, appliedIndex: 0, machineIndex: 0 }
      this.#nodes.set(id, seen)
    }
    return seen
  }
}

/** Of all that the entry asks for. */
export function entryHash(entry: Entry): number {
  let hash = Math.imul(entry.index ^ 0x9e3779b9, 0x85ebca6b) ^ (entry.time | 0)
  for (const request of entry.requests) {
    hash = Math.imul(hash ^ (request.session | 0), 0x01000193)
    hash = Math.imul(hash ^ (request.seq | 0), 0x01000193)
    hash = Math.imul(hash ^ (request.ackedThrough | 0), 0x01000193)
    hash = crc32c(request.command, hash)
  }
  return hash >>> 0
}
