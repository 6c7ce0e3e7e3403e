/**
 * Makes a failing run small while it fails in the same way: less time, fewer nodes, kinds of fault and clients, then
 * single strikes, faults of messages and operations. A step counts only if it leaves no more events than before, so
 * it ends; and with the same recipe and bounds it always ends alike.
 *
 * What is left out shifts what happens after it, so that a smaller run may fail to fail by chance alone. So the same
 * cluster is also tried with other luck, and the smallest run counts.
 */

import { type RandomState, seededRandom } from '../../base/random.js'
import { FAULT_KINDS } from '../faults.js'
import { type Attempt, eventsOf } from './attempt.js'
import { ddmin } from './ddmin.js'
import { withoutHandful } from './handful.js'
import type { Recipe } from './recipe.js'

export interface ShrinkOptions {
  readonly run: (recipe: Recipe) => Attempt
  /** Runs at most, the first included. */
  readonly runsMax: number
  /** Asked before each run: a place for a clock, which this code does not have. */
  readonly shouldStop?: () => boolean
  /** Told after each run. */
  readonly progress?: (progress: Progress) => void
}

export interface Progress {
  readonly runs: number
  readonly events: number
  /** What is being taken away. */
  readonly pass: string
}

export interface Shrunk {
  readonly recipe: Recipe
  readonly before: Attempt
  readonly after: Attempt
  readonly runs: number
  /** False: it ended at a bound, and could become smaller yet. */
  readonly whole: boolean
}

/** Other lucks tried together with something less. */
const LUCKS = 4
/** Other lucks alone, while a run has more events than a person follows. */
const LUCKS_MAX = 60
const EVENTS_FEW = 50
/** Single events are left out of a run with more than this only when nothing else helps. */
const EVENTS_MANY = 300
/** Of the events; what leaves more than that is of little help. */
const LITTLE = 0.8
/** To get well: a minute in vain is long to watch, and the clients go on to ask. What fails so soon must fail in full time too. */
const HASTY_MS = 10_000
/** A run shorter than this has nothing in it (ms). */
const FOR_MS_MIN = 100
/** Beyond an end this much is left for what is under way (ms). */
const BEHIND_MS = 1
const ROUNDS_MAX = 6
/** Handfuls in a row that did not help. */
const HANDFULS_MAX = 300

/** Null: the run does not fail. */
export function shrink(recipe: Recipe, options: ShrinkOptions): Shrunk | null {
  const before = options.run(recipe)
  if (before.kind === null) return null
  const search = new Search(recipe, before, options)
  search.reduce()
  const { best, found, runs, whole } = search
  return { recipe: best, before, after: found, runs, whole }
}

class Search {
  best: Recipe
  found: Attempt
  runs = 1
  readonly #options: ShrinkOptions
  readonly #kind: string | null
  readonly #healMs: number
  #pass = ''
  readonly #random: RandomState
  /** Lucks that were tried, so that no round repeats another. */
  #lucks = 0
  #stopped = false
  /** Runs that failed in the same way, however large. */
  #alike = 0
  /** No other luck fails like it: nothing is to be hoped from more of them. */
  #isRare = false

  constructor(recipe: Recipe, found: Attempt, options: ShrinkOptions) {
    this.best = recipe
    this.found = found
    this.#kind = found.kind
    this.#healMs = recipe.healMs
    this.#random = seededRandom(recipe.seed)
    this.#options = options
  }

  get whole(): boolean {
    return !this.#stopped
  }

  get #more(): boolean {
    if (!this.#stopped)
      this.#stopped = this.runs >= this.#options.runsMax || this.#options.shouldStop?.() === true
    return !this.#stopped
  }

  reduce(): void {
    if (this.#isLiveness) {
      this.#pass = 'patience'
      this.#try({ healMs: HASTY_MS })
    }
    for (let round = 0; round < ROUNDS_MAX && this.#more; round++) {
      const before = this.#size
      const events = eventsOf(this.found)
      this.#coarse()
      const left = eventsOf(this.found)
      if (left <= EVENTS_MANY || left > events * LITTLE) this.#fine()
      if (this.#size === before && !this.#handfuls()) return
    }
  }

  get #isLiveness(): boolean {
    return this.#kind?.startsWith('liveness') === true
  }

