/**
 * Tells all watchers of a node what changes. A watcher is in step, and then found by the key that changed; or it is
 * behind: it asked for the past, or its stream was full, and catches up from the store's own history. So nothing is
 * queued for anybody, a slow watcher holds up nobody, and what it is told is what the store says.
 *
 * Those in step are told in rounds, each of some revisions, and a round may take many slices. Whoever was in step when it
 * began is told its part once, whatever comes, goes or is compacted meanwhile; who comes is in step only from behind the
 * round on, and until then catches up.
 */
import { assert } from '../../base/assert.js'
import type { Version } from '../kv/history.js'
import { Batch } from './batch.js'
import { Behind } from './behind.js'
import { batchSince, type WatchSource } from './events.js'
import { Interest } from './interest.js'
import { isOfKind, type Watcher, type WatchSink, wants } from './watcher.js'

/** Between two slices of work other things have their turn (ms). */
const SLICE_MS = 5

/** For metrics. */
export interface WatchNumbers {
  readonly watchers: number
  /** Behind: they asked for the past, or their stream is full. */
  readonly slow: number
  /** Events told, since the start. */
  readonly told: number
  /** Revisions that those in step were not told yet. */
  readonly pending: number
}

interface Round {
  /** When it is over, all in step were told what is up to here. */
  readonly through: number
  /** One watcher or so a step. */
  readonly steps: Iterator<void>
}

export class WatchHub {
  readonly #source: WatchSource
  readonly #soon: (task: () => void) => void
  readonly #now: () => number
  /** Of those in step. */
  readonly #interest = new Interest()
  readonly #behind = new Behind()
  /** All that are in step were told what is up to here. */
  #told: number
  #round: Round | null = null
  /** A slice is due, or at work. */
  #due = false
  /** Something happened since that one began. */
  #again = false
  #eventsTold = 0
  readonly #onStep = new Set<() => void>()

  constructor(
    source: WatchSource,
    host: { readonly soon: (task: () => void) => void; readonly now: () => number },
  ) {
    this.#source = source
    this.#soon = host.soon
    this.#now = host.now
    this.#told = source.revision
  }

  /** The revision that all in step were told. */
  get told(): number {
    return this.#told
  }

