import { describe, expect, it } from 'vitest'
import { parseGroups, plan } from '../../../src/cli/commands/partition.js'
import { parseDuration } from '../../../src/cli/parse/duration.js'
import { suggest } from '../../../src/cli/parse/suggest.js'
import { parseTxn } from '../../../src/cli/parse/txn.js'
import { isLoopback, parseInitialCluster, parseUrl } from '../../../src/cli/parse/urls.js'
import { parseFaults, parseSeeds } from '../../../src/cli/sim/job.js'

describe('durations', () => {
  it.each([
    ['5s', 5_000],
    ['500ms', 500],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['5', 's', '-1s', '0s', '1d', '1e3s', '', '25h', '5 s'])('%j is none', (text) => {
    expect(parseDuration(text)).toBe(null)
  })
})

describe('URLs', () => {
  it.each([
    ['http://127.0.0.1:2379', '127.0.0.1', 2379],
    ['http://localhost:1/', 'localhost', 1],
    ['http://[::1]:2380', '::1', 2380],
  ])('%s', (text, host, port) => {
    expect(parseUrl(text)).toEqual({ value: { host, port } })
  })

  it.each([
    ['127.0.0.1:2379', 'did you mean http://127.0.0.1:2379?'],
    ['https://a:1', 'TLS is not built yet'],
    ['http://a', 'expected http://host:port'],
    ['http://a:0', 'expected a port from 1 to 65535, got 0'],
    ['http://a:65536', 'got 65536'],
    ['http://a:1/path', 'expected http://host:port'],
    ['http://a:1,http://b:2', 'expected http://host:port'],
    ['', 'got ""'],
  ])('%j is refused with what was expected', (text, problem) => {
    const parsed = parseUrl(text)
    expect('problem' in parsed ? parsed.problem : '').toContain(problem)
  })

  it('takes port 0 only where a free one may be picked', () => {
    expect(parseUrl('http://a:0', { portZero: true })).toEqual({ value: { host: 'a', port: 0 } })
  })

  it('knows what is reachable only from this machine', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].every(isLoopback)).toBe(true)
    expect(['0.0.0.0', '10.0.0.1', 'example.org', '::', '128.0.0.1'].some(isLoopback)).toBe(false)
  })
})

describe('initial clusters', () => {
  it('reads members in their order', () => {
    expect(parseInitialCluster('n2=http://b:2, n1=http://a:1')).toEqual({
      value: [
        { name: 'n2', address: { host: 'b', port: 2 } },
        { name: 'n1', address: { host: 'a', port: 1 } },
      ],
    })
  })

  it.each([
    ['n1=http://a:1,n1=http://b:1', 'the name n1 is there twice'],
    ['n1=http://a:1,n2=http://a:1', 'n1 and n2 have the same address a:1'],
    ['n1', 'expected name=http://host:port, got "n1"'],
    ['=http://a:1', 'expected name=http://host:port'],
    ['n 1=http://a:1', 'expected a name'],
    ['n1=a:1', 'n1: expected http://host:port, got "a:1"; did you mean http://a:1?'],
    ['', 'expected at least one'],
    [' , ', 'expected at least one'],
  ])('%j is refused', (text, problem) => {
    const parsed = parseInitialCluster(text)
    expect('problem' in parsed ? parsed.problem : '').toContain(problem)
  })
})

describe('suggestions', () => {
  it('finds the nearest word, if it is near', () => {
    const known = ['name', 'data-dir', 'election-timeout']
    expect(suggest('election-timout', known)).toBe('election-timeout')
    expect(suggest('nmae', known)).toBe('name')
    expect(suggest('zzzzzzzz', known)).toBe(null)
  })
})

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

