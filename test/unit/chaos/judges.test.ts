/** The chaos suite's own judges: each must see what it is there to see. */
import { describe, expect, test } from 'vitest'
import type { HistoryLine, OpType } from '../../chaos/support/history.js'
import { judgeLists } from '../../chaos/support/lists.js'
import { judgeEndings, judgeLog } from '../../chaos/support/verdict.js'

/** `[process, type, value]` of appends, or of reads where the value is a list's text after `=`. */
function history(...events: [process: number, type: OpType, what: string][]): HistoryLine[] {
  return events.map(([process, type, what], i) => {
    const isRead = what.startsWith('=')
    const value = isRead ? what.slice(1) || null : what
    return { process, type, f: isRead ? 'get' : 'append', key: 'l0', value, time: i }
  })
}

const appended = (process: number, element: number): [number, OpType, string][] => [
  [process, 'invoke', `${element};`],
  [process, 'ok', `${element};`],
]
const read = (process: number, elements: string): [number, OpType, string][] => [
  [process, 'invoke', '='],
  [process, 'ok', `=${elements}`],
]

describe('judgeLists', () => {
  test('accepts what is in order, and what is unknown either way', () => {
    const unknown: [number, OpType, string][] = [
      [3, 'invoke', '3;'],
      [3, 'info', '3;'],
      [4, 'invoke', '4;'],
      [4, 'info', '4;'],
    ]
    const lines = history(
      ...read(9, ''),
      ...appended(1, 1),
      ...unknown,
      ...appended(2, 2),
      ...read(9, '1;2;'),
      ...read(9, '1;2;4;'),
    )
    expect(judgeLists(lines)).toEqual([])
  })

  test.each<[string, HistoryLine[]]>([
    ['1, acknowledged, is missing', history(...appended(1, 1), ...read(9, ''))],
    ['is there twice', history(...appended(1, 1), ...read(9, '1;1;'))],
    [
      'disagree on the order',
      history(...appended(1, 1), ...appended(2, 2), ...read(9, '1;2;'), ...read(9, '2;1;')),
    ],
    ['7 was never appended', history(...read(9, '7;'))],
    [
      'although its append was refused',
      history([1, 'invoke', '1;'], [1, 'fail', '1;'], ...read(9, '1;')),
    ],
    ['was read before it was appended', history(...read(9, '1;'), ...appended(1, 1))],
    [
      'came after one of 1',
      history([1, 'invoke', '1;'], [1, 'info', '1;'], ...read(9, '1;'), ...read(9, '')),
    ],
  ])('sees: %s', (problem, lines) => {
    expect(judgeLists(lines).join('\n')).toContain(problem)
  })
})

test('an ending is judged by what it was due to', () => {
  const ending = { node: 'n1', signal: null }
  expect(judgeEndings([{ ...ending, code: 0, wanted: [0] }])).toEqual([])
  expect(judgeEndings([{ ...ending, code: null, signal: 'SIGKILL', wanted: [null] }])).toEqual([])
  expect(judgeEndings([{ ...ending, code: 8, wanted: [8] }])).toEqual([])
  expect(judgeEndings([{ ...ending, code: 1, wanted: [0] }])).toHaveLength(1)
  expect(judgeEndings([{ ...ending, code: 0, wanted: [] }])).toHaveLength(1)
  expect(judgeEndings([{ ...ending, code: null, signal: 'SIGSEGV', wanted: [8] }])).toHaveLength(1)
})

test('a log is searched for what nobody foresaw', () => {
  const fine = '{"level":30,"msg":"listening"}\n{"level":40,"msg":"the disk is nearly full"}\n'
  expect(judgeLog('n1', fine)).toEqual([])
  for (const bad of [
    '{"level":60,"msg":"an error that nothing handles"}',
    'TypeError: x is not a function',
    '    at Raft.step (file:///dist/raft.js:10:3)',
    '(node:1) UnhandledPromiseRejectionWarning',
  ])
    expect(judgeLog('n1', `${fine}${bad}\n`)).not.toEqual([])
})