  get numbers(): WatchNumbers {
    const slow = this.#behind.size
    const pending = Math.max(0, this.#source.revision - this.#told)
    return { watchers: this.#interest.size + slow, slow, told: this.#eventsTold, pending }
  }

  /** Is nobody of this stream behind, nor the hub behind the store? */
  inStep(sink: WatchSink): boolean {
    return this.#told >= this.#source.revision && !this.#behind.anyOf(sink)
  }

  /** Nobody watches. */
  get idle(): boolean {
    return this.#behind.size + this.#interest.size === 0
  }

  /** Runs after each slice of work. */
  onStep(callback: () => void): () => void {
    this.#onStep.add(callback)
    return () => this.#onStep.delete(callback)
  }

  add(watcher: Watcher): void {
    if (this.#interest.size === 0) this.#skip()
    if (watcher.next > this.#begun) this.#interest.add(watcher)
    else {
      this.#behind.add(watcher)
      this.#schedule()
    }
  }

  remove(watcher: Watcher): void {
    this.#behind.remove(watcher)
    this.#interest.remove(watcher)
  }

  /** The store has changed, or what was pending is here. */
  changed(): void {
    this.#behind.wake()
    this.#schedule()
  }

  /** The store was replaced by a snapshot, of later: what it holds of the past, the next round finds out. */
  restored(): void {
    assert(this.#source.revision >= this.#begun, 'a store is not replaced by what it was before')
    this.changed()
  }

  /** This stream takes more again. */
  drained(sink: WatchSink): void {
    this.#behind.drained(sink)
    if (this.#behind.ready) this.#schedule()
  }

  #schedule(): void {
    this.#again = true
    if (this.#due) return
    this.#due = true
    this.#soon(() => this.#work())
  }

  #work(): void {
    this.#again = false
    const from = this.#now()
    const until = from + SLICE_MS
    // Neither those in step nor those behind wait for the end of the others.
    let more = this.#advance(this.#behind.ready ? from + SLICE_MS / 2 : until)
    this.#catchUp(until)
    if (more && this.#now() < until) more = this.#advance(until)
    let untidy = this.#interest.tidy()
    while (untidy && this.#now() < until) untidy = this.#interest.tidy()
    for (const callback of [...this.#onStep]) callback()
    this.#due = false
    if (this.#again || more || untidy || this.#behind.ready) this.#schedule()
  }

  /** Goes on with those in step, one step at least; false: there is no more to tell them for now. */
  #advance(until: number): boolean {
    do {
      if (this.#interest.size === 0) {
        this.#skip()
        return false
      }
      this.#round ??= this.#nextRound()
      const round = this.#round
      if (round === null) return false
      if (round.steps.next().done === true && this.#round === round) {
        this.#told = round.through
        this.#round = null
      }
    } while (this.#now() < until)
    return true
  }

  /** Nobody is in step, and so nobody is to be told what was before. */
  #skip(): void {
    this.#round = null
    this.#told = this.#source.revision
  }

  /** In step is who wants nothing up to here that the round which is under way may not tell him any more. */
  get #begun(): number {
    return this.#round?.through ?? this.#told
  }

  #nextRound(): Round | null {
    const events = batchSince(this.#source, this.#told + 1)
    if (events === 'pending') return null
    if (events === null) {
      const { compactRevision } = this.#source
      return { through: compactRevision - 1, steps: this.#lose(compactRevision) }
    }
    const through = events[events.length - 1]?.mod
    if (through === undefined) return null
    return { through, steps: this.#tellAll(new Batch(events), through) }
  }

  *#tellAll(batch: Batch, through: number): Generator<void, void> {
    for (const concern of this.#interest.concerned(batch)) {
      if (concern === null) {
        yield
        continue
      }
      for (const watcher of concern.watchers) {
        const own = ownOf(watcher, concern.events)
        const first = own[0]
        if (first !== undefined) {
          if (watcher.sink.writable) this.#tell(watcher, own, through)
          else this.#fallBehind(watcher, first.mod)
        }
        yield
      }
    }
  }

  /** A compaction overtook those in step: whoever wants something from before it is told so. */
  *#lose(compactRevision: number): Generator<void, void> {
    const { all } = this.#interest
    for (const watcher of all) {
      const next = Math.max(watcher.next, this.#told + 1)
      if (next < compactRevision) {
        if (watcher.sink.writable) {
          this.#interest.remove(watcher)
          watcher.sink.compacted(watcher, compactRevision)
        } else this.#fallBehind(watcher, next)
      }
      yield
    }
  }

  #tell(watcher: Watcher, own: readonly Version[], revision: number): void {
    this.#eventsTold += own.length
    watcher.sink.events(watcher, own, revision)
  }

  #catchUp(until: number): void {
    while (this.#behind.ready) {
      const watcher = this.#behind.take()
      if (watcher !== null) this.#catchUpOne(watcher)
      if (this.#now() >= until) return
    }
  }

  #catchUpOne(watcher: Watcher): void {
    const events = batchSince(this.#source, watcher.next)
    if (events === 'pending') {
      this.#behind.wait(watcher)
      return
    }
    if (events === null) {
      this.#behind.remove(watcher)
      watcher.sink.compacted(watcher, this.#source.compactRevision)
      return
    }
    const last = events[events.length - 1]
    const own = events.filter((version) => wants(watcher, version))
    if (last !== undefined) {
      watcher.next = last.mod + 1
      if (own.length > 0) this.#tell(watcher, own, last.mod)
    }
    // He may have gone over what he was told.
    if ((last === undefined || watcher.next > this.#begun) && this.#behind.remove(watcher))
      this.#interest.add(watcher)
  }

  #fallBehind(watcher: Watcher, next: number): void {
    this.#interest.remove(watcher)
    watcher.next = Math.max(watcher.next, next)
    this.#behind.add(watcher)
  }
}

/** Of changes of his keys. */
function ownOf(watcher: Watcher, events: readonly Version[]): readonly Version[] {
  const first = events[0]
  if (first === undefined || (first.mod >= watcher.next && !watcher.noPut && !watcher.noDelete))
    return events
  return events.filter((version) => isOfKind(watcher, version))
}
