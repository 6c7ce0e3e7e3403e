/** Who of those in step is concerned by a change: by the one key that they watch, or by their range. */
import type { Version } from '../kv/history.js'
import type { Batch } from './batch.js'
import { findRange, holding, type RangeTree, withoutRange, withRange } from './ranges.js'
import type { Watcher, WatchRange } from './watcher.js'

/** All that watch the very same. */
interface Group {
  readonly range: WatchRange
  readonly watchers: Set<Watcher>
  /** Listed among those that are to be taken out of the tree. */
  emptied: boolean
}

/** Of a batch, what a group is told. */
export interface Concern {
  readonly watchers: Iterable<Watcher>
  readonly events: readonly Version[]
}

export class Interest {
  readonly #groups = new Map<Watcher, Group>()
  readonly #keys = new Map<string, Group>()
  #ranges: RangeTree<Group> = null
  /**
   * Groups of ranges that nobody was in any more: a stream that closes takes a hundred thousand watchers with it at once,
   * and the tree is put in order afterwards.
   */
  readonly #emptied: Group[] = []

  get size(): number {
    return this.#groups.size
  }

  /** Those too that come while one looks; not those that go. */
  get all(): Iterable<Watcher> {
    return this.#groups.keys()
  }

  add(watcher: Watcher): void {
    if (this.#groups.has(watcher)) return
    const group = this.#groupOf(watcher.range)
    group.watchers.add(watcher)
    this.#groups.set(watcher, group)
  }

  remove(watcher: Watcher): void {
    const group = this.#groups.get(watcher)
    if (group === undefined) return
    this.#groups.delete(watcher)
    group.watchers.delete(watcher)
    if (group.watchers.size > 0) return
    if (group.range.end === '') this.#keys.delete(group.range.key)
    else if (!group.emptied) {
      group.emptied = true
      this.#emptied.push(group)
    }
  }

  /**
   * Who was here when this began is met once, unless he goes; who comes later may be met too. Null: something was looked
   * at, but concerns nobody.
   */
  *concerned(batch: Batch): Generator<Concern | null, void> {
    const ranges = this.#ranges
    for (const [key, events] of batch.byKey) {
      const group = this.#keys.get(key)
      yield group === undefined ? null : { watchers: group.watchers, events }
    }
    if (ranges === null) return
    for (const group of holding(ranges, batch.keys)) {
      if (group === null || group.watchers.size === 0) yield null
      else yield { watchers: group.watchers, events: batch.within(group.range) }
    }
  }

  /** Takes one group out that nobody is in; false: there is none. */
  tidy(): boolean {
    const group = this.#emptied.pop()
    if (group === undefined) return false
    group.emptied = false
    if (group.watchers.size === 0) this.#ranges = withoutRange(this.#ranges, group.range)
    return true
  }

  #groupOf(range: WatchRange): Group {
    const { key, end } = range
    const known = end === '' ? this.#keys.get(key) : findRange(this.#ranges, range)
    if (known !== undefined && known !== null) return known
    const group = { range, watchers: new Set<Watcher>(), emptied: false }
    if (end === '') this.#keys.set(key, group)
    else {
      // One for one: the tree does not grow by what comes and goes, however busy the hub is.
      this.tidy()
      this.#ranges = withRange(this.#ranges, group)
    }
    return group
  }
}
