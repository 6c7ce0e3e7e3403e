/** Method descriptors out of generated service definitions. */
import type { Codec, StreamMethod, UnaryMethod } from './types.js'

/** What ts-proto generates for a message. */
interface MessageCodec<T> {
  encode(message: T): { finish(): Uint8Array }
  decode(bytes: Uint8Array): T
}

interface MethodDefinition<Req, Res> {
  readonly name: string
  readonly requestType: MessageCodec<Req>
  readonly requestStream: boolean
  readonly responseType: MessageCodec<Res>
  readonly responseStream: boolean
}

interface ServiceDefinition {
  readonly fullName: string
}

export interface Codecs<Req, Res> {
  readonly request?: Codec<Req>
  readonly response?: Codec<Res>
}

/** `codecs` replaces the generated ones, where they are too slow. */
export function unaryMethod<Req, Res>(
  service: ServiceDefinition,
  method: MethodDefinition<Req, Res> & {
    readonly requestStream: false
    readonly responseStream: false
  },
  codecs: Codecs<Req, Res> = {},
): UnaryMethod<Req, Res> {
  return { kind: 'unary', ...describe(service, method, codecs) }
}

export function streamMethod<Req, Res>(
  service: ServiceDefinition,
  method: MethodDefinition<Req, Res>,
  options: Codecs<Req, Res> & { readonly joins?: boolean; readonly firstBytesMax?: number } = {},
): StreamMethod<Req, Res> {
  const { joins = false, firstBytesMax } = options
  const described = { kind: 'stream', ...describe(service, method, options), joins } as const
  return firstBytesMax === undefined ? described : { ...described, firstBytesMax }
}

function describe<Req, Res>(
  service: ServiceDefinition,
  method: MethodDefinition<Req, Res>,
  codecs: Codecs<Req, Res>,
): { path: string; request: Codec<Req>; response: Codec<Res> } {
  return {
    path: `/${service.fullName}/${method.name}`,
    request: codecs.request ?? codecOf(method.requestType),
    response: codecs.response ?? codecOf(method.responseType),
  }
}

function codecOf<T>(type: MessageCodec<T>): Codec<T> {
  return {
    encode: (message) => type.encode(message).finish(),
    decode: (bytes) => type.decode(bytes),
  }
}
