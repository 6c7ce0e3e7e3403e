// gRPC over node:http2 with nothing in between: one session is one connection.
import { connect } from 'node:http2'

export function open(endpoint) {
  const session = connect(`http://${endpoint}`)
  session.on('error', () => {})
  return session
}

const frame = (message) => {
  const out = Buffer.alloc(5 + message.length)
  out.writeUInt32BE(message.length, 1)
  out.set(message, 5)
  return out
}

/** One stream: `onMessage` is given each message of the server's. */
export function stream(session, path, onMessage, onEnd = () => {}) {
  const call = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  let rest = Buffer.alloc(0)
  call.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 5) {
      const length = rest.readUInt32BE(1)
      if (rest.length < 5 + length) break
      onMessage(rest.subarray(5, 5 + length))
      rest = rest.subarray(5 + length)
    }
  })
  let status = null
  const ended = (headers) => {
    status = headers
    // The server's side is over; ours ends with it, or the call would stay half open.
    call.end()
  }
  call.on('trailers', ended)
  call.on('response', (headers) => {
    if (headers['grpc-status'] !== undefined) ended(headers)
  })
  call.on('error', () => {})
  call.on('close', () => onEnd(status?.['grpc-status'] ?? 'none', status?.['grpc-message']))
  return { write: (message) => call.write(frame(message)), end: () => call.end() }
}

export function unary(session, path, message) {
  return new Promise((resolve, reject) => {
    let answer = null
    const call = stream(
      session,
      path,
      (bytes) => {
        answer = bytes
      },
      (status, text) => {
        if (status === '0' && answer !== null) resolve(answer)
        else reject(new Error(`${path}: ${status} ${text}`))
      },
    )
    call.write(message)
    call.end()
  })
}

/** Until each of these members answers. */
export async function ready(endpoints, path, message) {
  for (const endpoint of endpoints) await answers(endpoint, path, message)
}

async function answers(endpoint, path, message) {
  for (let tries = 0; tries < 300; tries++) {
    const session = open(endpoint)
    try {
      await unary(session, path, message)
      return
    } catch {
      await new Promise((done) => setTimeout(done, 100))
    } finally {
      session.destroy()
    }
  }
  throw new Error(`${endpoint} does not answer`)
}
