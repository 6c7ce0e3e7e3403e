/** etcd's API as JSON over HTTP/1.1: forms as etcd's gateway has them, and what else may arrive at such a port. */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { httpListener } from '../../../../src/node/http.js'
import { CLIENT_PORT_LIMITS } from '../../../../src/rpc/limits.js'
import { createServer } from '../../../../src/rpc/server.js'
import type { Server } from '../../../../src/rpc/types.js'
import { Metrics } from '../../../../src/server/http/metrics/metrics.js'
import { dial, readAll } from '../../rpc/support.js'
import { Member } from './member.js'

const b64 = (text: string): string => Buffer.from(text).toString('base64')
const FOO = b64('foo')
const BAR = b64('bar')

let server: Server
let port = 0
let member = new Member()
let problem: string | null = null
let gone: string | null = null
let alarms: string[] = []
const errors: unknown[] = []
const metrics = new Metrics()

beforeAll(async () => {
  const onError = (error: unknown) => errors.push(error)
  const address = { host: 'db.internal', port: 1 }
  server = createServer({
    routes: [],
    limits: CLIENT_PORT_LIMITS,
    onError,
    http1: (request, response) =>
      httpListener(
        {
          http: { hosts: ['Alias.example'], origins: ['https://ui.example'] },
          listenClient: { host: '127.0.0.1', port: 0 },
          advertiseClient: 'db.example:2379',
          initialCluster: [{ name: 'n1', address }],
        },
        {
          routes: member.routes,
          onError,
          notReady: () => gone ?? problem,
          notServing: () => gone,
          alarms: () => alarms,
          alive: () => true,
          metrics: () => metrics.text(),
        },
      )(request, response),
  })
  port = (await server.listen('127.0.0.1', 0)).port
})
afterAll(async () => {
  await server.close(0)
  expect(errors).toEqual([])
})
beforeEach(() => {
  member = new Member()
  problem = null
  gone = null
  alarms = []
})

interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: IncomingMessage['headers']
}

async function ask(
  method: string,
  path: string,
  body: string | null = null,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false })
  request.end(body ?? undefined)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode ?? 0, text, headers: response.headers }
}

async function post(path: string, body: unknown): Promise<Record<string, unknown>> {
  const { status, text } = await ask(
    'POST',
    path,
    typeof body === 'string' ? body : JSON.stringify(body),
  )
  return { status, ...JSON.parse(text) }
}

/** Lines of a stream, until so many are there; then the caller goes. */
async function lines(path: string, body: string, count: number): Promise<unknown[]> {
  const request = httpRequest({ host: '127.0.0.1', port, method: 'POST', path, agent: false })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) {
    text += chunk
    if (text.split('\n').length > count) break
  }
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe('messages', () => {
  test('names as in the proto, int64 as strings, bytes in base64, defaults left out', async () => {
    const put = await post('/v3/kv/put', { key: FOO, value: BAR })
    expect(put).toEqual({ status: 200, header: expect.objectContaining({ revision: '2' }) })
    expect(await post('/v3/kv/range', { key: FOO })).toEqual({
      status: 200,
      header: expect.objectContaining({
        cluster_id: expect.stringMatching(/^\d+$/),
        member_id: member.ids.memberOf('n1'),
        raft_term: '1',
      }),
      kvs: [{ key: FOO, value: BAR, create_revision: '2', mod_revision: '2', version: '1' }],
      count: '1',
    })
  })

  test('read are both spellings of a name, numbers, enums either way, both alphabets', async () => {
    await post('/v3/kv/put', { key: '_-8=', value: BAR })
    const forms = [
      { key: '/+8=', sort_order: 'DESCEND', sort_target: 3, limit: '1' },
      { key: '/+8=', sortOrder: 2, sortTarget: 'MOD', limit: 1, keysOnly: null },
      { key: '_-8', limit: 1, fieldOfTomorrow: { a: [1] } },
    ]
    for (const form of forms)
      expect(await post('/v3/kv/range', form)).toMatchObject({ status: 200, count: '1' })
  })

  test('an integer beyond 2^53 is not rounded, written as a number or as a string', async () => {
    expect(await post('/v3/lease/grant', '{"ID":7587876543210987653,"TTL":60}')).toMatchObject({
      ID: '7587876543210987653',
      TTL: '60',
    })
    const again = await post('/v3/lease/grant', { ID: '7587876543210987653', TTL: 60 })
    expect(again).toMatchObject({ status: 400, code: 9, error: expect.stringMatching('exists') })
    const digits = b64('{"1234567890123456789": [')
    await post('/v3/kv/put', { key: FOO, value: digits })
    expect(await post('/v3/kv/range', { key: FOO })).toMatchObject({ kvs: [{ value: digits }] })
  })

  test('a nested transaction with every kind of operation', async () => {
    const txn = {
      compare: [{ target: 'CREATE', result: 'EQUAL', key: FOO, create_revision: '0' }],
      success: [
        { request_put: { key: FOO, value: BAR } },
        { request_txn: { success: [{ request_range: { key: FOO } }] } },
        { requestDeleteRange: { key: b64('other') } },
      ],
    }
    expect(await post('/v3/kv/txn', txn)).toMatchObject({
      succeeded: true,
      responses: [
        { response_put: { header: { revision: '2' } } },
        { response_txn: { succeeded: true, responses: [{ response_range: { count: '1' } }] } },
        { response_delete_range: { header: { revision: '2' } } },
      ],
    })
  })
})

