/** Whole revisions that are told together, and what of them concerns a key or a range. */
import type { Version } from '../kv/history.js'
import { lowerBound } from './ranges.js'
import { isInRange, type WatchRange } from './watcher.js'

/** Above this share of the keys it is cheaper to look at every event than to sort those of the range. */
const SHARE = 1 / 4

export class Batch {
  /** Oldest first. */
  readonly events: readonly Version[]
  readonly #byKey = new Map<string, Version[]>()
  #keys: readonly string[] | null = null

  constructor(events: readonly Version[]) {
    this.events = events
    for (const version of events) {
      const { key } = version.history
      const others = this.#byKey.get(key)
      if (others === undefined) this.#byKey.set(key, [version])
      else others.push(version)
    }
  }

  get byKey(): ReadonlyMap<string, readonly Version[]> {
    return this.#byKey
  }

  /** Ascending. */
  get keys(): readonly string[] {
    this.#keys ??= [...this.#byKey.keys()].sort((a, b) => (a < b ? -1 : 1))
    return this.#keys
  }

  /** Of more than a key; oldest first. */
  within(range: WatchRange): readonly Version[] {
    const { keys } = this
    const from = lowerBound(keys, range.key)
    const to = range.end === null ? keys.length : lowerBound(keys, range.end, from)
    if (to - from === keys.length) return this.events
    if (to - from > keys.length * SHARE)
      return this.events.filter(({ history }) => isInRange(range, history.key))
    const own = keys.slice(from, to).flatMap((key) => this.#byKey.get(key) ?? [])
    return own.sort((a, b) => a.mod - b.mod || a.sub - b.sub)
  }
}
