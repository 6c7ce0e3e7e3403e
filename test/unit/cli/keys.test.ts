/** keygen and pki: what they write, what they refuse, and what reads it back. */
import { generateKeyPairSync } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { toHex } from '../../../src/base/bytes.js'
import { pki } from '../../../src/cli/commands/pki.js'
import { parseClusterFile, readClusterFile } from '../../../src/crypto/cluster-file.js'
import { readKeyFile } from '../../../src/crypto/key-file.js'
import { nodeSuite } from '../../../src/crypto/node.js'
import { FakePbft } from '../client/fake-pbft.js'
import { run } from './run.js'

const dir = mkdtempSync(join(tmpdir(), 'quorate-keys-'))
afterAll(() => rmSync(dir, { recursive: true }))
const NODES = 'n1,n2,n3,n4'
const at = (name: string) => join(dir, name)
const modeOf = (file: string) => statSync(file).mode & 0o777

describe('quorate keygen', () => {
  it('writes a key that its owner alone may read, and prints the public half', async () => {
    const file = at('alice.key')
    const made = await run(['keygen', file])
    expect(made).toMatchObject({ code: 0, stderr: '' })
    expect(made.stdout).toMatch(/^[0-9a-f]{64}\n$/)
    expect(modeOf(file)).toBe(0o600)
    expect(readFileSync(file, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----/)
    expect(`${toHex(readKeyFile(file).publicKey)}\n`).toBe(made.stdout)
    const again = await run(['keygen', '--public', '--json', file])
    expect(JSON.parse(again.stdout)).toEqual({ file, publicKey: made.stdout.trim() })
  })

  it('never overwrites', async () => {
    const file = at('kept.key')
    writeFileSync(file, 'precious')
    const made = await run(['keygen', file])
    expect(made).toMatchObject({ code: 2, stdout: '' })
    expect(made.stderr).toContain(`${file} exists already, and a key is never overwritten`)
    expect(readFileSync(file, 'utf8')).toBe('precious')
    expect((await run(['keygen', at('no/such/folder.key')])).code).toBe(2)
  })
})

describe('a key file', () => {
  const file = (name: string, text: string, mode = 0o600): string => {
    writeFileSync(at(name), text, { mode })
    chmodSync(at(name), mode)
    return at(name)
  }
  const pem = (type: 'ed25519' | 'x25519') =>
    generateKeyPairSync(type as 'ed25519')
      .privateKey.export({ format: 'pem', type: 'pkcs8' })
      .toString()

  it('that others may read is refused, with what to do', () => {
    for (const mode of [0o640, 0o604, 0o660, 0o644]) {
      const open = file(`open-${mode}.key`, pem('ed25519'), mode)
      expect(() => readKeyFile(open)).toThrow(`(mode ${mode.toString(8)}): chmod 600 ${open}`)
    }
    expect(readKeyFile(file('closed.key', pem('ed25519'))).publicKey).toHaveLength(32)
  })

  it('of another kind is refused, and told apart', () => {
    expect(() => readKeyFile(at('none.key'))).toThrow('make one with: quorate keygen')
    expect(() => readKeyFile(dir)).toThrow('is no file')
    expect(() => readKeyFile(file('x.key', pem('x25519')))).toThrow('type x25519, not ed25519')
    const { publicKey } = generateKeyPairSync('ed25519')
    const spki = publicKey.export({ format: 'pem', type: 'spki' }).toString()
    expect(() => readKeyFile(file('pub.key', spki))).toThrow('holds a public key')
    expect(() => readKeyFile(file('text.key', 'hello\n'))).toThrow('is no private key')
    expect(() => readKeyFile(file('cut.key', pem('ed25519').slice(0, 60)))).toThrow('no private')
    expect(() => readKeyFile(file('big.key', 'x'.repeat(20_000)))).toThrow('too large')
    const locked = '-----BEGIN ENCRYPTED PRIVATE KEY-----\n'
    expect(() => readKeyFile(file('locked.key', locked))).toThrow('is encrypted')
  })
})

describe('quorate pki', () => {
  it("writes a cluster file without secrets and everybody's key", async () => {
    const folder = at('cluster')
    const made = await run(['pki', '--nodes', NODES, '--clients', 'alice,bob', '--dir', folder])
    expect(made).toMatchObject({ code: 0, stderr: '' })
    expect(made.stdout).toContain('(1 of them may lie)')
    const names = ['n1', 'n2', 'n3', 'n4', 'alice', 'bob']
    expect(readdirSync(folder).sort()).toEqual(
      [...names.map((name) => `${name}.key`), 'cluster.json'].sort(),
    )
    const cluster = readClusterFile(join(folder, 'cluster.json'))
    const all = [...cluster.replicas, ...cluster.clients]
    expect(all.map(({ name }) => name)).toEqual(names)
    for (const { name, publicKey } of all) {
      const file = join(folder, `${name}.key`)
      expect(modeOf(file)).toBe(0o600)
      const signer = readKeyFile(file)
      expect(signer.publicKey).toEqual(publicKey)
      const signature = signer.sign(Uint8Array.of(1))
      expect(nodeSuite.verifier(publicKey).verify(Uint8Array.of(1), signature)).toBe(true)
    }
    expect(readFileSync(join(folder, 'cluster.json'), 'utf8')).not.toContain('PRIVATE')
    expect(cluster.allowAnonymousClients).toBe(false)
    expect(cluster.clusterId).toMatch(/^[0-9a-f]{16}$/)
  })

  it('lets strangers ask only when it is told to, in the file that all replicas share', async () => {
    const folder = at('open-to-all')
    const flags = ['--nodes', NODES, '--dir', folder, '--allow-anonymous-clients']
    expect(await run(['pki', ...flags])).toMatchObject({ code: 0, stderr: '' })
    expect(readClusterFile(join(folder, 'cluster.json')).allowAnonymousClients).toBe(true)
  })

  it('writes nothing over what is there, and nothing at all then', () => {
    const folder = at('half')
    mkdirSync(folder)
    writeFileSync(join(folder, 'n3.key'), 'precious')
    expect(() => pki({ nodes: NODES, dir: folder })).toThrow('n3.key exists already')
    expect(readdirSync(folder)).toEqual(['n3.key'])
  })

  it.each([
    [{ nodes: 'n1,n2,n3' }, '--nodes: expected at least 4 names, got 3'],
    [{ nodes: 'n1,n2,n3,n 4' }, 'expected names of A-Z'],
    [{ nodes: 'n1,n2,n3,../n4' }, 'expected names of A-Z'],
    [{ nodes: 'n1,n2,n3,n1' }, '--nodes: n1 is there twice'],
    [{ nodes: NODES, clients: 'n1' }, '--clients: n1 is a node already'],
    [{ nodes: NODES, clients: 'a,a' }, '--clients: a is there twice'],
    [{ nodes: Array.from({ length: 17 }, (_, i) => `n${i}`).join() }, 'at most 16'],
  ])('refuses %o', (flags, message) => {
    const folder = at('refused')
    expect(() => pki({ dir: folder, ...flags })).toThrow(message)
    expect(existsSync(folder)).toBe(false)
  })

  it('needs its flags, and a folder that can be made', async () => {
    expect((await run(['pki', '--dir', dir])).stderr).toContain('--nodes')
    expect(() => pki({ nodes: NODES, dir: at('no/such') })).toThrow('--dir:')
  })
})

describe('a cluster file', () => {
  const key = (n: number) => toHex(nodeSuite.signer(new Uint8Array(32).fill(n)).publicKey)
  const content = {
    version: 1,
    protocol: 'pbft',
    token: 't',
    nodes: [1, 2, 3, 4].map((n) => ({ name: `n${n}`, publicKey: key(n), clientPort: 2379 + n })),
    clients: [{ name: 'c1', publicKey: key(5) }],
  }
  const parse = (change: object) => parseClusterFile(JSON.stringify({ ...content, ...change }))
  const nodes = (change: object) => [{ ...content.nodes[0], ...change }, ...content.nodes.slice(1)]

  it('may tell endpoints, as dev writes them or in full', () => {
    expect(parse({}).endpoints.get('n1')).toBe('127.0.0.1:2380')
    const named = parse({ nodes: nodes({ endpoint: 'db1:2379' }) })
    expect(named.endpoints.get('n1')).toBe('db1:2379')
  })

  it.each([
    [{ protocol: 'raft' }, 'protocol'],
    [{ version: 2 }, 'version'],
    [{ nodes: content.nodes.slice(1) }, 'at least 4 nodes'],
    [{ nodes: nodes({ publicKey: 'abc' }) }, 'nodes.0.publicKey: expected 64 hex digits'],
    [
      { nodes: nodes({ publicKey: '0'.repeat(64) }) },
      'key of n1: the public key is of small order',
    ],
    [
      { nodes: nodes({ publicKey: `02${'0'.repeat(62)}` }) },
      'key of n1: the public key is no point',
    ],
    [{ nodes: nodes({ publicKey: key(2) }) }, 'n1 and n2 have the same key'],
    [{ nodes: nodes({ publicKey: key(5) }) }, 'n1 and c1 have the same key'],
    [{ nodes: nodes({ name: 'n2' }) }, 'n2 is there twice'],
    [{ clients: [{ name: 'n1', publicKey: key(6) }] }, 'n1 is there twice'],
  ])('is refused with %o', (change, message) => {
    expect(() => parse(change)).toThrow(message)
  })

  it('that is none says so', () => {
    expect(() => readClusterFile(at('nowhere.json'))).toThrow('cannot be read')
    writeFileSync(at('broken.json'), '{')
    expect(() => readClusterFile(at('broken.json'))).toThrow(`cluster file ${at('broken.json')}: `)
  })
})

describe('put and get where PBFT runs', () => {
  it('find that out, sign, and are right while a node lies; strangers are told why they are refused', async () => {
    const keyFile = at('put.key')
    await run(['keygen', keyFile])
    const cluster = await FakePbft.start({ clients: [readKeyFile(keyFile)] })
    try {
      cluster.node('n4').lie = 'wrong-result'
      const flags = ['--endpoints', cluster.endpoints.join(',')]
      const put = await run(['put', 'k', 'v', ...flags, '--key', keyFile])
      expect(put).toMatchObject({ code: 0, stdout: 'OK\n' })
      expect(put.stderr).toBe(
        'trust on first use: the keys are what the nodes say; name them with --cluster-file\n',
      )
      const file = at('fake-cluster.json')
      const nodes = cluster.nodes.map(({ name, signer, endpoint }) => ({
        name,
        publicKey: toHex(signer.publicKey),
        endpoint,
      }))
      writeFileSync(file, JSON.stringify({ version: 1, protocol: 'pbft', token: 't', nodes }))
      const other = await run(['get', 'k', '--cluster-file', file, '--key', keyFile])
      // Of another cluster by its name: nothing that these say means anything there.
      expect(other.code).not.toBe(0)
      expect(other.stdout).toBe('')
      const stranger = await run(['put', 'k', 'w', ...flags])
      expect(stranger.code).toBe(6)
      expect(stranger.stderr).toContain("this client's key is not accepted")
      const get = await run(['get', 'k', ...flags, '--key', keyFile])
      expect(get).toMatchObject({ code: 0, stdout: 'k\nv\n' })
    } finally {
      await cluster.close()
    }
  })

  it('say which file is wrong', async () => {
    const bad = await run(['get', 'k', '--cluster-file', at('nowhere.json')])
    expect(bad.code).toBe(2)
    expect(bad.stderr).toContain('--cluster-file: cluster file')
    expect((await run(['get', 'k', '--key', at('nowhere.key')])).stderr).toContain('--key: ')
  })
})
