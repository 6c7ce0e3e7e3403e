import { describe, expect, it } from 'vitest'
import {
  attempt,
  DiagramOfTrace,
  diagramHtml,
  diagramMermaid,
  diagramText,
  raftSim,
  wholeRun,
} from '../../../../src/sim/index.js'

const receive = (from: string, message: object) =>
  `> ${JSON.stringify({ type: 'Receive', from, message })}`
const send = (to: string, message: object) => `< ${JSON.stringify({ type: 'Send', to, message })}`
const note = (fields: object) => `< ${JSON.stringify({ type: 'Note', note: fields })}`

const VOTE = { type: 'RequestVote', term: 2, lastLog: { index: 1, term: 1 } }
const LINES = [
  '0.000 n1: starts',
  '0.000 n2: starts',
  `5.000 n1 ${send('n2', VOTE)}`,
  `6.500 n2 ${receive('n1', VOTE)}`,
  `7.000 n2 ${send('n1', { type: 'RequestVoteReply', term: 2, voteGranted: true })}`,
  `8.000 n1 ${note({ event: 'became-leader', term: 2 })}`,
  '9.000 nemesis: process-killed #3 n2 for 40 ms',
  '9.000 n2: dies (process)',
  '9.500 client: {"type":"Write","key":1,"value":7} ok',
]

function small() {
  const reader = new DiagramOfTrace()
  for (const line of LINES) reader.line(line)
  reader.end(10, 'one-leader: <n1> & n2')
  return reader
}

describe('a sequence diagram', () => {
  it('shows who said what to whom, what was lost, who died and how it ended', () => {
    expect(diagramText(small().diagram()).join('\n')).toMatchInlineSnapshot(`
      "         ms      n1                                      n2
            0.000      ▲ starts                                ·
            0.000      │                                       ▲ starts
            6.500      ├── RequestVote t2 log 1/t1 ───────────▶│
            7.000      │✕─ RequestVoteReply t2 yes ────────────┤
            8.000      ● LEADER t2                             │
            9.000  *** nemesis: process-killed #3 n2 for 40 ms │
            9.000      │                                       ✖ dies (process)
            9.500  ~ client: Write key:1 value:7 ok            ·
           10.000  >>> one-leader: <n1> & n2                   ·"
    `)
  })

  it('is Mermaid, and a page of its own that loads and runs nothing', () => {
    const mermaid = diagramMermaid(small().diagram())
    expect(mermaid).toContain('n1->>n2: 6.5 RequestVote t2 log 1/t1')
    expect(mermaid).toContain('n2-xn1: 7.0 RequestVoteReply t2 yes')
    const html = diagramHtml(small().diagram(), { title: 'a < b', lines: ['x & y'] })
    expect(html).not.toMatch(/<script|src=|href=|url\(|@import/)
    expect(html).toContain('one-leader: &#60;n1&#62; &#38; n2')
    const rows = html.match(/class="time"/g)
    expect(rows).toHaveLength(small().diagram().happenings.length)
  })

  it('keeps what weighs most and came last, within the rows', () => {
    const diagram = small().diagram(4)
    expect(diagram.happenings).toHaveLength(4)
    expect(diagram.happenings.at(-1)).toMatchObject({ tone: 'failure' })
    expect(diagram.leftOut).toBe(5)
  })

  it('draws a real run: at most fifty lines, of messages that arrived mostly', () => {
    const reader = new DiagramOfTrace()
    attempt(raftSim, { ...wholeRun(3, 500), nodes: 3, brief: true }, (line) => reader.line(line))
    const diagram = reader.diagram()
    const lines = diagramText(diagram)
    expect(lines.length).toBeLessThanOrEqual(50)
    expect(lines.length).toBeGreaterThan(30)
    const messages = diagram.happenings.filter((one) => one.kind === 'message')
    expect(messages.filter((one) => one.arrived).length).toBeGreaterThan(messages.length / 2)
  })
})