describe('transactions', () => {
  it("reads etcdctl's three paragraphs", () => {
    const txn = parseTxn(
      'value("a b") = "x\\"y"\nmod("k") > "3"\n\nput k "two words"\nget k\n\ndel a z\n',
    )
    expect(txn.compare.map(({ result, target, key }) => [result, target, text(key)])).toEqual([
      [0, 3, 'a b'],
      [1, 2, 'k'],
    ])
    const [value, mod] = txn.compare.map((one) => one.targetUnion)
    expect(value?.$case === 'value' && text(value.value)).toBe('x"y')
    expect(mod).toEqual({ $case: 'modRevision', value: 3 })
    const [put, get] = txn.success.map((one) => one.request)
    expect(put?.$case === 'requestPut' && [text(put.value.key), text(put.value.value)]).toEqual([
      'k',
      'two words',
    ])
    expect(get?.$case === 'requestRange' && text(get.value.key)).toBe('k')
    const del = txn.failure[0]?.request
    expect(del?.$case === 'requestDeleteRange' && text(del.value.rangeEnd)).toBe('z')
  })

  it('takes empty paragraphs, and an end anywhere', () => {
    expect(parseTxn('')).toEqual({ compare: [], success: [], failure: [] })
    const txn = parseTxn('\n\nput a 1')
    expect([txn.compare.length, txn.success.length, txn.failure.length]).toEqual([0, 0, 1])
  })

  it('takes every comparison and its short name', () => {
    const lines = ['ver', 'version', 'c', 'create', 'm', 'mod'].map((name) => `${name}("k") != 1`)
    const txn = parseTxn([...lines, 'val("k") < v', 'lease("k") = "ff"'].join('\n'))
    expect(txn.compare.map((one) => [one.target, one.result])).toEqual([
      ...[0, 0, 1, 1, 2, 2].map((target) => [target, 3]),
      [3, 2],
      [4, 0],
    ])
    expect(txn.compare[7]?.targetUnion).toEqual({ $case: 'lease', value: '255' })
  })

  it.each([
    ['mod("k") > "x"', 'txn, line 1: expected a whole number, got "x"'],
    ['size("k") = "1"', 'txn, line 1: expected value, mod, create, version or lease, got size'],
    ['value(k) = "1"', 'txn, line 1: expected value("key")'],
    ['\nput k', 'txn, line 2: put needs a key and a value'],
    ['\nincrement k', 'txn, line 2: expected put, get or del, got increment'],
    ['\nget', 'txn, line 2: expected put KEY VALUE'],
    ['\n\n\nput a 1', 'txn, line 4: a fourth paragraph'],
  ])('%j is refused, by line', (input, problem) => {
    expect(() => parseTxn(input)).toThrow(problem)
  })
})

describe('partitions', () => {
  it('cuts every pair of groups, both ways', () => {
    const blocks = plan(parseGroups(['n1', 'n2,n3']), false)
    expect([...blocks]).toEqual([
      ['n1', ['n2', 'n3']],
      ['n2', ['n1']],
      ['n3', ['n1']],
    ])
  })

  it('cuts one way: only the first group drops', () => {
    expect([...plan(parseGroups(['n1', 'n2', 'n3']), true)]).toEqual([
      ['n1', ['n2', 'n3']],
      ['n2', []],
      ['n3', []],
    ])
  })

  it.each([[['n1']], [['n1', '']], [['n1', 'n2,n1']]])('%j is refused', (groups) => {
    expect(() => parseGroups(groups)).toThrow(/partition/)
  })
})

describe('simulations', () => {
  it('reads ranges of seeds', () => {
    expect(parseSeeds('3..7')).toEqual({ first: 3, last: 7 })
    expect(parseSeeds('42')).toEqual({ first: 42, last: 42 })
    for (const bad of ['7..3', 'x', '1..', '-1', '1.5', ''])
      expect(() => parseSeeds(bad), bad).toThrow('--seeds')
  })

  it('reads kinds of faults', () => {
    expect(parseFaults('none')).toEqual([])
    expect(parseFaults('power-lost, message-lost')).toEqual(['message-lost', 'power-lost'])
    expect(() => parseFaults('power-last')).toThrow('did you mean power-lost?')
  })
})
