/** From what went wrong to one line on stderr and an exit code. */
import { CommanderError } from 'commander'
import type { ClientErrorKind } from '../client/errors.js'

export const EXIT = {
  ok: 0,
  generic: 1,
  usage: 2,
  unavailable: 3,
  unknown: 4,
  compareFailed: 5,
  notPermitted: 6,
  dataRefused: 7,
  disk: 8,
  interrupted: 130,
} as const

/** Says what happened, where, the likely cause and what to do next, in one line. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

export function usageError(message: string): CliError {
  return new CliError(EXIT.usage, message)
}

const CLIENT_EXIT: { readonly [K in ClientErrorKind]: number } = {
  NoLeader: EXIT.unavailable,
  Unavailable: EXIT.unavailable,
  Overloaded: EXIT.unavailable,
  Indeterminate: EXIT.unknown,
  InvalidRequest: EXIT.usage,
  NotPermitted: EXIT.notPermitted,
  Compacted: EXIT.usage,
  LeaseLost: EXIT.unavailable,
  Closed: EXIT.generic,
}

const CLIENT_NEXT: { readonly [K in ClientErrorKind]: string } = {
  NoLeader: 'no majority can reach each other, or an election is under way; see: quorate status',
  Unavailable: 'is the cluster running? start one with: quorate dev, or name it with --endpoints',
  Overloaded: 'the cluster refused it unexecuted; try again later',
  Indeterminate:
    'outcome unknown: it may have happened, or may yet; read before you repeat what is not idempotent',
  InvalidRequest: '',
  NotPermitted: '',
  Compacted: '',
  LeaseLost: '',
  Closed: '',
}

/** gRPC's code of what a node could not answer in time. */
const DEADLINE_EXCEEDED = 4

/** Whether something thrown is a client's error; it may come from a module that is loaded lazily. */
function isClientError(
  error: unknown,
): error is { kind: ClientErrorKind; message: string; code: number | null } {
  return error instanceof Error && error.name === 'ClientError' && 'kind' in error
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (isClientError(error))
    return error.code === DEADLINE_EXCEEDED ? EXIT.unknown : CLIENT_EXIT[error.kind]
  if (typeof error === 'object' && error !== null && 'exitCode' in error) {
    const { exitCode } = error
    if (typeof exitCode === 'number') return exitCode
  }
  return EXIT.generic
}

export function lineOf(error: unknown): string {
  if (isClientError(error)) {
    const next = CLIENT_NEXT[error.kind]
    return next === '' ? error.message : `${error.message} (${next})`
  }
  return error instanceof Error ? error.message : String(error)
}

/** Prints the line, unless it is already printed, and gives the exit code. */
export function report(error: unknown): number {
  if (!(error instanceof CommanderError)) complain(lineOf(error))
  return exitCodeOf(error)
}

/** One line on stderr, whatever the text holds. */
export function complain(text: string): void {
  process.stderr.write(`quorate: ${oneLine(text)}\n`)
}

export function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ')
}
