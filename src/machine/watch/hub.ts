/**
 * Tells all watchers of a node what changes. A watcher is in step, and then found by the key that changed; or it is
 * behind: it asked for the past, or its stream was full, and catches up from the store's own history. So nothing is
 * queued for anybody, a slow watcher holds up nobody, and what it is told is what the store says.
 */
import type { Version } from '../kv/history.js'
import { batchSince, type WatchSource } from './events.js'
import { isInRange, type Watcher, type WatchSink, wants } from './watcher.js'

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

export class WatchHub {
  readonly #source: WatchSource
  readonly #soon: (task: () => void) => void
  readonly #now: () => number
  /** In step, by the one key they watch; those of ranges apart. */
  readonly #byKey = new Map<string, Set<Watcher>>()
  readonly #ranges = new Set<Watcher>()
  readonly #behind = new Set<Watcher>()
  /** Behind, and what they want next has to be fetched first. */
  readonly #waiting = new Set<Watcher>()
  /** All that are in step were told what is up to here. */
  #told: number
  #due = false
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
    const slow = this.#behind.size + this.#waiting.size
    let watchers = this.#ranges.size + slow
    for (const ofKey of this.#byKey.values()) watchers += ofKey.size
    const pending = Math.max(0, this.#source.revision - this.#told)
    return { watchers, slow, told: this.#eventsTold, pending }
  }

  /** Is nobody of this stream behind, nor the hub behind the store? */
  inStep(sink: WatchSink): boolean {
    if (this.#told < this.#source.revision) return false
    for (const late of [this.#behind, this.#waiting])
      for (const watcher of late) if (watcher.sink === sink) return false
    return true
  }

  /** Nobody watches. */
  get idle(): boolean {
    return this.#behind.size + this.#waiting.size === 0 && !this.#anyInStep
  }

  /** Runs after each slice of work. */
  onStep(callback: () => void): () => void {
    this.#onStep.add(callback)
    return () => this.#onStep.delete(callback)
  }

  add(watcher: Watcher): void {
    // Nobody is to be told what was before.
    if (!this.#anyInStep) this.#told = this.#source.revision
    if (watcher.next > this.#told) this.#join(watcher)
    else {
      this.#behind.add(watcher)
      this.#schedule()
    }
  }

  remove(watcher: Watcher): void {
    this.#behind.delete(watcher)
    this.#waiting.delete(watcher)
    this.#leave(watcher)
  }

  /** The store has changed, or what was pending is here. */
  changed(): void {
    for (const watcher of this.#waiting) this.#behind.add(watcher)
    this.#waiting.clear()
    this.#schedule()
  }

  /** The store was replaced by a snapshot: what it holds of the past, the next slices find out. */
  restored(): void {
    for (const watcher of this.#inStep()) this.#fallBehind(watcher, this.#told + 1)
    this.#told = this.#source.revision
    this.#schedule()
  }

  /** This stream takes more again. */
  drained(): void {
    this.#schedule()
  }

  #schedule(): void {
    if (this.#due) return
    this.#due = true
    this.#soon(() => this.#work())
  }

  #work(): void {
    this.#due = false
    const until = this.#now() + SLICE_MS
    let more = this.#advance()
    while (this.#now() < until && (more || this.#canCatchUp())) {
      this.#catchUp(until)
      if (more) more = this.#advance()
    }
    for (const callback of [...this.#onStep]) callback()
    if (more || this.#canCatchUp()) this.#schedule()
  }

  /** Tells those in step of the next changes; true while there are more. */
  #advance(): boolean {
    if (!this.#anyInStep) {
      this.#told = this.#source.revision
      return false
    }
    const events = batchSince(this.#source, this.#told + 1)
    if (events === 'pending') return false
    if (events === null) {
      // A compaction overtook us: each finds out for itself what is left.
      for (const watcher of this.#inStep()) this.#fallBehind(watcher, this.#told + 1)
      this.#told = this.#source.revision
      return false
    }
    const last = events[events.length - 1]
    if (last === undefined) return false
    for (const [watcher, own] of this.#sorted(events)) {
      const first = own[0]
      if (first === undefined) continue
      if (watcher.sink.writable) this.#tell(watcher, own, last.mod)
      else this.#fallBehind(watcher, first.mod)
    }
    this.#told = last.mod
    return this.#told < this.#source.revision
  }

  /** Whom each event concerns. */
  #sorted(events: readonly Version[]): Map<Watcher, Version[]> {
    const sorted = new Map<Watcher, Version[]>()
    const take = (watcher: Watcher, version: Version) => {
      if (!wants(watcher, version)) return
      const own = sorted.get(watcher)
      if (own === undefined) sorted.set(watcher, [version])
      else own.push(version)
    }
    for (const version of events) {
      const { key } = version.history
      for (const watcher of this.#byKey.get(key) ?? []) take(watcher, version)
      for (const watcher of this.#ranges) if (isInRange(watcher.range, key)) take(watcher, version)
    }
    return sorted
  }

  #tell(watcher: Watcher, own: readonly Version[], revision: number): void {
    this.#eventsTold += own.length
    watcher.sink.events(watcher, own, revision)
  }

  #canCatchUp(): boolean {
    for (const watcher of this.#behind) if (watcher.sink.writable) return true
    return false
  }

  #catchUp(until: number): void {
    for (const watcher of this.#behind) {
      if (!watcher.sink.writable) continue
      const events = batchSince(this.#source, watcher.next)
      if (events === 'pending') {
        this.#behind.delete(watcher)
        this.#waiting.add(watcher)
        continue
      }
      if (events === null) {
        this.#behind.delete(watcher)
        watcher.sink.compacted(watcher, this.#source.compactRevision)
        continue
      }
      const last = events[events.length - 1]
      const own = events.filter((version) => wants(watcher, version))
      if (last !== undefined) {
        if (own.length > 0) this.#tell(watcher, own, last.mod)
        watcher.next = last.mod + 1
      }
      if (last === undefined || watcher.next > this.#told) {
        this.#behind.delete(watcher)
        this.#join(watcher)
      }
      if (this.#now() >= until) return
    }
  }

  #join(watcher: Watcher): void {
    const { key, end } = watcher.range
    if (end !== '') {
      this.#ranges.add(watcher)
      return
    }
    const others = this.#byKey.get(key)
    if (others === undefined) this.#byKey.set(key, new Set([watcher]))
    else others.add(watcher)
  }

  #leave(watcher: Watcher): void {
    this.#ranges.delete(watcher)
    const { key } = watcher.range
    const others = this.#byKey.get(key)
    others?.delete(watcher)
    if (others?.size === 0) this.#byKey.delete(key)
  }

  #fallBehind(watcher: Watcher, next: number): void {
    this.#leave(watcher)
    watcher.next = Math.max(watcher.next, next)
    this.#behind.add(watcher)
  }

  get #anyInStep(): boolean {
    return this.#byKey.size > 0 || this.#ranges.size > 0
  }

  #inStep(): Watcher[] {
    const all = [...this.#ranges]
    for (const watchers of this.#byKey.values()) all.push(...watchers)
    return all
  }
}
