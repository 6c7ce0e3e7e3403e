/** How many calls of each method began, and how they ended; plain numbers, read when somebody asks. */
import { type Code, codeName } from './status.js'
import type { Route } from './types.js'

export interface Tally {
  readonly service: string
  readonly method: string
  readonly type: 'unary' | 'bidi_stream'
  started: number
  /** By the number of its code. */
  readonly ended: number[]
}

export class CallTally {
  readonly #byPath = new Map<string, Tally>()

  constructor(routes: readonly Route[]) {
    for (const { kind, method } of routes) {
      const [, service = '', name = ''] = method.path.split('/')
      const type = kind === 'unary' ? 'unary' : 'bidi_stream'
      this.#byPath.set(method.path, { service, method: name, type, started: 0, ended: [] })
    }
  }

  started(path: string): void {
    const tally = this.#byPath.get(path)
    if (tally !== undefined) tally.started++
  }

  ended(path: string, code: Code): void {
    const ended = this.#byPath.get(path)?.ended
    if (ended !== undefined) ended[code] = (ended[code] ?? 0) + 1
  }

  all(): Iterable<Tally> {
    return this.#byPath.values()
  }
}

/** `OK`, `InvalidArgument`: as the metrics of gRPC's Go library name codes. */
export function goCodeName(code: number): string {
  const name = codeName(code)
  if (name === 'OK') return name
  return name
    .split('_')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join('')
}
