/** `Grpc-Timeout` over HTTP/1.1: how long the caller waits. */
import { expect, test } from 'vitest'
import { memberOverHttp1 } from './served.js'

const FOO = Buffer.from('foo').toString('base64')
const FOP = Buffer.from('fop').toString('base64')

const at = memberOverHttp1()

async function ask(path: string, body: unknown, timeout?: string): Promise<string> {
  const headers: Record<string, string> = timeout === undefined ? {} : { 'Grpc-Timeout': timeout }
  const url = `http://127.0.0.1:${at.port}${path}`
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body), headers })
  return `${response.status} ${await response.text()}`
}

test('what is no timeout is refused; 0 is none', async () => {
  for (const wrong of ['bad', '1', '-1S', '1s', '1.5S', '123456789S'])
    expect(await ask('/v3/kv/put', { key: FOO }, wrong)).toMatch(
      new RegExp(`^400 .*"invalid grpc-timeout: ${wrong}".*"code":3`),
    )
  for (const right of ['0S', '5S', '99999999H'])
    expect(await ask('/v3/kv/range', { key: FOO }, right)).toMatch(/^200 /)
  expect(at.member.kv.revision).toBe(1)
})

test('who waits for a lock is told when his time is up, and gives up his place', async () => {
  expect(await ask('/v3/lock/lock', { name: FOO })).toMatch(/^200 /)
  const waiting = await ask('/v3/lock/lock', { name: FOO }, '50m')
  expect(waiting).toMatch(/^504 .*"context deadline exceeded".*"code":4/)
  const places = () => ask('/v3/kv/range', { key: FOO, range_end: FOP })
  await expect.poll(places).toContain('"count":"1"')
})

test('a watch ends with it', async () => {
  const answer = await ask('/v3/watch', { create_request: { key: FOO } }, '50m')
  const [created, ended] = answer.trim().split('\n')
  expect(created).toMatch(/^200 .*"created":true/)
  expect(ended).toBe(
    '{"error":{"grpc_code":4,"http_code":504,"message":"context deadline exceeded"}}',
  )
  expect(at.member.hub.numbers.watchers).toBe(0)
})
