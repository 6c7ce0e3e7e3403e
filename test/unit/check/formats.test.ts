import { describe, expect, it } from 'vitest'
import {
  casRegister,
  checkLinearizable,
  detectModel,
  pairEvents,
  readHistory,
} from '../../../src/check/index.js'
import { generate, toLines } from '../../support/histories.mjs'

const JEPSEN = [
  'INFO  jepsen.core - Running test',
  'INFO  jepsen.util - 0\t:invoke\t:read\tnil',
  'INFO  jepsen.util - 1\t:invoke\t:write\t4',
  'INFO  jepsen.util - :nemesis\t:info\t:start\tnil',
  'INFO  jepsen.util - 0\t:ok\t:read\tnil',
  '',
  'INFO  jepsen.util - 1\t:info\t:write\t:timed-out',
  'INFO  jepsen.util - 2\t:invoke\t:cas\t[4 1]',
  'INFO  jepsen.util - 2\t:ok\t:cas\t[4 1]',
  'INFO  jepsen.util - 0\t:invoke\t:read\tnil',
  'INFO  jepsen.util - 0\t:fail\t:read\t:timed-out',
].join('\n')

describe('histories as text', () => {
  it('Jepsen log lines', () => {
    const events = readHistory(JEPSEN)
    expect(events.map(({ process, type, f }) => `${process} ${type} ${f}`)).toEqual([
      '0 invoke read',
      '1 invoke write',
      '0 ok read',
      '1 info write',
      '2 invoke cas',
      '2 ok cas',
      '0 invoke read',
      '0 fail read',
    ])
    expect(events[3]).toMatchObject({ error: ':timed-out', line: 7 })
    expect(detectModel(events)).toBe('cas-register')
    expect(checkLinearizable(events, casRegister()).verdict).toBe('ok')
  })

  it('a failed cas that repeats what it asked may count as a look', () => {
    const lines = [
      '0\t:invoke\t:write\t1',
      '0\t:ok\t:write\t1',
      '0\t:invoke\t:cas\t[1 2]',
      '0\t:fail\t:cas\t[1 2]',
    ]
    const events = readHistory(lines.map((line) => `INFO  jepsen.util - ${line}`).join('\n'))
    expect(checkLinearizable(events, casRegister({ failedCas: 'observed' })).verdict).toBe(
      'violation',
    )
    expect(checkLinearizable(events, casRegister({ failedCas: 'ignored' })).verdict).toBe('ok')
  })

  it('independent keys, by the look of the reads', () => {
    const lines = [
      '0\t:invoke\t:read\t[7 nil]',
      '1\t:invoke\t:cas\t[8 [1 2]]',
      '0\t:ok\t:read\t[7 3]',
      '1\t:info\t:cas\t:timeout',
    ]
    const events = readHistory(lines.map((line) => `INFO  jepsen.util - ${line}`).join('\n'))
    expect(pairEvents(events).map(({ key, input, output }) => [key, input, output])).toEqual([
      [7, null, 3],
      [8, [1, 2], null],
    ])
    expect(readHistory('INFO x - 0 :invoke :write [1 2]', { keyed: true })[0]).toMatchObject({
      key: 1,
      value: 2,
    })
  })

  it('EDN maps', () => {
    const text = [
      '{:process 0, :type :invoke, :f :append, :key "0", :value "x 0 \\"y"}',
      '#jepsen.history.Op{:index 1, :process 0, :type :ok, :f :append, :key "0", :value "x 0 \\"y", :time 12}',
      '{:process :nemesis, :type :info, :f :start, :value {:n1 #{:n2}}}',
      '{:process 1, :type :invoke, :f :get, :key "0", :value nil}',
    ].join('\n')
    const operations = pairEvents(readHistory(text))
    expect(operations).toHaveLength(2)
    expect(operations[0]).toMatchObject({ f: 'append', key: '0', input: 'x 0 "y', outcome: 'ok' })
    expect(operations[1]).toMatchObject({
      f: 'get',
      outcome: 'info',
      completedAt: Number.POSITIVE_INFINITY,
    })
  })

  it('JSON lines come back as they were written', () => {
    const events = generate({ seed: 3, model: 'mvcc', operations: 60, infoRate: 0.1 })
    const read = readHistory(`\n${toLines(events)}`).map(({ line, ...event }) => event)
    expect(pairEvents(read)).toEqual(pairEvents(events))
  })

  it.each([
    ['{"process":0}', /line 1: expected type to be invoke, ok, fail or info, found none/],
    [
      '{"process":0,"type":"invoke","f":"read"}\n{"process":',
      /line 2: expected one JSON object a line/,
    ],
    ['{"process":0,"type":"invoke","f":"read"}\n\n[1]', /line 3: expected a JSON object/],
    [
      '{"process":{},"type":"invoke","f":"read"}',
      /line 1: expected a process, a number or a text, found {}/,
    ],
    [
      '{"process":0,"type":"invoke","f":"read","time":5}\n{"process":0,"type":"ok","f":"read","time":4}',
      /line 2: time goes back from 5 to 4/,
    ],
    ['INFO  jepsen.util - 3\t:invoke\t:read\tnil\nnonsense', /line 2: expected a process/],
    ['INFO  jepsen.util - 3\t:invoke\t:cas\t[1 2', /line 1: expected a value at column 5/],
    ['nonsense', /line 1: expected a JSON object, an EDN map, or a line of a Jepsen log/],
  ])('says what is wrong and where: %j', (text, message) => {
    expect(() => readHistory(text)).toThrow(message)
  })

  it.each([
    [
      ['0 invoke read', '0 invoke read'],
      /line 2: process 0 invokes read while its read is still open/,
    ],
    [['0 ok read'], /line 1: process 0 completes read, but it has nothing open/],
    [
      ['0 invoke read', '0 ok write'],
      /line 2: process 0 completes write, but what it invoked was read/,
    ],
  ])('refuses what no client does: %j', (lines, message) => {
    const text = lines.map((line) => {
      const [process, type, f] = line.split(' ')
      return JSON.stringify({ process: Number(process), type, f })
    })
    expect(() => pairEvents(readHistory(text.join('\n')))).toThrow(message)
  })
})
