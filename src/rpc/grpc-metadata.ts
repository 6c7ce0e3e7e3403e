/** Between the wall's plain strings and grpc-js's metadata and errors. */
import { Metadata } from '@grpc/grpc-js'
import { RpcError, type Trailers, toCode } from './status.js'

/** A status text travels in a header: longer ones would break the caller's header limit. */
const MESSAGE_CHARS_MAX = 2_048

export function toMetadata(entries: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata()
  for (const [key, value] of Object.entries(entries)) addTo(metadata, key, value)
  return metadata
}

/** What HTTP/2 cannot carry in a header becomes `?`: an odd value must not end the process. */
export function addTo(metadata: Metadata, key: string, value: string): void {
  if (key.endsWith('-bin')) metadata.set(key, Buffer.from(value, 'base64'))
  else metadata.set(key, headerText(key, value))
}

/** The same as a header of HTTP/2. */
export function headerText(key: string, value: string): string {
  if (key.endsWith('-bin')) return Buffer.from(value, 'base64').toString('base64')
  return value.replace(/[^ -~]/g, '?')
}

export function firstOf(metadata: Metadata, key: string): string | undefined {
  const value = metadata.get(key)[0]
  return typeof value === 'string' ? value : value?.toString('base64')
}

/** grpc-js percent-encodes the text, which throws on half of a surrogate pair. */
export function statusText(message: string): string {
  return message
    .slice(0, MESSAGE_CHARS_MAX)
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
}

interface StatusLike {
  readonly code: number
  readonly details: string
  readonly metadata?: Metadata | null
}

export function toRpcError(status: StatusLike): RpcError {
  return new RpcError(toCode(status.code), status.details, toTrailers(status.metadata))
}

function toTrailers(metadata: Metadata | null | undefined): Trailers {
  const trailers: Record<string, string> = Object.create(null)
  if (metadata === null || metadata === undefined) return trailers
  for (const key of Object.keys(metadata.getMap())) {
    const value = firstOf(metadata, key)
    if (value !== undefined) trailers[key] = value
  }
  return trailers
}
