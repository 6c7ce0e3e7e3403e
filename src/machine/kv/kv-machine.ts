/** The replicated key-value store under etcd's rules, as a state machine. */
import { latin1Decode } from '../../base/latin1.js'
import type { ApplyContext, StateMachine } from '../state-machine.js'
import { isAlarmQuery, runAlarm } from './alarm-commands.js'
import type { Alarm } from './alarms.js'
import { ANSWER_BYTES_MAX, answerFits } from './answer-size.js'
import { runChanges } from './changes.js'
import { COMMAND_BYTES_MAX, type Command, CommandTag, decodeCommand } from './commands.js'
import type { Counts } from './counts.js'
import { KV_ERRORS, type KvError } from './errors.js'
import type { Version } from './history.js'
import {
  expireLeases,
  grantLease,
  keepAlive,
  listLeases,
  revokeLease,
  timeToLive,
} from './lease-commands.js'
import { PutFields } from './put-fields.js'
import { checkReadRevision, runRange } from './range.js'
import { encodeError, encodePutReply, encodeReply, type Reply, sized } from './replies.js'
import { restoreStore } from './restore.js'
import { SnapshotView } from './snapshot.js'
import { Store } from './store.js'
import { isReadOnly, runTxn } from './txn.js'
import { checkCommand } from './validate.js'
import { checkPutState, runDeleteRange, runPut } from './writes.js'

type KeyCommand = Exclude<Command, { readonly type: `Lease${string}` | 'Alarm' | 'Changes' }>

/** Events whose garbage is freed after each command, so that collection keeps up by itself. */
const COLLECT_PER_COMMAND = 64
/** Snapshots open at once, each of which keeps garbage; one more closes the oldest. */
const VIEWS_MAX = 4

export interface StoreListener {
  /** There are revisions that were not there before. */
  changed(): void
  /** There is garbage to collect. */
  compacted?(): void
  /** The store is another one, of a later time. */
  restored(): void
}

export class KvMachine implements StateMachine {
  #store = new Store()
  readonly #put = new PutFields()
  #listener: StoreListener | null = null
  /** Agreed time (ms) of the last entry. */
  #time = 0
  /** Open snapshots, oldest first. */
  #views: SnapshotView[] = []

  /** Of the last change; 1 when nothing was ever written. */
  get revision(): number {
    return this.#store.revision
  }

  /** Reads below it are refused; -1 before the first compaction. */
  get compactRevision(): number {
    return this.#store.compactRevision
  }

  /** Changes held for readers and watchers, garbage not yet collected included. */
  get eventsHeld(): number {
    return this.#store.log.end - this.#store.log.start
  }

  /** Keys held, deleted ones not yet collected included. */
  get keysHeld(): number {
    return this.#store.size
  }

  /** Keys held, deleted ones not yet collected included. */
  get keys(): number {
    return this.#store.size
  }

  /** Bytes of all keys and values held, garbage included. */
  get bytesHeld(): number {
    return this.#store.bytesHeld
  }

  /** What it did since the process started. */
  get counts(): Readonly<Counts> {
    return this.#store.counts
  }

  /** Active ones, by type, then by member. */
  get alarms(): readonly Alarm[] {
    return this.#store.alarms.list()
  }

  /** Of what can be read at this revision and back to the compacted one: 32 bits. */
  hashAt(revision: number): number {
    return this.#store.hashAt(revision)
  }

  /** Bytes of the slabs that hold values which have outlived a compaction. */
  get settledBytes(): number {
    return this.#store.settledBytes
  }

  /** One listener hears of what changes, after it has. */
  listen(listener: StoreListener): void {
    this.#listener = listener
  }