describe('paths', () => {
  test.each([
    ['/v3/kv/lease/leases', '/v3/lease/leases'],
    ['/v3beta/kv/range?x=1', '/v3/kv/range'],
  ])('%s is %s', async (older, path) => {
    const body = JSON.stringify({ key: FOO })
    const plain = ({ status, text }: Answer) => ({ status, text })
    const answer = plain(await ask('POST', older, body))
    expect(answer).toEqual(plain(await ask('POST', path, body)))
    expect(answer.status).toBe(200)
  })

  test.each([
    ['/v3/../v3/kv/range'],
    ['/v3/kv/range/'],
    ['/v3/__proto__'],
    ['/v3/kv/%72ange'],
    ['//v3/kv/range'],
    ['/'],
    ['http://other/v3/kv/range'],
  ])('%s is not found', async (path) => {
    expect(await post(path, {})).toMatchObject({ status: 404, code: 5 })
  })

  test('every method that the routes have is served, by POST alone', async () => {
    for (const { method } of member.routes) {
      if (method.path.endsWith('/RangeStream')) continue
      const [, service = '', name = ''] = /^\/[a-z0-9]+\.(\w+)\/(\w+)$/i.exec(method.path) ?? []
      expect(PATHS[service]?.[name], method.path).toBeDefined()
      const path = `/v3/${PATHS[service]?.[name]}`
      expect(await ask('GET', path), path).toMatchObject({
        status: 405,
        headers: { allow: 'POST' },
      })
    }
  })
})

/** As etcd's own proto files bind them. */
const PATHS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  KV: {
    Range: 'kv/range',
    Put: 'kv/put',
    DeleteRange: 'kv/deleterange',
    Txn: 'kv/txn',
    Compact: 'kv/compaction',
  },
  Watch: { Watch: 'watch' },
  Lease: {
    LeaseGrant: 'lease/grant',
    LeaseRevoke: 'lease/revoke',
    LeaseKeepAlive: 'lease/keepalive',
    LeaseTimeToLive: 'lease/timetolive',
    LeaseLeases: 'lease/leases',
  },
  Cluster: {
    MemberAdd: 'cluster/member/add',
    MemberRemove: 'cluster/member/remove',
    MemberUpdate: 'cluster/member/update',
    MemberList: 'cluster/member/list',
    MemberPromote: 'cluster/member/promote',
  },
  Maintenance: {
    Alarm: 'maintenance/alarm',
    Status: 'maintenance/status',
    Defragment: 'maintenance/defragment',
    Hash: 'maintenance/hash',
    HashKV: 'maintenance/hashkv',
    Snapshot: 'maintenance/snapshot',
    MoveLeader: 'maintenance/transfer-leadership',
    Downgrade: 'maintenance/downgrade',
  },
  Auth: {
    AuthEnable: 'auth/enable',
    AuthDisable: 'auth/disable',
    AuthStatus: 'auth/status',
    Authenticate: 'auth/authenticate',
    UserAdd: 'auth/user/add',
    UserGet: 'auth/user/get',
    UserList: 'auth/user/list',
    UserDelete: 'auth/user/delete',
    UserChangePassword: 'auth/user/changepw',
    UserGrantRole: 'auth/user/grant',
    UserRevokeRole: 'auth/user/revoke',
    RoleAdd: 'auth/role/add',
    RoleGet: 'auth/role/get',
    RoleList: 'auth/role/list',
    RoleDelete: 'auth/role/delete',
    RoleGrantPermission: 'auth/role/grant',
    RoleRevokePermission: 'auth/role/revoke',
  },
  Lock: { Lock: 'lock/lock', Unlock: 'lock/unlock' },
  Election: {
    Campaign: 'election/campaign',
    Proclaim: 'election/proclaim',
    Leader: 'election/leader',
    Observe: 'election/observe',
    Resign: 'election/resign',
  },
}

