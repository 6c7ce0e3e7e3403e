/**
 * The quota of a member: once its store holds more, it raises NOSPACE through the log, and all members refuse what would
 * make the store larger. It clears the alarm by itself once there is room again; etcd waits for an operator.
 */
import {
  AlarmRequest,
  AlarmRequest_AlarmAction,
  AlarmType,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { type Alarm, needsSpace } from '../../machine/kv/alarms.js'
import { type Command, CommandTag, encodeCommand } from '../../machine/kv/commands.js'
import { Code, RpcError } from '../../rpc/status.js'
import type { EtcdDoor } from './door.js'

const { ACTIVATE, DEACTIVATE } = AlarmRequest_AlarmAction
const { NOSPACE } = AlarmType

export interface SpaceParts {
  readonly store: { readonly bytesHeld: number; readonly alarms: readonly Alarm[] }
  readonly door: EtcdDoor
  /** Its id, in decimal. */
  readonly member: string
  /** Null: there is none. */
  readonly quotaBytes: number | null
}

export class SpaceGuard {
  readonly #parts: SpaceParts
  /** What was raised before this start may be over by now; what an operator raises later is his to clear. */
  #wasOver = true
  #asking = false

  constructor(parts: SpaceParts) {
    this.#parts = parts
  }

  get quotaBytes(): number | null {
    return this.#parts.quotaBytes
  }

  /** Throws where the command needs room that there is not. */
  admit(command: Command, bytes: number): void {
    if (!this.#isOver(bytes) || !needsSpace(command)) return
    this.#raise()
    throw new RpcError(Code.RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded')
  }

  /** To be called now and then. */
  look(): void {
    if (this.#isOver(0)) this.#raise()
    else if (!this.#isActive()) this.#wasOver = false
    else if (this.#wasOver) this.#ask(DEACTIVATE)
  }

  #raise(): void {
    this.#wasOver = true
    if (!this.#isActive()) this.#ask(ACTIVATE)
  }

  #isOver(more: number): boolean {
    const { quotaBytes, store } = this.#parts
    return quotaBytes !== null && store.bytesHeld + more > quotaBytes
  }

  #isActive(): boolean {
    const { store, member } = this.#parts
    return store.alarms.some(({ memberID, alarm }) => memberID === member && alarm === NOSPACE)
  }

  #ask(action: typeof ACTIVATE | typeof DEACTIVATE): void {
    const { door, member } = this.#parts
    if (this.#asking || !door.serving()) return
    this.#asking = true
    const request = AlarmRequest.encode({ action, memberID: member, alarm: NOSPACE }).finish()
    const command = encodeCommand(CommandTag.ALARM, request)
    // What comes to nothing is asked again at the next look.
    void door.submit(command, door.commandTimeoutMs).finally(() => {
      this.#asking = false
    })
  }
}
