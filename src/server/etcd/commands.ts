/**
 * A request of etcd's as a command of the machine. Its bytes become the command as they are, and the machine's answer the
 * response, but for the header: neither is decoded on the way, except to refuse before it is ordered what the machine
 * would refuse anyhow.
 */
import { isAlarmQuery } from '../../machine/kv/alarm-commands.js'
import {
  type Command,
  type CommandTag,
  decodeCommand,
  encodeCommand,
} from '../../machine/kv/commands.js'
import { isReadOnly } from '../../machine/kv/txn.js'
import { checkCommand } from '../../machine/kv/validate.js'
import { Code, RpcError } from '../../rpc/status.js'
import type { CallContext } from '../../rpc/types.js'
import type { CommandOutcome, EtcdDoor } from './door.js'
import { etcdError, machineError, notServing } from './errors.js'
import type { Headers } from './header.js'
import type { SpaceGuard } from './space-guard.js'

export interface CommandParts {
  readonly door: EtcdDoor
  readonly headers: Headers
  readonly space: SpaceGuard
}

type Way = 'write' | 'linearizable' | 'serializable'

/** Takes and gives encoded messages. */
export async function runCommand(
  parts: CommandParts,
  tag: CommandTag,
  request: Uint8Array,
  context: Pick<CallContext, 'remainingMs'>,
): Promise<Uint8Array> {
  const { door, headers, space } = parts
  if (!door.serving()) throw notServing()
  const command = encodeCommand(tag, request)
  const timeoutMs = Math.min(context.remainingMs(), door.commandTimeoutMs)
  const decoded = decodeCommand(command)
  const problem = decoded.type === 'Refused' ? decoded.error : checkCommand(decoded)
  // What is wrong with it whatever the state is.
  if (problem !== null) throw new RpcError(codeOf(problem.code), problem.message)
  space.admit(decoded, command.length)
  const result = await execute(door, wayOf(decoded), command, timeoutMs)
  return headers.complete(payload(result))
}

/** What an ordered command gave, without its status. Throws what it was refused with. */
export function answerOf(outcome: CommandOutcome): Uint8Array {
  return payload(resultOf(outcome))
}

async function execute(
  door: EtcdDoor,
  way: Way,
  command: Uint8Array,
  timeoutMs: number,
): Promise<Uint8Array> {
  if (way === 'write') return resultOf(await door.submit(command, timeoutMs))
  const { query } = door
  if (query !== null && way === 'serializable') return query(command)
  if (query !== null) {
    const outcome = await door.read(timeoutMs)
    if (outcome.type === 'Ready') return query(command)
    if (outcome.type !== 'Unsupported') throw etcdError(outcome)
  }
  // No single replica can be believed: the read gets a place in the order.
  return resultOf(await door.submit(command, timeoutMs, true))
}

function wayOf(decoded: Command): Way {
  if (decoded.type === 'LeaseLeases') return 'linearizable'
  if (decoded.type === 'Alarm') return isAlarmQuery(decoded.request) ? 'linearizable' : 'write'
  if (decoded.type === 'Range')
    return decoded.request.serializable ? 'serializable' : 'linearizable'
  if (decoded.type !== 'Txn' || !isReadOnly(decoded.request)) return 'write'
  const operations = [...decoded.request.success, ...decoded.request.failure]
  const isSerializable = operations.every(
    ({ request }) => request?.$case === 'requestRange' && request.value.serializable,
  )
  return isSerializable ? 'serializable' : 'linearizable'
}

function codeOf(code: number): Code {
  return Object.values(Code).find((one) => one === code) ?? Code.UNKNOWN
}

function resultOf(outcome: CommandOutcome): Uint8Array {
  if (outcome.type === 'Result') return outcome.result
  throw etcdError(outcome)
}

/** One byte of status, then the response or the text of the error. */
function payload(result: Uint8Array): Uint8Array {
  const code = result[0] ?? Code.UNKNOWN
  if (code !== Code.OK) throw machineError(code, result.subarray(1))
  return result.subarray(1)
}
