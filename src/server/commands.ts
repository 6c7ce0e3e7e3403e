/** A command at the door: what is checked before it may be proposed. */
import type { Request } from '../consensus/contract.js'
import type { Command } from '../gen/quorate/v1/quorate.js'
import type { Replica } from './replica.js'

/** Why the command, which is this request, cannot be proposed; null: it can. */
export function refusal(command: Command, request: Request, replica: Replica): string | null {
  const { session, seq, ackedThrough } = command
  for (const value of [session, seq, ackedThrough])
    if (!Number.isSafeInteger(value) || value < 0) return 'a number is above 2^53-1'
  if (command.command.length > replica.commandBytesMax) return 'request is too large'
  if (session === 0 && command.command.length > 0) return 'a command needs a session'
  if (session !== 0 && seq === 0) return 'seq starts at 1'
  if (session !== 0 && seq <= ackedThrough)
    return 'acked_through covers seq: its answer was already acknowledged'
  if (replica.signed != null) return replica.signed.refusal(request)
  // Raft's log does not keep these: a query would be another thing to whoever reads it from there.
  if (command.auth !== undefined || command.readOnly !== undefined)
    return "this cluster runs Raft: auth and read_only are PBFT's"
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
