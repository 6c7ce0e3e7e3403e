/** Callers over HTTP/1.1 that close their side behind their request, as `nc -N` does, and as who is gone looks. */
import { expect, test } from 'vitest'
import { dial, readAll } from '../../rpc/support.js'
import { memberOverHttp1 } from './served.js'

const FOO = Buffer.from('foo').toString('base64')

const at = memberOverHttp1()

/** All that is answered until the other side closes too. */
async function askAndClose(path: string, body: unknown): Promise<string> {
  const socket = await dial(at.port)
  const all = readAll(socket)
  const text = JSON.stringify(body)
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${text.length}`
  socket.end(`${head}\r\n\r\n${text}`)
  return all
}

test('what is answered in a moment is answered, and done once', async () => {
  expect(await askAndClose('/v3/kv/put', { key: FOO })).toMatch(/^HTTP\/1.1 200 .*"revision":"2"/s)
  expect(await askAndClose('/v3/kv/range', { key: FOO })).toMatch(/^HTTP\/1.1 200 .*"count":"1"/s)
  expect(await askAndClose('/v3/kv/put', {})).toMatch(/^HTTP\/1.1 400 .*key is not provided/s)
})

test('a watch is over, and leaves nothing behind', async () => {
  const answer = await askAndClose('/v3/watch', { create_request: { key: FOO } })
  expect(answer).toContain('context canceled')
  expect(at.member.hub.numbers.watchers).toBe(0)
})

test('who waits for a lock gives up his place', async () => {
  expect(await askAndClose('/v3/lock/lock', { name: FOO })).toMatch(/^HTTP\/1.1 200 /)
  const waiting = await askAndClose('/v3/lock/lock', { name: FOO })
  expect(waiting).toMatch(/^HTTP\/1.1 499 .*context canceled/s)
  const places = { key: FOO, range_end: Buffer.from('fop').toString('base64') }
  await expect.poll(() => askAndClose('/v3/kv/range', places)).toContain('"count":"1"')
})
