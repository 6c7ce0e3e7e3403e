/**
 * What the search replaces by a representative must be what no step can see. Here cores as they are run beside cores that
 * are normalised after each step, through the same random events: they must send and write the same for ever.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Effect, Input } from '../../../src/consensus/contract.js'
import { type Message, Raft, raft, type WalRecord } from '../../../src/consensus/raft/index.js'
import { clonePlain, encodePlain } from '../../../src/sim/explore/plain.js'
import { raftAdapter } from '../../../src/sim/explore/raft.js'

const adapter = raftAdapter({ nodes: 3, termMax: 6 })
const { members, shared, timers } = adapter

interface Pair {
  readonly id: string
  raw: Raft
  normal: Raft
  /** What the normal one's batch numbers are short of the raw one's. */
  short: number
  disk: WalRecord[]
  unsynced: { readonly batch: number; readonly records: readonly WalRecord[] }[]
  starts: number
}

interface Flying {
  readonly from: string
  readonly to: string
  readonly message: Message
}

function copyOf(core: Raft): Raft {
  return new Raft(clonePlain(core.state, shared))
}

function sendsOf(effects: readonly Effect<Message, WalRecord>[]): string[] {
  return effects.flatMap((one) =>
    one.type === 'Send' ? [encodePlain([one.to, one.gate, one.message], shared)] : [],
  )
}

class Twins {
  readonly pairs: Pair[]
  flying: Flying[] = []
  #seq = 0

  constructor() {
    this.pairs = members.map((id) => {
      const disk = [adapter.bootstrap]
      const self = { id, seed: 7, incarnation: 1 }
      const { core } = raft.recover(disk, self, adapter.options)
      const normal = copyOf(core)
      adapter.normalise(normal)
      return { id, raw: core, normal, short: 0, disk, unsynced: [], starts: 1 }
    })
  }

  act(choice: number, which: number): void {
    const pair = this.pairs[which % 3]!
    if (choice < 6) {
      const [flight] = this.flying.splice(
        which % Math.max(1, this.flying.length),
        choice === 0 ? 0 : 1,
      )
      if (flight !== undefined) this.#deliver(flight)
    } else if (choice === 6) this.#timer(pair, which)
    else if (choice === 7) this.#propose(pair)
    else if (choice < 11) this.#sync(pair, which)
    else if (which % 8 === 0) this.#crash(pair)
    if (this.flying.length > 12) this.flying.shift()
  }

  #deliver({ from, to, message }: Flying): void {
    const pair = this.pairs.find((one) => one.id === to)!
    for (const core of [pair.raw, pair.normal]) adapter.beforeReceive(core, message)
    this.#step(pair, { type: 'Receive', from, message })
  }

  #timer(pair: Pair, which: number): void {
    const timer = timers[which % timers.length]!
    expect(timer.enabled(pair.raw)).toBe(timer.enabled(pair.normal))
    if (!timer.enabled(pair.raw)) return
    // Two checks in a row without an answer: the first one forgets who answered before.
    if (timer.cost === 'stepDowns' && pair.raw.state.role.type === 'leader')
      for (const p of pair.raw.state.role.progress.values()) p.recentActive = false
    // News of a commit ride on the heartbeat, which comes first.
    for (const core of [pair.raw, pair.normal]) timer.arm(core)
    this.#step(pair, { type: 'Tick', now: 1, nextDeadline: null })
  }

  #propose(pair: Pair): void {
    if (!adapter.mayPropose(pair.raw)) return
    const request = { session: 1, seq: ++this.#seq, ackedThrough: 0, command: Uint8Array.of(1) }
    this.#step(pair, { type: 'Propose', requests: [request] })
  }

  #sync(pair: Pair, which: number): void {
    if (pair.unsynced.length === 0) return
    const done = pair.unsynced.splice(0, 1 + (which % pair.unsynced.length))
    pair.disk.push(...done.flatMap((one) => one.records))
    this.#step(pair, { type: 'Persisted', batch: done.at(-1)!.batch })
  }

  #crash(pair: Pair): void {
    pair.starts++
    pair.unsynced = []
    const self = { id: pair.id, seed: pair.starts, incarnation: pair.starts }
    pair.raw = raft.recover(pair.disk, self, adapter.options).core
    // From what the search keeps of a disk.
    const compact = adapter.compact(pair.id, pair.disk)
    pair.normal = raft.recover(compact, { ...self, seed: 1 }, adapter.options).core
    pair.short = 0
    adapter.normalise(pair.normal)
    this.#compare(pair)
  }

  #step(pair: Pair, input: Input<Message>): void {
    const shifted =
      input.type === 'Persisted' ? { ...input, batch: input.batch - pair.short } : input
    const raw = pair.raw.step(input)
    const normal = pair.normal.step(shifted)
    expect(sendsOf(normal)).toEqual(sendsOf(raw))
    for (const effect of raw) {
      if (effect.type === 'Persist') pair.unsynced.push(effect)
      if (effect.type === 'Send')
        this.flying.push({ from: pair.id, to: effect.to, message: effect.message })
    }
    pair.short += adapter.normalise(pair.normal)
    this.#compare(pair)
  }

  #compare(pair: Pair): void {
    const again = copyOf(pair.raw)
    adapter.normalise(again)
    expect(encodePlain(pair.normal.state, shared)).toBe(encodePlain(again.state, shared))
  }
}

describe('what the search does not tell apart', () => {
  it('no core can tell apart, through any events', () => {
    const seen = { leaders: 0, commits: 0 }
    const event = fc.tuple(fc.integer({ min: 0, max: 11 }), fc.integer({ min: 0, max: 1_000 }))
    fc.assert(
      fc.property(fc.array(event, { minLength: 100, maxLength: 300 }), (events) => {
        const twins = new Twins()
        for (const [choice, which] of events) twins.act(choice, which)
        for (const { raw } of twins.pairs) {
          if (raw.state.role.type === 'leader') seen.leaders++
          if (raw.state.commitIndex > 1) seen.commits++
        }
      }),
      { numRuns: 60, seed: 20_261 },
    )
    // Else it was about nothing.
    expect(seen.leaders).toBeGreaterThan(5)
    expect(seen.commits).toBeGreaterThan(5)
  })
})
