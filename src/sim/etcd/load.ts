/** Clients of etcd's API in the simulator: they write, read, swap and delete, and hold leases that they keep alive or let go. */
import type { Application, Asked, Load } from '../application.js'
import { check } from '../checkers/violation.js'
import type { FaultKind } from '../faults.js'
import type { World } from '../world.js'
import { judgeAnswers, type Record } from './judge.js'
import { ObservedKv } from './observed-kv.js'
import { type Ask, decodeTold, encodeAsk } from './requests.js'
import { Truth } from './truth.js'
import { WatchClients } from './watch-clients.js'

const KEYS = ['k1', 'k2', 'k3', 'k4', 'k5', 'k6']
const TTL_S_MAX = 5
/** Leases that a client remembers. */
const LEASES_MAX = 4
/** Kept behind a compaction. */
const HISTORY_MIN = 30

export interface EtcdSimOptions {
  /** Agreed time is that of the nodes' wall clocks, which tell nothing of how long something took. */
  readonly wallClock: boolean
}

/** An entry tells the time of the last tick before it: a lease that it grants began so much earlier at most. */
const EARLY_TICKS = 2

/** Where a clock runs away, agreed time does too, and a lease is as long as agreed. */
const RUNAWAY: readonly FaultKind[] = ['clock-leapt', 'clock-drifted']

/** For one run: what its machines must hold is kept here. */
export function etcdApplication(options: EtcdSimOptions): Application {
  const truth = new Truth()
  const nodes = new Map<string, ObservedKv>()
  const made = new WeakMap<object, ObservedKv>()
  let world: World | null = null
  const clock = () => {
    if (world === null) throw new Error('a machine runs before there is a world')
    return world
  }
  return {
    newMachine: () => {
      const machine = new ObservedKv(truth, clock)
      made.set(machine, machine)
      return machine
    },
    newLoad: (made, _, { kinds, clockDriftMax, tickMs }) => {
      world = made
      const runsAway = RUNAWAY.some((kind) => kinds.has(kind))
      const lasting = options.wallClock && runsAway
      const load = new EtcdLoad(made, truth, { nodes: () => [...nodes.values()], lasting })
      if (!options.wallClock && !runsAway)
        truth.onExpired = (id) =>
          load.expired(id, { driftMax: clockDriftMax, earlyMs: EARLY_TICKS * tickMs })
      return load
    },
    inspect: (node, machine) => {
      const one = made.get(machine)
      if (one !== undefined) nodes.set(node, one)
    },
  }
}

/** A lease as its holder knows it. */
interface Held {
  readonly ttl: number
  /** When it was asked for what gave it its time last, and was answered. */
  sinceMs: number
}

class EtcdLoad implements Load {
  readonly operations = []
  readonly #world: World
  readonly #truth: Truth
  readonly #watchers: WatchClients
  readonly #nodes: () => readonly ObservedKv[]
  readonly #records: Record[] = []
  readonly #counts = { ok: 0, failed: 0, unknown: 0 }
  readonly #mine = new Map<number, string[]>()
  readonly #held = new Map<string, Held>()
  /** Last seen of each key: what a swap expects. */
  readonly #mods = new Map<string, number>()
  /**
   * Leases may outlast the run: where the clocks of more than f leapt ahead together, and back, agreed time stands until
   * they are there again.
   */
  readonly #lasting: boolean
  #clock = 0
  #unique = 0

  constructor(
    world: World,
    truth: Truth,
    { nodes, lasting }: { readonly nodes: () => readonly ObservedKv[]; readonly lasting: boolean },
  ) {
    this.#world = world
    this.#truth = truth
    this.#nodes = nodes
    this.#lasting = lasting
    this.#watchers = new WatchClients(world, nodes)
  }

