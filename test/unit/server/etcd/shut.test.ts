import { describe, expect, it } from 'vitest'
import { connect } from '../../../../src/rpc/channel.js'
import { etcdKv, etcdWatch } from '../../../../src/rpc/etcd-services.js'
import { CLIENT_PORT_LIMITS } from '../../../../src/rpc/limits.js'
import { createServer } from '../../../../src/rpc/server.js'
import { Code, RpcError } from '../../../../src/rpc/status.js'
import { shutEtcdRoutes } from '../../../../src/server/etcd/shut.js'

describe("etcd's API of a node whose front door is shut", () => {
  it('refuses calls and streams alike, and says what is missing', async () => {
    const options = { limits: CLIENT_PORT_LIMITS, onError: () => {} }
    const server = createServer({ routes: shutEtcdRoutes(), ...options })
    const { host, port } = await server.listen('127.0.0.1', 0)
    const channel = connect(`${host}:${port}`)
    try {
      const call = channel.unary(etcdKv.put, new Uint8Array(0), { timeoutMs: 5_000 })
      const refused = await call.catch((error: unknown) => error)
      const ended = await new Promise((resolve) => {
        const stream = channel.stream(etcdWatch.watch)
        stream.onMessage(() => resolve('a message'))
        stream.onClose(resolve)
      })
      for (const error of [refused, ended]) {
        expect(error).toBeInstanceOf(RpcError)
        expect(error).toMatchObject({ code: Code.UNIMPLEMENTED })
        expect(String(error)).toContain('--front-door-key-file')
      }
    } finally {
      channel.close()
      await server.close(0)
    }
  })

  it('has an answer to every method once', () => {
    const paths = shutEtcdRoutes().map((route) => route.method.path)
    expect(new Set(paths).size).toBe(paths.length)
    for (const path of [
      '/etcdserverpb.KV/Range',
      '/etcdserverpb.Lease/LeaseKeepAlive',
      '/v3lockpb.Lock/Lock',
      '/v3electionpb.Election/Observe',
      '/etcdserverpb.Maintenance/Status',
      '/etcdserverpb.Auth/Authenticate',
      '/etcdserverpb.Cluster/MemberList',
    ])
      expect(paths).toContain(path)
  })
})