describe('streams', () => {
  test('a watch stays open behind its only request, and tells line by line', async () => {
    await post('/v3/kv/put', { key: FOO, value: BAR })
    const body = JSON.stringify({ create_request: { key: FOO, start_revision: '1' } })
    const told = lines('/v3/watch', body, 3)
    await expect.poll(() => member.hub.inStep({} as never)).toBe(true)
    await post('/v3/kv/deleterange', { key: FOO })
    expect(await told).toMatchObject([
      { result: { created: true } },
      { result: { events: [{ kv: { key: FOO, mod_revision: '2' } }] } },
      { result: { events: [{ type: 'DELETE', kv: { key: FOO, mod_revision: '3' } }] } },
    ])
  })

  test('several requests in one body, each answered, then the end', async () => {
    await post('/v3/lease/grant', { ID: '5', TTL: '60' })
    const { status, text } = await ask('POST', '/v3/lease/keepalive', '{"ID":"5"} {"ID":6}\n')
    expect(status).toBe(200)
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).result),
    ).toMatchObject([{ ID: '5', TTL: '60' }, { ID: '6' }])
  })

  test('one that fails at once has the status of its error', async () => {
    const { status, text } = await ask('POST', '/v3/maintenance/snapshot', '{}')
    expect(status).toBe(501)
    expect(JSON.parse(text)).toMatchObject({ error: { grpc_code: 12, http_code: 501 } })
  })
})

