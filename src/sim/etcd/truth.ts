/**
 * What the store must hold, entry by entry: told by whichever node applies an entry first, and held against the rules of
 * leases in a second, plain writing. That the other nodes hold the same, their hashes tell.
 */
import {
  LeaseLeasesRequest,
  LeaseLeasesResponse,
  LeaseTimeToLiveResponse,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { LeaseKeepAlivesResponse } from '../../gen/quorate/kv/v1/kv.js'
import {
  type Command,
  CommandTag,
  decodeCommand,
  encodeCommand,
} from '../../machine/kv/commands.js'
import type { Version } from '../../machine/kv/history.js'
import type { KvMachine } from '../../machine/kv/kv-machine.js'
import type { ApplyContext } from '../../machine/state-machine.js'
import { check } from '../checkers/violation.js'
import { LeaseBook } from './lease-book.js'

export interface Change {
  readonly revision: number
  readonly key: string
  /** Null: it was deleted. */
  readonly value: string | null
  readonly version: number
  readonly create: number
  readonly lease: string
}

export interface Applied {
  readonly command: Uint8Array
  readonly result: Uint8Array
}

const EVENTS_MAX = 100_000
const LIST = encodeCommand(CommandTag.LEASE_LEASES, LeaseLeasesRequest.encode({}).finish())

export class Truth {
  /** All changes, in their order. */
  readonly changes: Change[] = []
  readonly #book = new LeaseBook()
  /** The machine that applied the newest entry first. */
  #leading: KvMachine | null = null
  #index = 0
  /** Called with leases that have just expired, by their time. */
  onExpired: (lease: string) => void = () => {}

  get leases(): number {
    return this.#book.ids.length
  }

  get revision(): number {
    return this.changes[this.changes.length - 1]?.revision ?? 1
  }

  /** Time has come to an entry's. */
  advanced(kv: KvMachine, { index, time }: ApplyContext): void {
    if (index <= this.#index) return
    this.#leading = kv
    this.#index = index
    const expected: string[] = []
    let revision = this.revision
    for (const id of this.#book.due(time)) {
      const keys = this.#book.keysOf(id)
      if (keys.length > 0) revision++
      for (const key of keys) expected.push(`${revision} ${key}`)
      this.#book.end(id)
      this.onExpired(id)
    }
    const seen = this.#learn(kv).map((change) => `${change.revision} ${change.key}`)
    check(
      seen.join() === expected.join(),
      'lease-expiry',
      () => `at entry ${index}, time ${time}: deleted ${seen.join()}, expected ${expected.join()}`,
    )
    const listed = LeaseLeasesResponse.decode(kv.query(LIST).subarray(1)).leases.map(({ ID }) => ID)
    const wanted = this.#book.ids
    check(
      listed.join() === wanted.join(),
      'lease-expiry',
      () => `at entry ${index}, time ${time}: leases ${listed.join()}, expected ${wanted.join()}`,
    )
  }

  applied(kv: KvMachine, applied: Applied, { index, time }: ApplyContext): void {
    if (kv !== this.#leading || index !== this.#index) return
    const decoded = decodeCommand(applied.command)
    const revoked = decoded.type === 'LeaseRevoke' ? decoded.request.ID : null
    const attached = revoked === null ? [] : this.#book.keysOf(revoked)
    const before = this.revision
    const changes = this.#learn(kv)
    check(
      changes.every((change) => change.revision === before + 1),
      'one-revision',
      () => `entry ${index}: revisions ${changes.map(({ revision }) => revision).join()}`,
    )
    if (revoked !== null && applied.result[0] === 0) {
      const keys = changes.map(({ key }) => key)
      check(
        keys.join() === attached.join(),
        'lease-revoke',
        () => `deleted ${keys.join()} and not ${attached.join()}`,
      )
    }
    this.#leases(decoded, applied.result, time)
  }

  #leases(command: Command, result: Uint8Array, time: number): void {
    const book = this.#book
    const ok = result[0] === 0
    const answer = result.subarray(1)
    switch (command.type) {
      case 'LeaseGrant': {
        const { ID, TTL } = command.request
        check(ok !== book.has(ID), 'lease-grant', () => `lease ${ID}: granted is ${ok}`)
        if (ok) book.grant(ID, Number(TTL), time)
        return
      }
      case 'LeaseRevoke': {
        const { ID } = command.request
        check(ok === book.has(ID), 'lease-revoke', () => `lease ${ID}: revoked is ${ok}`)
        book.end(ID)
        return
      }
      case 'LeaseKeepAlives': {
        const { ttls } = LeaseKeepAlivesResponse.decode(answer)
        const wanted = command.request.ids.map((id) => book.keepAlive(id, time))
        check(ttls.join() === wanted.join(), 'lease-kept', () => `${ttls} and not ${wanted}`)
        return
      }
      case 'LeaseTimeToLive': {
        const { TTL } = LeaseTimeToLiveResponse.decode(answer)
        const wanted = book.left(command.request.ID, time)
        check(TTL === wanted, 'lease-left', () => `${TTL} s and not ${wanted} s`)
        return
      }
      default:
        return
    }
  }

  #learn(kv: KvMachine): Change[] {
    const events = kv.eventsSince(this.revision + 1, EVENTS_MAX)
    check(events !== null, 'history', () => 'the newest changes are compacted away')
    const changes = (events ?? []).map(changeOf)
    this.changes.push(...changes)
    for (const { key, value, lease } of changes)
      this.#book.wrote(key, value === null ? null : lease)
    return changes
  }
}

export function changeOf(version: Version): Change {
  return {
    revision: version.mod,
    key: version.history.key,
    value: version.deleted ? null : String.fromCharCode(...version.value),
    version: version.version,
    create: version.create,
    lease: version.lease,
  }
}
