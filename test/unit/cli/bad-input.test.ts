import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from './run.js'

const dir = mkdtempSync(join(tmpdir(), 'quorate-bad-'))
afterAll(() => rmSync(dir, { recursive: true }))

/** On an idle machine; other tests may be running beside this one. */
const ANSWER_MS_MAX = 1_000
const SLOW_MACHINE = 3

const serve = (...flags: string[]) => ['serve', '--data-dir', join(dir, 'never'), ...flags]
const TWICE = 'n1=http://127.0.0.1:1,n1=http://127.0.0.1:2'
const FOUR = [1, 2, 3, 4].map((i) => `n${i}=http://127.0.0.1:${i}`).join(',')

const CASES: readonly [readonly string[], number, string][] = [
  [['--nope'], 2, "unknown option '--nope'"],
  [['putt', 'a', 'b'], 2, 'Did you mean put?'],
  [['put'], 2, "missing required argument 'key'"],
  [['get', 'a', '--endpoints', 'http://127.0.0.1:99999'], 2, '--endpoints: expected host:port'],
  [['get', 'a', '--endpoints', ','], 2, 'expected at least one'],
  [['get', 'a', '--command-timeout', '5'], 2, '--command-timeout: expected a duration'],
  [['get', 'a', 'b', '--prefix', '--endpoints', '127.0.0.1:1'], 2, '--prefix'],
  [['get', 'a', '--limit', '-1'], 2, '--limit: expected a whole number'],
  [['get', 'a', '--consistency', 'maybe'], 2, 'linearizable'],
  [['put', 'a', 'b', '--lease', 'xyz'], 2, '--lease: expected an id in hex'],
  [['submit', 'xyz', '--hex'], 2, '--hex: expected pairs of hex digits'],
  [['put', 'a', 'b', '--endpoints', '127.0.0.1:1'], 3, 'connection refused'],
  [['get', 'a', '--endpoints', '127.0.0.1:1,127.0.0.1:2'], 3, 'no endpoint answers'],
  [['get', 'a', '--consistency', 's', '--endpoints', '127.0.0.1:1'], 3, 'connection refused'],
  [['heal', '--endpoints', '127.0.0.1:1'], 3, 'no node answers'],
  [['partition', 'n1', 'n2', '--endpoints', '127.0.0.1:1'], 3, 'no node answers'],
  [['partition', 'n1'], 2, 'expected two groups'],
  [['transfer-leader', 'n1', '--endpoints', '127.0.0.1:1'], 3, 'connection refused'],
  [serve('--election-timeout', '100'), 2, 'expected more than the heartbeat interval of 100 ms'],
  [serve('--listen-client-urls', 'http://127.0.0.1:99999'), 2, 'expected a port'],
  [serve('--listen-client-urls', '127.0.0.1:2379'), 2, 'did you mean http://127.0.0.1:2379?'],
  [serve('--listen-client-urls', 'http://0.0.0.0:2379'), 2, '--insecure'],
  [serve('--initial-cluster', TWICE), 2, 'the name n1 is there twice'],
  [serve('--config-file', join(dir, 'missing.yaml')), 2, 'there is no file'],
  [serve('--protocol', 'pbft'), 2, 'expected at least 4 nodes for PBFT, got 1'],
  [
    serve('--name', 'n1', '--protocol', 'pbft', '--initial-cluster', FOUR),
    2,
    '--cluster-file: PBFT needs the file',
  ],
  [serve('--key-file', 'x'), 2, 'did you mean --protocol pbft?'],
  [serve('--election-timout', '5'), 2, 'Did you mean --election-timeout?'],
  [['dev', '--base-port', 'abc'], 2, '--base-port: expected a whole number'],
  [['dev', '--nodes', '0'], 2, '--nodes: expected a whole number from 1 to 9'],
  [['dev', '--protocol', 'pbft', '--nodes', '3', '--data-dir', join(dir, 'never')], 2, '3f+1'],
  [['wal', 'verify', join(dir, 'nowhere')], 2, 'there is no folder'],
  [['wal', 'dump', import.meta.filename], 2, 'not a folder'],
  [['sim', '--seeds', '9..3'], 2, '--seeds: expected A..B'],
  [['sim', '--faults', 'power-last'], 2, 'did you mean power-lost?'],
  [['bench', '--only', 'nothing'], 2, '--only: expected some of unary-1'],
]