  /** Expires what is due, some of it if it is much. */
  advance({ time }: ApplyContext): void {
    this.#time = time
    const before = this.#store.revision
    expireLeases(this.#store, time)
    if (this.#store.revision !== before) this.#listener?.changed()
  }

  apply(command: Uint8Array, { time }: ApplyContext): Uint8Array {
    const before = this.#store.revision
    const result = this.#applyPlainPut(command) ?? this.#applyDecoded(decodeCommand(command), time)
    if (this.#store.collectable) this.#store.collect(COLLECT_PER_COMMAND)
    if (this.#store.revision !== before) this.#listener?.changed()
    return result
  }

  /** Takes a Range, a Txn that only reads, LeaseLeases, an Alarm that only lists, or Changes. */
  query(query: Uint8Array): Uint8Array {
    const command = decodeCommand(query)
    const error = checkCommand(command)
    if (error !== null) return encodeError(error)
    const isQuery =
      command.type === 'Range' ||
      command.type === 'LeaseLeases' ||
      command.type === 'Changes' ||
      (command.type === 'Alarm' && isAlarmQuery(command.request)) ||
      (command.type === 'Txn' && isReadOnly(command.request))
    return isQuery ? this.#applyDecoded(command, this.#time) : encodeError(KV_ERRORS.notAQuery)
  }

  snapshot(): Iterable<Uint8Array> {
    const view: SnapshotView = new SnapshotView(this.#store, () => {
      this.#views = this.#views.filter((open) => open !== view)
    })
    this.#views.push(view)
    if (this.#views.length > VIEWS_MAX) this.#views[0]?.supersede()
    return view
  }

  restore(chunks: Iterable<Uint8Array>): void {
    this.#store = restoreStore(chunks, this.#store.counts)
    this.#time = 0
    this.#views = []
    this.#listener?.restored()
  }

  hash(): string {
    return this.#store.hash()
  }

  /** Of the lease that expires first. Of one that waits for its turn: now, for time has passed it long ago. */
  nextDeadline(): number | null {
    const first = this.#store.leases.first
    return first === null ? null : Math.max(first.deadline, this.#time)
  }

  /** Frees the garbage of at most so many events; true while there is more. For a host that idles. */
  collect(eventsMax: number): boolean {
    return this.#store.collect(eventsMax)
  }

  /** Changes at or after a revision, oldest first, at most so many; null when they are compacted away. */
  eventsSince(revision: number, eventsMax: number): Version[] | null {
    if (revision < this.#store.compactRevision) return null
    const log = this.#store.log
    const events: Version[] = []
    for (let at = log.firstAt(revision); at < log.end && events.length < eventsMax; at++)
      events.push(log.at(at))
    return events
  }

  /** The short way for a Put without previous value, lease or flags; null when it is not one. */
  #applyPlainPut(command: Uint8Array): Uint8Array | null {
    const put = this.#put
    if (command[0] !== CommandTag.PUT || command.length > COMMAND_BYTES_MAX) return null
    if (!put.read(command, 1)) return null
    if (put.prevKv || put.ignoreValue || put.ignoreLease) return null
    if (put.keyTo === put.keyFrom) return null
    const store = this.#store
    if (store.alarms.size > 0) return null
    const span = { bytes: command, from: put.valueFrom, to: put.valueTo }
    const value = store.copyValue(span)
    const key = latin1Decode(command, put.keyFrom, put.keyTo)
    store.put(key, value, '0')
    return encodePutReply(store.commit())
  }

  #applyDecoded(command: Command, time: number): Uint8Array {
    const error = checkCommand(command)
    if (error !== null) return encodeError(error)
    const refusal = this.#store.alarms.refusal(command)
    if (refusal !== null) return encodeError(refusal)
    const result = this.#run(command, time)
    this.#store.commit()
    return result
  }

  /** The command is valid; what depends on the state is checked here. */
  #run(command: Command, time: number): Uint8Array {
    const store = this.#store
    switch (command.type) {
      case 'LeaseGrant':
        return grantLease(store, command.request, time)
      case 'LeaseRevoke':
        return revokeLease(store, command.request)
      case 'LeaseKeepAlives':
        return keepAlive(store, command.request, time)
      case 'LeaseTimeToLive':
        return timeToLive(store, command.request, time)
      case 'LeaseLeases':
        return listLeases(store)
      case 'Alarm':
        return runAlarm(store, command.request)
      case 'Changes':
        return runChanges(store, command.request)
      default: {
        const reply = this.#runOnKeys(command)
        if ('code' in reply) return encodeError(reply)
        // Of what only reads: what writes was looked at before.
        if (reply.size > ANSWER_BYTES_MAX) return encodeError(KV_ERRORS.answerTooLarge)
        return encodeReply(reply)
      }
    }
  }

  #runOnKeys(command: KeyCommand): Reply | KvError {
    const store = this.#store
    switch (command.type) {
      case 'Put':
        return checkPutState(store, command.request) ?? runPut(store, command.request)
      case 'Range':
        return (
          checkReadRevision(store, command.request.revision) ?? runRange(store, command.request)
        )
      case 'DeleteRange':
        return answerFits(store, [command])
          ? runDeleteRange(store, command.request)
          : KV_ERRORS.answerTooLarge
      case 'Txn':
        return runTxn(store, command.request)
      case 'Compact': {
        const revision = command.request.revision
        if (revision <= store.compactRevision) return KV_ERRORS.compacted
        if (revision > store.revision) return KV_ERRORS.futureRevision
        store.compact(revision)
        this.#listener?.compacted?.()
        return sized({ type: 'Compact', revision: store.revision })
      }
      case 'Refused':
        return command.error
    }
  }
}
