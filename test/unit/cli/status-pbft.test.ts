import { describe, expect, it } from 'vitest'
import type { Seen } from '../../../src/cli/cluster-view.js'
import { statusJson, statusTable } from '../../../src/cli/format/status.js'
import { suspicionLines } from '../../../src/cli/format/status-pbft.js'
import { PbftStatus, StatusResponse, Suspicion } from '../../../src/gen/quorate/v1/quorate.js'

const SUSPICION = {
  ...Suspicion.decode(new Uint8Array(0)),
  replica: 'n1',
  kind: 'Proposed',
  view: 2,
  index: 7,
  digests: ['aa', 'bb'],
  signatures: [new Uint8Array([1]), new Uint8Array([2])],
}

function node(name: string, of: Partial<StatusResponse>, pbft: Partial<PbftStatus> = {}): Seen {
  const told = {
    ...PbftStatus.decode(new Uint8Array(0)),
    faultyMax: 1,
    active: true,
    highWatermark: 256,
    ...pbft,
  }
  const about = { protocol: 'pbft', role: 'backup', formed: true, term: 2, pbft: told }
  return {
    endpoint: `${name}:1`,
    status: { ...StatusResponse.decode(new Uint8Array(0)), name, ...about, ...of },
  }
}

function column(seen: readonly Seen[], name: string): (string | undefined)[] {
  const { head, rows } = statusTable(seen)
  for (const row of rows) expect(row.length).toBe(head.length)
  return rows.map((row) => row[head.indexOf(name)])
}

describe('status of a cluster that runs PBFT', () => {
  it('shows view, stable checkpoint, watermarks and who is suspected', () => {
    const seen = [
      node(
        'n3',
        { role: 'primary' },
        { stableCheckpoint: 128, lowWatermark: 128, highWatermark: 384 },
      ),
      node('n4', {}, { suspicions: [SUSPICION] }),
    ]
    expect(column(seen, 'view')).toEqual(['2', '2'])
    expect(column(seen, 'role')).toEqual(['primary', 'backup'])
    expect(column(seen, 'stable')).toEqual(['128', '0'])
    expect(column(seen, 'window')).toEqual(['128-384', '0-256'])
    expect(column(seen, 'suspects')).toEqual(['-', 'n1'])
  })

  it('one that says it is far ahead makes nobody trail', () => {
    const ahead = [1_000_000, 40, 40, 25].map((appliedIndex, i) =>
      node(`n${i + 1}`, { appliedIndex }),
    )
    expect(column(ahead, 'trails by')).toEqual(['0', '0', '0', '15'])
    expect(statusJson(ahead).map((row) => row['lag'])).toEqual([0, 0, 0, 15])
  })

  it('a node that changes view, is mute, diverged or away says so', () => {
    const seen: Seen[] = [
      node('n1', {}, { active: false }),
      node('n2', {}, { mute: true }),
      node('n3', {}, { diverged: true }),
      { endpoint: 'n4:1', error: 'refused' },
    ]
    expect(column(seen, 'role')).toEqual(['changes view', 'mute', 'diverged', 'no answer'])
  })

  it('tells each contradiction once, with who has seen it; JSON has the evidence', () => {
    const seen = [
      node('n2', {}, { suspicions: [SUSPICION] }),
      node('n3', {}, { suspicions: [SUSPICION] }),
    ]
    expect(suspicionLines(seen)).toEqual([
      'n1 signed two different proposals for index 7 in view 2, says n2, n3 (both signatures: --json)',
    ])
    expect(statusJson(seen)[0]?.['suspicions']).toMatchObject([
      { replica: 'n1', kind: 'Proposed', digests: ['aa', 'bb'], signatures: ['01', '02'] },
    ])
  })
})
