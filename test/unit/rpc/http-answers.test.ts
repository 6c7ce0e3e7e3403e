/** Answers as JSON share one room, which a caller who goes before he has his does not take with him. */
import { afterEach, expect, test } from 'vitest'
import { RangeResponse } from '../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { CallTally } from '../../../src/rpc/call-tally.js'
import { etcdKv } from '../../../src/rpc/etcd-services.js'
import { createGateway } from '../../../src/rpc/http/gateway.js'
import { CLIENT_PORT_LIMITS } from '../../../src/rpc/limits.js'
import { Code } from '../../../src/rpc/status.js'
import { unary } from '../../../src/rpc/types.js'
import { deferred, dial, readAll, type World, world } from './support.js'

const BODY = JSON.stringify({ key: 'Zm9v' })
const ASKED = `POST /v3/kv/range HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${BODY.length}\r\nConnection: close\r\n\r\n${BODY}`

let w: World
afterEach(() => w.end())

test('whoever goes before his answer is there takes no room', async () => {
  const value = new Uint8Array(300_000)
  const kv = { key: value, value, createRevision: 1, modRevision: 1, version: 1, lease: '0' }
  const found = { header: undefined, kvs: [kv], more: false, count: 1 }
  const answer = RangeResponse.encode(found).finish()
  let gate = deferred()
  const routes = [
    unary(etcdKv.range, async () => {
      await gate.promise
      return answer
    }),
  ]
  const tally = new CallTally(routes)
  const limits = { ...CLIENT_PORT_LIMITS, unreadJsonBytesMax: 1_000_000 }
  const gateway = createGateway({ ...limits, routes, tally, onError: () => {} })
  let closed = 0
  w = await world([], {
    http1: (request, response) => {
      response.once('close', () => closed++)
      gateway(request.url ?? '')?.(request, response)
    },
  })
  for (let i = 1; i <= 3; i++) {
    gate = deferred()
    const gone = await dial(w.port)
    gone.write(ASKED)
    await expect.poll(() => [...tally.all()][0]?.started).toBe(i)
    gone.resetAndDestroy()
    await expect.poll(() => closed).toBe(i)
    gate.resolve()
  }
  const socket = await dial(w.port)
  const all = readAll(socket)
  socket.write(ASKED)
  expect(await all).toContain('200 OK')
  expect([...tally.all()][0]?.ended[Code.CANCELLED]).toBe(3)
})