  counts(): ReturnType<Load['counts']> {
    return { ...this.#counts }
  }

  next(client: number): () => Asked {
    const ask = this.#draw(client)
    return () => this.#ask(client, ask)
  }

  last(client: number): () => Asked {
    const value = `v${++this.#unique}`
    return () => this.#ask(client, { f: 'put', key: 'k1', value, lease: '0' })
  }

  /** Nobody keeps leases alive any more: in time there is none. */
  isSettled(): boolean {
    return this.#lasting || this.#truth.leases === 0
  }

  judge(): number {
    judgeAnswers(this.#records, this.#truth.changes)
    this.#watchers.judge(this.#truth.changes)
    for (const { kv } of this.#nodes())
      check(kv.revision === this.#truth.revision, 'revision', () => `${kv.revision} in the end`)
    return 0
  }

  judgeHistory(): number {
    return this.judge()
  }

  #draw(client: number): Ask {
    const world = this.#world
    const key = KEYS[world.int(0, KEYS.length - 1)] ?? 'k1'
    const value = `v${++this.#unique}`
    const mine = this.#mine.get(client) ?? []
    const id = mine[world.int(0, Math.max(0, mine.length - 1))] ?? '1'
    const drawn = world.int(1, 100)
    if (drawn <= 20) return { f: 'put', key, value, lease: '0' }
    if (drawn <= 35) return { f: 'put', key, value, lease: id }
    if (drawn <= 50) return { f: 'get', key }
    if (drawn <= 56) return { f: 'list' }
    if (drawn <= 63) return { f: 'delete', key }
    if (drawn <= 73) return { f: 'swap', key, mod: this.#mods.get(key) ?? 0, value }
    if (drawn <= 82) return { f: 'grant', id: this.#newLease(client), ttl: world.int(1, TTL_S_MAX) }
    if (drawn <= 93) return { f: 'keep-alive', id }
    if (drawn <= 96) return { f: 'time-to-live', id }
    if (drawn <= 98) return { f: 'revoke', id }
    return { f: 'compact', revision: Math.max(2, this.#truth.revision - HISTORY_MIN) }
  }

  /** Ids whose order is not that in which they are granted. */
  #newLease(client: number): string {
    const mine = this.#mine.get(client) ?? []
    const id = String(this.#world.int(0, 1_000_000) * 10_000 + this.#unique)
    this.#mine.set(client, [...mine, id].slice(-LEASES_MAX))
    return id
  }

  #ask(client: number, ask: Ask): Asked {
    const record: Record = {
      ask,
      invokedAt: this.#clock++,
      completedAt: Number.POSITIVE_INFINITY,
      invokedMs: this.#world.now,
      outcome: 'pending',
      told: null,
    }
    this.#records.push(record)
    const end = (outcome: 'ok' | 'failed' | 'unknown') => {
      record.outcome = outcome
      record.completedAt = this.#clock++
      this.#counts[outcome]++
    }
    return {
      ...encodeAsk(ask),
      recorded: record,
      told: () => `${client}: ${JSON.stringify(ask)}`,
      answered: (bytes) => {
        record.told = decodeTold(ask, bytes)
        end('ok')
        this.#learn(record, bytes)
      },
      failed: () => end('failed'),
      unknown: () => end('unknown'),
    }
  }

  #learn({ ask, told, invokedMs }: Record, bytes: Uint8Array): void {
    if (told === null) return
    if ((ask.f === 'put' || ask.f === 'swap') && told.wrote) this.#mods.set(ask.key, told.revision)
    if (ask.f === 'grant') this.#held.set(ask.id, { ttl: Math.max(2, ask.ttl), sinceMs: invokedMs })
    if (ask.f !== 'keep-alive') return
    const held = this.#held.get(ask.id)
    if (held !== undefined && isAlive(bytes)) held.sinceMs = Math.max(held.sinceMs, invokedMs)
  }

  /**
   * Whoever has heard that his lease lives has it for its time, from when he asked; agreed time runs at most so much faster
   * than the world's, of one.
   */
  expired(
    id: string,
    { driftMax, earlyMs }: { readonly driftMax: number; readonly earlyMs: number },
  ): void {
    const held = this.#held.get(id)
    if (held === undefined) return
    const lived = this.#world.now - held.sinceMs
    check(
      lived * (1 + driftMax) >= held.ttl * 1_000 - earlyMs,
      'lease-too-short',
      () => `lease ${id} of ${held.ttl} s was given ${Math.round(lived)} ms`,
    )
  }
}

/** The answer to one keep-alive: behind the header one TTL, and 0 stands for no lease. */
function isAlive(bytes: Uint8Array): boolean {
  return bytes[bytes.length - 1] !== 0
}
