/** HTTP/2 by hand: what no client library would send. */
const NOTHING: Buffer = Buffer.alloc(0)

export const TYPE = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const

export function rawFrame(type: number, flags: number, stream: number, payload = NOTHING): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.set([type, flags], 3)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Each name and value literally; of at most 126 bytes. */
export function rawHeaders(fields: Readonly<Record<string, string>>): Buffer {
  const text = (one: string) => Buffer.from([one.length, ...Buffer.from(one)])
  const literals = Object.entries(fields).map(([key, value]) => [
    Buffer.from([0]),
    text(key),
    text(value),
  ])
  return Buffer.concat(literals.flat())
}

export function reset(stream: number, code: number): Buffer {
  return rawFrame(TYPE.RST_STREAM, 0, stream, Buffer.from([0, 0, 0, code]))
}

/** A message of gRPC. */
export function message(payload: Buffer | string, flag = 0): Buffer {
  const bytes = Buffer.from(payload)
  const head = Buffer.alloc(5)
  head[0] = flag
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}
