/** Alarms: what some member is out of, so that all refuse what would make it worse. Replicated like all else. */
import { AlarmType, type TxnRequest } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { Hasher } from '../hash.js'
import type { Command } from './commands.js'
import { KV_ERRORS, type KvError } from './errors.js'
import { isReadOnly } from './txn.js'

/** Active at once; one more is refused. */
export const ALARMS_MAX = 1_024
const { NONE, NOSPACE, CORRUPT } = AlarmType
const ALARM_SEED = 0x54

export interface Alarm {
  /** In decimal. */
  readonly memberID: string
  readonly alarm: AlarmType
}

/** Enums of proto3 are open: any number arrives. Null: none of ours. */
export function alarmTypeOf(number: number): AlarmType | null {
  return [NONE, NOSPACE, CORRUPT].find((type) => type === number) ?? null
}

/** As etcd calls it. */
export function alarmName(type: AlarmType): string {
  return type === NOSPACE ? 'NOSPACE' : type === CORRUPT ? 'CORRUPT' : 'NONE'
}

export class Alarms {
  /** By type, then by member. */
  #active: Alarm[] = []
  readonly #hasher = new Hasher()
  #sumA = 0
  #sumB = 0

  get size(): number {
    return this.#active.length
  }

  get sum(): { readonly a: number; readonly b: number } {
    return { a: this.#sumA, b: this.#sumB }
  }

  /** Of one type; of type 0 all. */
  list(type: AlarmType = NONE): readonly Alarm[] {
    return type === NONE ? this.#active : this.#active.filter(({ alarm }) => alarm === type)
  }

  has(one: Alarm): boolean {
    return this.#active.some((active) => isSame(active, one))
  }

  add(one: Alarm): void {
    if (this.has(one)) return
    this.#active = [...this.#active, one].sort(compareAlarms)
    this.#count(one, 1)
  }

  remove(one: Alarm): void {
    if (!this.has(one)) return
    this.#active = this.#active.filter((active) => !isSame(active, one))
    this.#count(one, -1)
  }

  /** Why a command is not executed while they last. */
  refusal(command: Command): KvError | null {
    if (this.#active.length === 0) return null
    if (this.list(CORRUPT).length > 0 && changes(command)) return KV_ERRORS.corrupt
    return this.list(NOSPACE).length > 0 && needsSpace(command) ? KV_ERRORS.noSpace : null
  }

  #count({ memberID, alarm }: Alarm, sign: 1 | -1): void {
    const { a, b } = this.#hasher.begin(ALARM_SEED).latin1(memberID).number(alarm).finish()
    this.#sumA = (this.#sumA + sign * a) | 0
    this.#sumB = (this.#sumB + sign * b) | 0
  }
}

/** Whether it may make the store larger, whichever branch of a transaction runs. */
export function needsSpace(command: Command): boolean {
  switch (command.type) {
    case 'Put':
    case 'LeaseGrant':
      return true
    case 'Txn':
      return hasPut(command.request)
    default:
      return false
  }
}

function changes(command: Command): boolean {
  switch (command.type) {
    case 'Put':
    case 'DeleteRange':
    case 'Compact':
    case 'LeaseGrant':
    case 'LeaseRevoke':
      return true
    case 'Txn':
      return !isReadOnly(command.request)
    default:
      return false
  }
}

/** Recursion is bounded: the decoder has refused transactions nested too deeply. */
function hasPut(txn: TxnRequest): boolean {
  return [...txn.success, ...txn.failure].some(
    ({ request }) =>
      request?.$case === 'requestPut' || (request?.$case === 'requestTxn' && hasPut(request.value)),
  )
}

function isSame(a: Alarm, b: Alarm): boolean {
  return a.memberID === b.memberID && a.alarm === b.alarm
}

function compareAlarms(a: Alarm, b: Alarm): number {
  if (a.alarm !== b.alarm) return a.alarm - b.alarm
  const difference = BigInt(a.memberID) - BigInt(b.memberID)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}
