/** A command at the door: what is checked before it may be proposed. */
import type { Request } from '../consensus/contract.js'
import type { Command } from '../gen/quorate/v1/quorate.js'
import type { Replica } from './replica.js'

/** Why the command cannot be proposed; null: it can. */
export function refusal(command: Command, replica: Replica): string | null {
  const { session, seq, ackedThrough } = command
  for (const value of [session, seq, ackedThrough])
    if (!Number.isSafeInteger(value) || value < 0) return 'a number is above 2^53-1'
  if (command.command.length > replica.commandBytesMax) return 'request is too large'
  if (session === 0) return command.command.length > 0 ? 'a command needs a session' : null
  if (seq === 0) return 'seq starts at 1'
  if (seq <= ackedThrough) return 'acked_through covers seq: its answer was already acknowledged'
  return null
}

export function toRequest(command: Command): Request {
  const { session, seq, ackedThrough, auth, readOnly } = command
  return {
    session,
    seq,
    ackedThrough,
    command: command.command,
    ...(auth === undefined ? {} : { auth }),
    ...(readOnly === true ? { readOnly } : {}),
  }
}
