/** How many calls of each method began, and how they ended; plain numbers, read when somebody asks. */
import { type Code, codeName } from './status.js'
import type { Codec, Route } from './types.js'

export interface Tally {
  readonly service: string
  readonly method: string
  readonly type: 'unary' | 'bidi_stream'
  started: number
  /** Messages. */
  received: number
  sent: number
  /** By the number of its code. */
  readonly ended: number[]
}

/** Metadata in which etcd's clients tell it. */
export const CLIENT_VERSION = 'client-api-version'
/** Versions that clients say they have: so many are told apart. */
const VERSIONS_MAX = 32
const VERSION_CHARS_MAX = 32

/** Calls of one kind by clients of one version. */
export interface ClientCalls {
  readonly type: 'unary' | 'stream'
  readonly version: string
  calls: number
}

const ZEROS = { started: 0, received: 0, sent: 0 } as const

export class CallTally {
  /** Of all methods' messages, as they are encoded in protobuf. */
  bytesReceived = 0
  bytesSent = 0
  readonly #byPath = new Map<string, Tally>()
  readonly #byClient = new Map<string, ClientCalls>()

  constructor(routes: readonly Route[]) {
    for (const { kind, method } of routes) {
      const [, service = '', name = ''] = method.path.split('/')
      const type = kind === 'unary' ? 'unary' : 'bidi_stream'
      this.#byPath.set(method.path, { service, method: name, type, ...ZEROS, ended: [] })
    }
  }

  /** `version`: what the client says of itself, `client-api-version`. */
  started(path: string, version = 'unknown'): void {
    const tally = this.#byPath.get(path)
    if (tally === undefined) return
    tally.started++
    this.#clientCalls(tally.type === 'unary' ? 'unary' : 'stream', version).calls++
  }

  ended(path: string, code: Code): void {
    const ended = this.#byPath.get(path)?.ended
    if (ended !== undefined) ended[code] = (ended[code] ?? 0) + 1
  }

  /** A message of so many bytes came in. */
  received(path: string, bytes: number): void {
    const tally = this.#byPath.get(path)
    if (tally === undefined) return
    tally.received++
    this.bytesReceived += bytes
  }

  /** And one left. */
  sent(path: string, bytes: number): void {
    const tally = this.#byPath.get(path)
    if (tally === undefined) return
    tally.sent++
    this.bytesSent += bytes
  }

  /** The same codec, for a stream's messages: those decoded came in, those encoded leave. */
  counting<T>(codec: Codec<T>, path: string): Codec<T> {
    return {
      decode: (bytes) => {
        this.received(path, bytes.length)
        return codec.decode(bytes)
      },
      encode: (message) => {
        const bytes = codec.encode(message)
        this.sent(path, bytes.length)
        return bytes
      },
    }
  }

  all(): Iterable<Tally> {
    return this.#byPath.values()
  }

  byClient(): Iterable<ClientCalls> {
    return this.#byClient.values()
  }

  #clientCalls(type: ClientCalls['type'], version: string): ClientCalls {
    const key = `${type} ${version}`
    const known = this.#byClient.get(key)
    if (known !== undefined) return known
    const told = this.#byClient.size < 2 * VERSIONS_MAX && version.length <= VERSION_CHARS_MAX
    if (!told && version !== 'other') return this.#clientCalls(type, 'other')
    const fresh: ClientCalls = { type, version, calls: 0 }
    this.#byClient.set(key, fresh)
    return fresh
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
