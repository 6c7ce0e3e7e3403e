/**
 * Leases: which there are, until when, and which keys live no longer than each. Time is the agreed one of the log,
 * so all nodes hold the same, and expire the same at the same entry.
 *
 * Invariants:
 * 1. A key is attached to the lease that its live version names, and to no other; that lease exists.
 * 2. The sum is that of the hashes of all leases; what is attached is hashed with the versions.
 */
import { assert } from '../../base/assert.js'
import { Hasher } from '../hash.js'
import { Deadlines, type Expiring } from './deadlines.js'

/** Bounds on what is granted (s): what is less is raised, what is more is refused. */
export const LEASE_TTL_S_MIN = 2
export const LEASE_TTL_S_MAX = 9_000_000_000
/** Of one store; no more are granted. */
export const LEASES_MAX = 1_000_000

const LEASE_SEED = 0x53
const NO_KEYS: ReadonlySet<string> = new Set()

export interface Lease {
  /** In decimal. */
  readonly id: string
  /** As granted (s). */
  readonly ttl: number
  /** Agreed time (ms): at an entry of this time or later it expires. */
  readonly deadline: number
  /** Latin1. */
  readonly keys: ReadonlySet<string>
}

/** What of a lease is kept. */
export type LeaseRecord = Omit<Lease, 'keys'>

class Held implements Lease, Expiring {
  readonly id: string
  readonly number: bigint
  readonly ttl: number
  deadline: number
  place = -1
  /** Null until a key is attached: many leases never have one. */
  attached: Set<string> | null = null
  hashA = 0
  hashB = 0

  constructor({ id, ttl, deadline }: LeaseRecord) {
    this.id = id
    this.number = BigInt(id)
    this.ttl = ttl
    this.deadline = deadline
  }

  get keys(): ReadonlySet<string> {
    return this.attached ?? NO_KEYS
  }
}

export class Leases {
  readonly #byId = new Map<string, Held>()
  readonly #deadlines = new Deadlines<Held>()
  readonly #hasher = new Hasher()
  #sumA = 0
  #sumB = 0

  get size(): number {
    return this.#byId.size
  }

  /** Sum of the hashes of all leases, in two lanes. */
  get sum(): { readonly a: number; readonly b: number } {
    return { a: this.#sumA, b: this.#sumB }
  }

  get(id: string): Lease | null {
    return this.#byId.get(id) ?? null
  }

  /** The one that expires first. */
  get first(): Lease | null {
    return this.#deadlines.first
  }

  /** All, the one that expires first in front. */
  byDeadline(): Lease[] {
    return this.#deadlines.sorted()
  }

  add(record: LeaseRecord): Lease {
    assert(!this.#byId.has(record.id), 'a lease id is in use')
    const lease = new Held(record)
    this.#byId.set(lease.id, lease)
    this.#deadlines.add(lease)
    this.#count(lease)
    return lease
  }

  /** Gives it its whole time again, from `time` on. */
  renew(id: string, time: number): void {
    const lease = this.#byId.get(id)
    assert(lease !== undefined, 'renews a lease that is not there')
    this.#discount(lease)
    lease.deadline = time + lease.ttl * 1000
    this.#deadlines.changed(lease)
    this.#count(lease)
  }

  /** Its keys must be gone. */
  remove(id: string): void {
    const lease = this.#byId.get(id)
    assert(lease !== undefined, 'removes a lease that is not there')
    assert(lease.keys.size === 0, 'removes a lease that has keys')
    this.#discount(lease)
    this.#deadlines.remove(lease)
    this.#byId.delete(id)
  }

  /** The key is written with another lease than it had; '0' stands for none. */
  move(key: string, from: string, to: string): void {
    if (from !== '0') this.#byId.get(from)?.attached?.delete(key)
    if (to === '0') return
    const lease = this.#byId.get(to)
    assert(lease !== undefined, 'attaches a key to a lease that is not there')
    lease.attached ??= new Set()
    lease.attached.add(key)
  }

  /** As they are now, in the order in which they were granted. */
  capture(): LeaseRecord[] {
    const records: LeaseRecord[] = []
    for (const { id, ttl, deadline } of this.#byId.values()) records.push({ id, ttl, deadline })
    return records
  }

  #count(lease: Held): void {
    const { a, b } = this.#hasher
      .begin(LEASE_SEED)
      .latin1(lease.id)
      .number(lease.ttl)
      .number(lease.deadline)
      .finish()
    lease.hashA = a
    lease.hashB = b
    this.#sumA = (this.#sumA + a) | 0
    this.#sumB = (this.#sumB + b) | 0
  }

  #discount(lease: Held): void {
    this.#sumA = (this.#sumA - lease.hashA) | 0
    this.#sumB = (this.#sumB - lease.hashB) | 0
  }
}
