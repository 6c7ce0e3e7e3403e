/** Why a node did not start or had to stop: one line for a person, and the exit code of the process. */
export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/** What is wrong with the data: corrupt, foreign, locked, of a newer format, of a wiped identity. */
export const DATA_REFUSED = 7
/** The disk failed, or is full. */
export const DISK_FAILED = 8
const USAGE = 2

export function dataRefused(message: string): NodeError {
  return new NodeError(DATA_REFUSED, message)
}

export function diskFailed(message: string): NodeError {
  return new NodeError(DISK_FAILED, message)
}

export function portTaken(what: string, where: string, why: string): NodeError {
  return new NodeError(USAGE, `${what} cannot listen on ${where}: ${why}; choose another port`)
}