  /** Ten operations must succeed: where fewer are asked, that is no failure. */
  get #mayAskLess(): boolean {
    return !this.#isLiveness || this.best.brief
  }

  get #size(): string {
    return JSON.stringify(this.best)
  }

  #coarse(): void {
    this.#pass = 'time'
    if (!this.best.brief) this.#shorten()
    this.#cut()
    this.#pass = 'luck'
    if (!this.#isPicked && eventsOf(this.found) > EVENTS_MANY) this.#otherLucks()
    this.#cut()
    this.#pass = 'nodes'
    const { nodes } = this.found.report
    for (let fewer = 1; fewer < nodes; fewer++) if (this.#tryWithLuck({ nodes: fewer })) break
    this.#pass = 'kinds of fault'
    const kinds = this.found.report.kinds.length
    const drawn = this.#kinds()
    if (kinds > 0) ddmin(drawn, (some) => this.#tryWithLuck({ kinds: some }, 2))
    this.#pass = 'load'
    if (!this.best.plain) this.#tryWithLuck({ plain: true })
    if (!this.best.small) this.#tryWithLuck({ small: true })
    const clients = this.best.clients ?? 8
    for (let fewer = 1; fewer < clients; fewer++) if (this.#tryWithLuck({ clients: fewer })) break
    this.#pass = 'luck'
    // The ordinals of single events mean others then.
    if (!this.#isPicked) this.#otherLucks()
    this.#cut()
  }

  /** It need not go on until enough has happened; faults may go on for as long as they did till it failed. */
  #shorten(): void {
    const forMs = Math.ceil(this.found.report.failure?.atMs ?? 0) + BEHIND_MS
    for (const change of [{}, { progress: 1 }, { forMs }])
      if (this.#try({ brief: true, ...change })) return
  }

  /** Operations before strikes: most strikes are there only because the operations that suffer from them are. */
  #fine(): void {
    this.#pass = 'faults of messages'
    ddmin(this.found.happened.messages, (messages) => this.#try({ messages }))
    this.#pass = 'operations'
    if (this.#mayAskLess)
      ddmin(this.found.happened.operations, (operations) => this.#try({ operations }))
    this.#pass = 'strikes'
    ddmin(this.found.happened.strikes, (strikes) => this.#try({ strikes }))
    this.#pass = 'time'
    this.#cut()
  }

  /**
   * Whatever is left out shifts the rest, and may so undo a failure that does not need it: none of the events can be left out alone,
   * and some together can. True: there are fewer.
   */
  #handfuls(): boolean {
    this.#pass = 'a few at once'
    const events = eventsOf(this.found)
    for (let vain = 0; vain < HANDFULS_MAX && this.#more; vain++) {
      if (eventsOf(this.found) <= EVENTS_FEW) break
      const { operations, ...rest } = withoutHandful(this.found.happened, this.#random)
      if (this.#try(this.#mayAskLess ? { ...rest, operations } : rest)) vain = 0
    }
    return eventsOf(this.found) < events
  }

  #kinds(): NonNullable<Recipe['kinds']> {
    const names = new Set(this.found.report.kinds)
    const all = this.best.kinds ?? FAULT_KINDS
    return all.filter((kind) => names.has(kind))
  }

  get #isPicked(): boolean {
    const { strikes, messages, operations } = this.best
    return strikes !== null || messages !== null || operations !== null
  }

  /** Right behind the failure; then by halves. */
  #cut(): void {
    this.#cutBehind()
    for (let ms = this.best.forMs; ms > FOR_MS_MIN; ) {
      ms = Math.ceil(ms / 2)
      if (!this.#try({ forMs: ms })) return
    }
  }

  #cutBehind(): void {
    const at = Math.ceil(this.found.report.failure?.atMs ?? 0) + BEHIND_MS
    if (at < this.best.forMs) this.#try({ forMs: at })
  }

  #tryWithLuck(change: Partial<Recipe>, lucks = LUCKS): boolean {
    if (this.#try(change)) return true
    if (this.#isPicked || this.#isRare) return false
    for (let i = 0; i < lucks; i++) {
      if (!this.#try({ ...change, luck: this.#luck() })) continue
      this.#cutBehind()
      return true
    }
    return false
  }

  #otherLucks(): void {
    if (this.#isRare) return
    const alike = this.#alike
    const runsMax = this.runs + Math.min(LUCKS_MAX, this.#options.runsMax / 4)
    for (let i = 0; this.runs < runsMax && this.#more; i++) {
      if (i >= 3 * LUCKS && eventsOf(this.found) <= EVENTS_FEW) return
      if (this.#try({ luck: this.#luck() })) this.#cutBehind()
    }
    this.#isRare = this.#alike === alike
  }

  #luck(): number {
    return this.best.seed * 1_000 + ++this.#lucks
  }

  /** True: it fails in the same way, with no more in it, and is what goes on. */
  #try(change: Partial<Recipe>): boolean {
    if (!this.#more) return false
    const recipe = { ...this.best, ...change }
    const tried = this.#options.run(recipe)
    this.runs++
    if (tried.kind === this.#kind) this.#alike++
    const events = eventsOf(this.found)
    const smaller =
      change.luck === undefined ? eventsOf(tried) <= events : this.#isSmaller(tried, change)
    const better = tried.kind === this.#kind && smaller && this.#failsInTime(recipe)
    if (better) {
      this.best = recipe
      this.found = tried
    }
    this.#options.progress?.({ runs: this.runs, events: eventsOf(this.found), pass: this.#pass })
    return better
  }

  /** What had less time to get well than it should fails with all of it too. */
  #failsInTime(recipe: Recipe): boolean {
    if (recipe.healMs >= this.#healMs) return true
    this.runs++
    return this.#options.run({ ...recipe, healMs: this.#healMs }).kind === this.#kind
  }

  /** Other luck alone must have fewer events; together with something less, not more. */
  #isSmaller(tried: Attempt, change: Partial<Recipe>): boolean {
    const [now, before] = [eventsOf(tried), eventsOf(this.found)]
    return Object.keys(change).length > 1 ? now <= before : now < before
  }
}
