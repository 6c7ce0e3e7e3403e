/** Callers over HTTP/1.1 that close their side behind their request, as `nc -N` does, and as who is gone looks. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createGateway } from '../../../../src/rpc/http/gateway.js'
import { CLIENT_PORT_LIMITS } from '../../../../src/rpc/limits.js'
import { dial, readAll, type World, world } from '../../rpc/support.js'
import { Member } from './member.js'

const FOO = Buffer.from('foo').toString('base64')

let member: Member
let w: World

beforeEach(async () => {
  member = new Member()
  const { routes } = member
  const gateway = createGateway({ ...CLIENT_PORT_LIMITS, routes, onError: () => {} })
  w = await world([], {
    http1: (request, response) => gateway(request.url ?? '')?.(request, response),
  })
})
afterEach(async () => {
  await w.end()
  expect(w.errors).toEqual([])
})

/** All that is answered until the other side closes too. */
async function askAndClose(path: string, body: unknown): Promise<string> {
  const socket = await dial(w.port)
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
  expect(member.hub.numbers.watchers).toBe(0)
})

test('who waits for a lock gives up his place', async () => {
  expect(await askAndClose('/v3/lock/lock', { name: FOO })).toMatch(/^HTTP\/1.1 200 /)
  const waiting = await askAndClose('/v3/lock/lock', { name: FOO })
  expect(waiting).toMatch(/^HTTP\/1.1 499 .*context canceled/s)
  const places = { key: FOO, range_end: Buffer.from('fop').toString('base64') }
  await expect.poll(() => askAndClose('/v3/kv/range', places)).toContain('"count":"1"')
})
