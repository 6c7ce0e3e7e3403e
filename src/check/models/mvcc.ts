/**
 * A multi-version key-value store with one revision for each request that changed something, as etcd's. Answers
 * carry revisions, and they leave the search little choice: whoever was told revision 7 made it.
 */
import type { Operation } from '../history.js'
import { IMPOSSIBLE, type Model, type Space } from '../model.js'
import { encodeValue, isList, type Value } from '../value.js'
import { Queue } from './queue.js'
import { contradictionOfRevisions, madeRevision } from './revision-order.js'
import { effectOf, keyText, misfit, putsOf, type Request, requestOf } from './versioned-requests.js'
import { Versions } from './versions.js'

export interface MvccOptions {
  /** Of the store before the history, which must be empty; default 1, as a new cluster has. */
  readonly revision?: number
}

export function multiVersion(options: MvccOptions = {}): Model {
  return {
    name: 'mvcc',
    partitionOf: () => '',
    contradictionIn: contradictionOfRevisions,
    arrange: (operations) => new VersionedSpace(operations, options.revision ?? 1),
  }
}

/** What answers tell of a revision: the values that it gave to keys. */
export function knownChanges(operations: readonly Operation[]): Map<number, Map<string, string>> {
  const known = new Map<number, Map<string, string>>()
  const learn = (mod: Value | undefined, key: Value, value: Value) => {
    if (typeof mod !== 'number') return
    const changes = known.get(mod) ?? new Map<string, string>()
    known.set(mod, changes.set(keyText(key), encodeValue(value)))
  }
  for (const { outcome, f, key, output, answer } of operations) {
    if (outcome !== 'ok') continue
    if (f === 'get' && output !== null) learn(answer.mod, key, output)
    if (f !== 'range' || !isList(output)) continue
    for (const pair of output) if (isList(pair)) learn(pair[2], pair[0] ?? null, pair[1] ?? null)
  }
  return known
}

class VersionedSpace implements Space {
  readonly operations: readonly Operation[]
  readonly initial = 0
  readonly #requests: readonly Request[]
  readonly #versions: Versions
  readonly #classes: readonly number[]
  readonly #known: ReadonlyMap<number, ReadonlyMap<string, string>>
  /** Revisions that a request with an answer made. */
  readonly #owned = new Set<number>()
  /** Those with a revision in their answer, by it: changes just before reads of the same. */
  readonly #byRevision: Queue
  /** By operation without an answer: the revision that it alone can have made, as somebody read. */
  readonly #homes: ReadonlyMap<number, number>
  readonly #steps = new Map<number, number>()