describe('bad input', () => {
  test.each([
    ['/v3/kv/range', '{"key"', /not JSON/],
    ['/v3/kv/range', '{"key":"Zm9v"} more', /one JSON object/],
    ['/v3/kv/range', '{"key":"Zm9v"}{}', /one JSON object/],
    ['/v3/kv/range', '[]', /RangeRequest/],
    ['/v3/kv/range', '"x"', /RangeRequest/],
    ['/v3/kv/range', '{"key":5}', /RangeRequest\.key/],
    ['/v3/kv/range', '{"key":"%%%"}', /RangeRequest\.key.*base64/],
    ['/v3/kv/range', '{"key":"Zm9v","limit":"x"}', /RangeRequest\.limit/],
    ['/v3/kv/range', '{"key":"Zm9v","limit":1.5}', /RangeRequest\.limit/],
    ['/v3/kv/range', '{"key":"Zm9v","limit":"0x10"}', /RangeRequest\.limit.*no integer/],
    ['/v3/kv/put', '{"key":"Zm9v","lease":"010"}', /PutRequest\.lease.*no integer/],
    ['/v3/kv/put', '{"key":"Zm9v","lease":""}', /PutRequest\.lease/],
    ['/v3/kv/range', 'null', /^etcdserver: key is not provided$/],
    ['/v3/kv/range', '{"key":"Zm9v","sort_order":"UP"}', /RangeRequest\.sort_order.*"UP"/],
    ['/v3/kv/put', '{"key":"Zm9v","lease":"99999999999999999999"}', /PutRequest\.lease/],
    ['/v3/kv/txn', '{"success":[{"request_put":{"key":1}}]}', /PutRequest\.key/],
    ['/v3/kv/range', `{"a":${'['.repeat(100_000)}`, /nested deeper/],
    ['/v3/kv/txn', `${'{"success":[{"request_txn":'.repeat(80)}{}${'}]}'.repeat(80)}`, /./],
    ['/v3/watch', '{"create_request":{"key":5}}', /WatchCreateRequest\.key/],
    // What would hold up the node for as long as it is long.
    ['/v3/kv/put', `{"key":"Zm9v","lease":${'9'.repeat(2_600_000)}}`, /lease.*no 64-bit integer/],
    ['/v3/kv/put', `{"lease":"${'9'.repeat(2_600_000)}"}`, /lease.*no 64-bit integer/],
    ['/v3/kv/range', '{}'.repeat(1_300_000), /one JSON object/],
    ['/v3/lease/keepalive', '{"ID":1}'.repeat(300_000), /at most 1024 JSON objects/],
    ['/v3/kv/txn', `{"success":[${'{},'.repeat(800_000)}{}]}`, /TxnRequest\.success.*10000 items/],
    ['/v3/kv/range', `{"sort_order":"${'x'.repeat(2_600_000)}"}`, /RangeRequest\.sort_order/],
  ])('%s, %#: 400, and where', async (path, body, message) => {
    const began = process.cpuUsage()
    const answer = await post(path, body)
    const { user, system } = process.cpuUsage(began)
    expect(answer).toMatchObject({ status: 400, code: 3 })
    expect(answer.message).toMatch(message)
    // The question is not sent back.
    expect(String(answer.message).length).toBeLessThanOrEqual(2_048)
    // Caller included; before, up to 2 s for the longest.
    expect((user + system) / 1e6).toBeLessThan(1)
    expect(answer.error).toBe(answer.message)
  })

  test('errors carry the status that belongs to their code', async () => {
    const found = async (path: string, body: unknown) => {
      const { status, code, message } = await post(path, body)
      return `${status} ${code} ${message}`
    }
    expect(await found('/v3/kv/put', {})).toBe('400 3 etcdserver: key is not provided')
    expect(await found('/v3/kv/put', { key: FOO, lease: 7 })).toBe(
      '404 5 etcdserver: requested lease not found',
    )
    expect(await found('/v3/kv/range', { key: FOO, revision: 9 })).toBe(
      '400 11 etcdserver: mvcc: required revision is a future revision',
    )
    expect(await found('/v3/auth/enable', {})).toMatch(/^400 9 etcdserver: root user/)
    expect(await found('/v3/auth/user/add', { name: 'u' })).toMatch(/^501 12 /)
  })

  test('__proto__ is a name that no field has', async () => {
    const body = `{"__proto__":{"key":"${FOO}"},"constructor":{"prototype":{"x":1}},"key":"${FOO}"}`
    expect(await post('/v3/kv/range', body)).toMatchObject({ status: 200 })
    expect(await post('/v3/kv/range', `{"__proto__":{"key":"${FOO}"}}`)).toMatchObject({
      message: 'etcdserver: key is not provided',
    })
    expect(({} as Record<string, unknown>).key).toBeUndefined()
  })

  test('headers of more than 16 KiB: 431, and the port goes on', async () => {
    for (const flood of [`A: ${'x'.repeat(20_000)}\r\n`, 'A: x\r\n'.repeat(10_000)]) {
      const socket = await dial(port)
      const all = readAll(socket)
      socket.write(`GET /version HTTP/1.1\r\nHost: localhost\r\n${flood}\r\n`)
      expect(await all).toMatch(/^HTTP\/1.1 431 /)
    }
    expect((await ask('GET', '/version')).status).toBe(200)
  })

  test('a watch that nobody reads is held back, and holds up nobody', async () => {
    const unread = await dial(port)
    unread.pause()
    const body = JSON.stringify({ create_request: { key: FOO } })
    const head = `POST /v3/watch HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`
    unread.write(head + body)
    await expect.poll(() => member.hub.numbers.watchers).toBe(1)
    const value = 'A'.repeat(1_000_000)
    for (let i = 0; i < 14; i++) await post('/v3/kv/put', { key: FOO, value })
    await expect.poll(() => member.hub.numbers.slow).toBe(1)
    // What was not written yet is not queued for it either: another is told all of it.
    const start = { create_request: { key: FOO, start_revision: 2 } }
    const told = await lines('/v3/watch', JSON.stringify(start), 15)
    expect(told).toHaveLength(15)
    expect(member.hub.numbers.told).toBeLessThan(28)
    unread.destroy()
    await expect.poll(() => member.hub.numbers.watchers).toBe(0)
  })

  test('a body of more bytes than any message has: 413, told or chunked', async () => {
    const value = 'A'.repeat(3 * 1024 * 1024)
    expect(await post('/v3/kv/put', { key: FOO, value })).toMatchObject({ status: 413, code: 8 })
    const socket = await dial(port)
    const all = readAll(socket)
    socket.write(
      'POST /v3/kv/put HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
    socket.write(`${value.length.toString(16)}\r\n${value}\r\n`)
    expect(await all).toMatch(/^HTTP\/1.1 413 /)
  })

  test('a body in chunks, one announced by Expect, one without length, and the next request', async () => {
    const socket = await dial(port)
    const all = readAll(socket)
    const head = 'POST /v3/kv/put HTTP/1.1\r\nHost: localhost\r\n'
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`)
    for (const part of ['{"key', '":"Zm9', 'v"}']) socket.write(`${part.length}\r\n${part}\r\n`)
    socket.write('0\r\n\r\n')
    const body = '{"key":"Zm9v"}'
    socket.write(`${head}Expect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    socket.write(`${head}Connection: close\r\n\r\n`)
    const answers = (await all).split('HTTP/1.1 ').slice(1)
    expect(answers.map((answer) => answer.slice(0, 3))).toEqual(['200', '100', '200', '400'])
    expect(answers[2]).toContain('"revision":"3"')
  })
})

describe('who may ask', () => {
  test.each([
    ['localhost:2379', 200],
    ['127.0.0.1', 200],
    ['[::1]:2379', 200],
    ['DB.example:2379', 200],
    ['db.internal', 200],
    ['alias.example', 200],
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost.evil.example:2379', 403],
  ])('Host %j: %i', async (host, status) => {
    expect((await ask('GET', '/version', null, { Host: host })).status).toBe(status)
  })

  test('a page of another origin is refused, one that is allowed is told so', async () => {
    const evil = { Origin: 'https://evil.example' }
    expect(await ask('POST', '/v3/kv/range', '{}', evil)).toMatchObject({ status: 403 })
    expect((await ask('OPTIONS', '/v3/kv/range', null, evil)).status).toBe(403)
    const allowed = { Origin: 'https://ui.example' }
    const preflight = await ask('OPTIONS', '/v3/kv/range', null, allowed)
    expect(preflight.status).toBe(204)
    expect(preflight.headers['access-control-allow-origin']).toBe('https://ui.example')
    expect((await ask('POST', '/v3/lease/leases', '{}', allowed)).status).toBe(200)
  })
})

describe('pages', () => {
  test('/version and /health as scripts compare them, HEAD without the body', async () => {
    expect(JSON.parse((await ask('GET', '/version')).text)).toEqual({
      etcdserver: '3.6.0',
      etcdcluster: '3.6.0',
    })
    expect(await ask('GET', '/health')).toMatchObject({
      status: 200,
      text: '{"health":"true","reason":""}',
    })
    expect(await ask('HEAD', '/readyz')).toMatchObject({ status: 200, text: '' })
    expect((await ask('POST', '/health')).status).toBe(405)
  })

  test('a node that would serve no write says so, and lives', async () => {
    problem = 'no leader'
    expect(await ask('GET', '/health')).toMatchObject({
      status: 503,
      text: '{"health":"false","reason":"no leader"}',
    })
    expect(await ask('GET', '/readyz')).toMatchObject({ status: 503, text: 'no leader\n' })
    expect((await ask('GET', '/livez')).status).toBe(200)
  })

  test('an alarm is a reason, unless it is named; a full store is still read', async () => {
    const health = async (query = '') => (await ask('GET', `/health${query}`)).text
    alarms = ['NOSPACE']
    expect(await ask('GET', '/health')).toMatchObject({
      status: 503,
      text: '{"health":"false","reason":"ALARM NOSPACE"}',
    })
    expect(await health('?exclude=NOSPACE')).toBe('{"health":"true","reason":""}')
    expect((await ask('GET', '/readyz')).status).toBe(200)
    alarms = ['NOSPACE', 'CORRUPT']
    expect(await health('?exclude=NOSPACE')).toBe('{"health":"false","reason":"ALARM CORRUPT"}')
    expect(await health('?exclude=NOSPACE&exclude=CORRUPT')).toBe('{"health":"true","reason":""}')
    expect(await ask('GET', '/readyz')).toMatchObject({ status: 503, text: 'ALARM CORRUPT\n' })
  })

  test('?serializable=true asks of the node alone', async () => {
    problem = 'no leader'
    expect((await ask('GET', '/health?serializable=true')).status).toBe(200)
    gone = 'the node is stopping'
    expect((await ask('GET', '/health?serializable=true')).status).toBe(503)
  })

  test('/metrics in the text format of Prometheus', async () => {
    metrics.synced(0.003)
    const { headers, text } = await ask('GET', '/metrics')
    expect(headers['content-type']).toMatch(/^text\/plain; version=/)
    expect(text).toContain('etcd_disk_wal_fsync_duration_seconds_bucket{le="0.004"} 1\n')
    expect(text).toContain('etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"} 0\n')
  })
})
