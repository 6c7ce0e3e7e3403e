/** etcd's services as a client of a PBFT cluster: all is ordered, and what f+1 replicas say is believed. */
import { ClientError } from '../client/errors.js'
import { decodeAnswer } from '../machine/answers.js'
import { Code, RpcError } from '../rpc/status.js'
import type { CommandOutcome, EtcdDoor } from '../server/etcd/door.js'
import { revisionOf } from '../server/etcd/header.js'

/** Gives the encoded answer that f+1 replicas agree on. Throws ClientError. */
export interface Asks {
  run(kind: 'command' | 'query', payload: Uint8Array, timeoutMs: number): Promise<Uint8Array>
}

export interface DoorEvents {
  /** So far the store is at least, as f+1 replicas say. */
  saw(revision: number): void
  /** f+1 replicas have answered. */
  answered(): void
  /** They will not have this key, or this request. */
  refused(why: string): void
}

export function gatewayDoor(asks: Asks, events: DoorEvents, commandTimeoutMs: number): EtcdDoor {
  const submit: EtcdDoor['submit'] = async (command, timeoutMs, readOnly = false) => {
    try {
      const bytes = await asks.run(readOnly ? 'query' : 'command', command, timeoutMs)
      events.answered()
      const answer = decodeAnswer(bytes)
      if (answer?.type !== 'Ok') return { type: 'Indeterminate', reason: 'an answer that is none' }
      if (answer.result[0] === Code.OK) events.saw(revisionOf(answer.result.subarray(1)))
      return { type: 'Result', result: answer.result }
    } catch (error) {
      if (error instanceof ClientError) return outcomeOf(error, events)
      throw error
    }
  }
  return {
    // It waits for the replicas as long as its caller does.
    serving: () => true,
    submit,
    read: async () => ({ type: 'Unsupported' }),
    query: null,
    commandTimeoutMs,
  }
}

/** Throws RpcError where no other attempt would fare better. */
function outcomeOf(error: ClientError, events: DoorEvents): CommandOutcome {
  switch (error.kind) {
    case 'NotPermitted':
      events.refused(error.message)
      throw new RpcError(Code.PERMISSION_DENIED, 'etcdserver: permission denied')
    case 'InvalidRequest':
      events.refused(error.message)
      throw new RpcError(Code.INVALID_ARGUMENT, `quorate: ${error.message}`)
    case 'Overloaded':
      return { type: 'Overloaded', reason: error.message }
    case 'Closed':
      return { type: 'NotLeader', leader: null }
    default:
      return { type: 'Indeterminate', reason: error.message }
  }
}
