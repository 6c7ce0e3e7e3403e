/**
 * Breaks a cluster by a script that its seed draws: which faults, how long, on whom; only who leads at the moment is
 * not the seed's. Every fault comes once before any comes again.
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  chance,
  nextInt,
  type RandomState,
  seededRandom,
  shuffled,
} from '../../../src/base/random.js'
import type { ChaosCluster } from './cluster.js'
import { type Begun, block, ISOLATE_LEADER, NETWORK_FAULTS, PROCESS_FAULTS } from './faults.js'

/** How long a fault holds: mostly long enough for a successor to be elected and to get work done. */
const HOLD_MS = { min: 800, max: 5_000 } as const
const PAUSE_MS_MAX = 30_000
/** A pause is at most so much of the run. */
const PAUSE_SHARE_MAX = 1 / 6
/** Without waiting for recovery, the next fault comes after at most so long. */
const GAP_MS_MAX = 1_500

export interface NemesisOptions {
  readonly seed: number
  readonly forMs: number
  /** Within it a cluster whose faults are over must have a leader that all follow. */
  readonly recoveryMsMax: number
}

export class Nemesis {
  readonly counts = new Map<string, number>()
  /** ms from the end of faults to a leader that all follow. */
  readonly recoveries: number[] = []
  readonly #cluster: ChaosCluster
  readonly #options: NemesisOptions
  readonly #random: RandomState
  readonly #start = performance.now()
  #networkDeck: string[] = []
  #processDeck: string[] = []

  constructor(cluster: ChaosCluster, options: NemesisOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  /** Until the time is over; then everything is healed and every node runs. Throws when recovery takes too long. */
  async run(): Promise<void> {
    await this.#round([ISOLATE_LEADER])
    while (this.#elapsed < this.#options.forMs) await this.#round(this.#drawKinds())
    await this.heal()
  }

  /** Ends whatever is on: every node runs, hears and is heard. */
  async heal(): Promise<void> {
    for (const node of this.#cluster.nodes) {
      if (node.paused) node.resume()
      if (!node.alive) node.start()
    }
    await block(this.#cluster, new Map())
    await this.#recover()
  }

  get #elapsed(): number {
    return performance.now() - this.#start
  }

  #drawKinds(): string[] {
    const random = this.#random
    const both = chance(random, 0.25)
    const first = chance(random, 0.5)
    const kinds: string[] = []
    if (both || first) kinds.push(this.#draw('network'))
    if (both || !first) kinds.push(this.#draw('process'))
    return kinds
  }

  async #round(wanted: readonly string[]): Promise<void> {
    const random = this.#random
    // Network first and ended last: who is killed or stopped in between is told when it is back.
    const begun: Begun[] = []
    const holdMs = this.#holdMs(wanted)
    for (const kind of wanted) begun.push(await this.#begin(kind, holdMs))
    const lasting = begun.map((one) => one.lasting).filter((one) => one !== undefined)
    if (lasting.length < begun.length) await this.#wait(holdMs)
    await Promise.all(lasting)
    for (const one of begun.reverse()) await one.end()
    this.#tell('ended', wanted.join(' + '))
    if (chance(random, 0.6)) await this.#recover()
    else await this.#wait(nextInt(random, 0, GAP_MS_MAX))
  }

  async #begin(kind: string, holdMs: number): Promise<Begun> {
    const fault = NETWORK_FAULTS[kind] ?? PROCESS_FAULTS[kind]
    if (fault === undefined) throw new Error(`no fault ${kind}`)
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
    const begun = await fault({
      cluster: this.#cluster,
      random: this.#random,
      holdMs,
      wait: (ms) => this.#wait(ms),
    })
    // Until it is awaited below, its failure is nobody's.
    begun.lasting?.catch(() => {})
    this.#tell(kind, `${begun.what} for ${holdMs} ms`)
    return begun
  }

  #holdMs(kinds: readonly string[]): number {
    const random = this.#random
    if (kinds.includes(ISOLATE_LEADER)) return HOLD_MS.max
    if (!kinds.some((kind) => kind.startsWith('pause')))
      return nextInt(random, HOLD_MS.min, HOLD_MS.max)
    const max = Math.min(PAUSE_MS_MAX, this.#options.forMs * PAUSE_SHARE_MAX)
    // Short ones more often than long ones.
    return nextInt(random, HOLD_MS.min, nextInt(random, HOLD_MS.max, Math.max(max, HOLD_MS.max)))
  }

  #draw(of: 'network' | 'process'): string {
    const deck = of === 'network' ? this.#networkDeck : this.#processDeck
    if (deck.length === 0) {
      const all = Object.keys(of === 'network' ? NETWORK_FAULTS : PROCESS_FAULTS)
      deck.push(...shuffled(this.#random, all))
    }
    return deck.pop() ?? ''
  }

  async #recover(): Promise<void> {
    const began = performance.now()
    await this.#cluster.healthy(this.#options.recoveryMsMax)
    const ms = Math.round(performance.now() - began)
    this.recoveries.push(ms)
    this.#tell('recovered', `in ${ms} ms`)
  }

  #wait(ms: number): Promise<void> {
    return new Promise((done) => setTimeout(done, ms))
  }

  #tell(kind: string, what: string): void {
    const line = `${(this.#elapsed / 1_000).toFixed(3)} ${kind}: ${what}\n`
    appendFileSync(join(this.#cluster.root, 'nemesis.log'), line)
  }
}