  constructor(operations: readonly Operation[], firstRevision: number) {
    const matters = ({ outcome, f }: Operation) =>
      outcome === 'ok' || (outcome === 'info' && f !== 'get' && f !== 'range')
    this.operations = operations.filter(matters)
    this.#requests = this.operations.map(requestOf)
    this.#versions = new Versions(firstRevision)
    this.#known = knownChanges(this.operations)
    const classes = new Map<string, number>()
    this.#classes = this.operations.map(({ f, key, input, asked, outcome, output, answer }) => {
      const told = outcome === 'ok' ? [output, answer] : null
      const name = encodeValue([f, key, input, asked, told])
      const id = classes.get(name) ?? classes.size
      classes.set(name, id)
      return id
    })
    const all = [...this.operations.keys()]
    for (const op of all) if (this.#changesFor(op)) this.#owned.add(this.#revision(op) ?? 0)
    this.#homes = this.#findHomes()
    this.#byRevision = new Queue(
      all.filter((op) => this.#revision(op) !== null),
      (op) => this.#rank(op),
    )
  }

  classOf(op: number): number {
    return this.#classes[op] as number
  }

  observes(op: number): boolean {
    const { type } = this.#requests[op] as Request
    return type === 'get' || type === 'range'
  }

  step(state: number, op: number): number {
    const place = state * this.operations.length + op
    const known = this.#steps.get(place)
    if (known !== undefined) return known
    const found = this.#try(state, op)
    const to = typeof found === 'string' ? IMPOSSIBLE : found
    this.#steps.set(place, to)
    return to
  }

  take(op: number): void {
    this.#byRevision.take(op)
  }

  giveBack(op: number): void {
    this.#byRevision.giveBack(op)
  }

  hopeless(_from: number, to: number): boolean {
    const first = this.#byRevision.first()
    return first !== null && this.#rank(first) < this.#versions.revisionOf(to)
  }

  impossible(): number | null {
    return null
  }

  alike(state: number): number {
    return state
  }

  needOf(): number | null {
    return null
  }

  isLost(): boolean {
    return false
  }

  serves(): boolean {
    return false
  }

  forced(): readonly number[] {
    return []
  }

  hiddenBy(): readonly number[] {
    return []
  }

  describe(state: number): string {
    return `at revision ${this.#versions.revisionOf(state)}`
  }

  why(state: number, op: number): string {
    const found = this.#try(state, op)
    return typeof found === 'string' ? found : 'it would leave another without its revision'
  }

  /** The state after it, or why there is none. */
  #try(state: number, op: number): number | string {
    const operation = this.operations[op] as Operation
    const request = this.#requests[op] as Request
    const effect = effectOf(request, this.#versions, state)
    const revision = this.#versions.revisionOf(state)
    if (effect === null) return `it read a revision that is not there at ${revision}`
    const changes = effect.changes.size > 0
    const after = changes ? revision + 1 : revision
    if (operation.outcome === 'ok') {
      const why = misfit(operation, request, effect, after)
      if (why !== null) return why
    } else if ((this.#homes.get(op) ?? after) !== after)
      return `somebody read that it made revision ${this.#homes.get(op)}`
    else if (this.#owned.has(after)) return `revision ${after} was another's`
    if (!changes) return state
    for (const [key, value] of this.#known.get(after) ?? [])
      if (effect.changes.get(key) !== value)
        return `somebody read that revision ${after} set ${key} to ${value}`
    return this.#versions.after(state, effect.changes)
  }

  #findHomes(): Map<number, number> {
    const byPair = new Map<string, number[]>()
    for (let op = 0; op < this.operations.length; op++) {
      if (this.operations[op]?.outcome !== 'info') continue
      for (const { key, value } of putsOf(this.#requests[op] as Request)) {
        const pair = encodeValue([key, value])
        byPair.set(pair, [...(byPair.get(pair) ?? []), op])
      }
    }
    const homes = new Map<number, number>()
    for (const [revision, changes] of this.#known) {
      if (this.#owned.has(revision)) continue
      for (const [key, value] of changes) {
        const [op, ...others] = byPair.get(encodeValue([key, value])) ?? []
        // Requests with an answer but without a known revision could have made it, too.
        if (op !== undefined && others.length === 0 && !this.#maybeAnswered(key, value))
          homes.set(op, revision)
      }
    }
    return homes
  }

  /** Whether some request with an answer could have brought the value. */
  #maybeAnswered(key: string, value: string): boolean {
    return this.operations.some(
      ({ outcome }, op) =>
        outcome === 'ok' &&
        !this.#changesFor(op) &&
        putsOf(this.#requests[op] as Request).some((put) => put.key === key && put.value === value),
    )
  }

  /** Whether its answer says that it made a revision, whatever the state. */
  #changesFor(op: number): boolean {
    return madeRevision(this.operations[op] as Operation)
  }

  #revision(op: number): number | null {
    const { outcome, answer } = this.operations[op] as Operation
    return outcome === 'ok' && typeof answer.revision === 'number' ? answer.revision : null
  }

  #rank(op: number): number {
    return (this.#revision(op) ?? 0) - (this.#changesFor(op) ? 0.5 : 0)
  }
}
