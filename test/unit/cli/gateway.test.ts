/** `quorate gateway`: what it refuses to start with, and what it says then. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GatewayFlags, toGatewayConfig } from '../../../src/cli/commands/gateway.js'
import { pki } from '../../../src/cli/commands/pki.js'
import { generateKey, writeKeyFile } from '../../../src/crypto/key-file.js'
import { run } from './run.js'

const dir = mkdtempSync(join(tmpdir(), 'quorate-gateway-'))
afterAll(() => rmSync(dir, { recursive: true }))
const at = (name: string) => join(dir, name)
const ENDPOINTS = '127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:4'

beforeAll(async () => {
  await pki({ nodes: 'n1,n2,n3,n4', clients: 'alice,bob', dir })
  writeKeyFile(at('eve.key'), generateKey().pem)
})

const flags = (more: Partial<GatewayFlags> = {}): GatewayFlags => ({
  clusterFile: at('cluster.json'),
  clientKeyFile: at('alice.key'),
  listen: '127.0.0.1:2379',
  endpoints: ENDPOINTS,
  commandTimeout: 5_000,
  dialTimeout: 2_000,
  watchInterval: 100,
  ...more,
})

describe('quorate gateway', () => {
  it('takes a cluster file, a key that the cluster knows, and where the replicas are', () => {
    const config = toGatewayConfig(flags({ cors: 'http://a.example, http://b.example' }))
    expect(config).toMatchObject({
      listen: { host: '127.0.0.1', port: 2379 },
      endpoints: ENDPOINTS.split(','),
      http: { hosts: [], origins: ['http://a.example', 'http://b.example'] },
    })
  })

  const { clusterFile: _, ...noCluster } = flags()
  const { clientKeyFile: __, ...noKey } = flags()
  it.each([
    ['no cluster file', noCluster, /^--cluster-file: .*`quorate pki`/],
    ['no key', noKey, /^--client-key-file: .*`quorate keygen FILE`/],
    ['a cluster file that is not there', flags({ clusterFile: at('no.json') }), /cannot be read/],
    [
      'a key that is not there',
      flags({ clientKeyFile: at('no.key') }),
      /^--client-key-file: .*no.key/,
    ],
    [
      'a key that the cluster does not know',
      flags({ clientKeyFile: at('eve.key') }),
      /is none of the clients.*alice, bob/,
    ],
    [
      'the key of a replica',
      flags({ clientKeyFile: at('n1.key') }),
      /is the key of the replica n1/,
    ],
    ['an address that others reach', flags({ listen: '0.0.0.0:2379' }), /^--listen: .*--insecure/],
    ['no address', flags({ listen: 'here' }), /^--listen: expected host:port, got "here"/],
    ['no endpoint', flags({ endpoints: 'here' }), /^--endpoints: expected host:port/],
    ['too few endpoints', flags({ endpoints: '127.0.0.1:1' }), /at least 2, got 1/],
    ['a poll without a pause', flags({ watchInterval: 0 }), /^--watch-interval/],
  ])('refuses %s', (_what, given, text) => {
    expect(() => toGatewayConfig(given)).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringMatching(text) }),
    )
  })

  it('refuses a file that tells no endpoints, unless they are named', () => {
    const { endpoints: ___, ...unnamed } = flags()
    expect(() => toGatewayConfig(unnamed)).toThrow(/--endpoints: .*got 0 from .*cluster.json/)
  })

  it('of a cluster on Raft says who to ask instead', () => {
    const content = JSON.parse(readFileSync(at('cluster.json'), 'utf8'))
    writeFileSync(at('raft.json'), JSON.stringify({ ...content, protocol: 'raft' }))
    expect(() => toGatewayConfig(flags({ clusterFile: at('raft.json') }))).toThrow(
      /runs Raft.*point the client at them/,
    )
  })

  it('ends with 2 where its port is taken', async () => {
    const other = createServer()
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
    const { port } = other.address() as { port: number }
    const keys = ['--cluster-file', at('cluster.json'), '--client-key-file', at('alice.key')]
    const ends = ['--endpoints', ENDPOINTS, '--listen', `127.0.0.1:${port}`]
    const ran = await run(['gateway', ...keys, ...ends])
    other.close()
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toMatch(
      /^quorate: the gateway cannot listen on .*EADDRINUSE.*; choose another port\n$/,
    )
  })
})