describe('bad input', () => {
  it.each(CASES)('%j ends with %d, in one line, at once', async (args, code, words) => {
    const ran = await run(args)
    expect(ran.stderr).toContain(words)
    expect(ran.code).toBe(code)
    const lines = ran.stderr.trimEnd().split('\n')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^quorate: /)
    expect(ran.stderr).not.toMatch(/\n\s+at /)
    expect(ran.stdout).toBe('')
    expect(ran.ms).toBeLessThan(ANSWER_MS_MAX * SLOW_MACHINE)
  })

  it('writes nothing', () => {
    expect(readdirSync(dir)).not.toContain('never')
  })
})

describe('taken and foreign', () => {
  let port = 0
  const holder = createServer()
  beforeAll(
    () =>
      new Promise<void>((done) =>
        holder.listen(0, '127.0.0.1', () => {
          const address = holder.address()
          port = address !== null && typeof address === 'object' ? address.port : 0
          done()
        }),
      ),
  )
  afterAll(() => holder.close())

  it('dev names the taken port and the flag, and touches nothing', async () => {
    const data = join(dir, 'taken')
    const ran = await run(['dev', '--base-port', String(port), '--data-dir', data])
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain(`port ${port} (n1, clients) is taken`)
    expect(ran.stderr).toContain('--base-port')
    expect(readdirSync(dir)).not.toContain('taken')
  })

  it('dev refuses a folder that cannot be made', async () => {
    const file = join(dir, 'a-file')
    writeFileSync(file, '')
    for (const data of ['/proc/quorate', join(file, 'inside')]) {
      const ran = await run(['dev', '--base-port', '0', '--data-dir', data])
      expect(ran.code, data).toBe(2)
      expect(ran.stderr).toContain('--data-dir')
    }
  })

  it('a server that is no node of ours is not taken for one', async () => {
    const other = createHttpServer((_, response) => response.writeHead(404).end())
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', () => done()))
    const address = other.address()
    const at = address !== null && typeof address === 'object' ? address.port : 0
    try {
      const ran = await run([
        'put',
        'k',
        'v',
        '--endpoints',
        `127.0.0.1:${at}`,
        '--command-timeout',
        '1s',
      ])
      expect(ran.code).toBe(3)
      expect(ran.stderr.trimEnd().split('\n')).toHaveLength(1)
    } finally {
      other.close()
    }
  })

  it('dev refuses a folder that is another kind of cluster', async () => {
    const data = mkdtempSync(join(dir, 'foreign-'))
    writeFileSync(join(data, 'cluster.json'), '{"version":9}')
    const ran = await run(['dev', '--data-dir', data])
    expect(ran.code).toBe(7)
    expect(ran.stderr).toContain('cluster.json')
  })

  it('takes flags from the environment, and says which is wrong', async () => {
    const get = await run(['get', 'a'], { env: { QUORATE_ENDPOINTS: '127.0.0.1:1' } })
    expect(get.code).toBe(3)
    expect(get.stderr).toContain('127.0.0.1:1')
    const served = await run(['serve'], { env: { QUORATE_ELECTION_TIMEOUT: 'soon' } })
    expect(served.code).toBe(2)
    expect(served.stderr).toContain('QUORATE_ELECTION_TIMEOUT: expected a whole number of ms')
  })
})

it('tells the version', async () => {
  const ran = await run(['--version'])
  expect(ran.code).toBe(0)
  expect(ran.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})
