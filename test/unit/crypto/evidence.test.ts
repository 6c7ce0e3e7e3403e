import { describe, expect, it } from 'vitest'
import type { Checkpoint, Commit, Proposed } from '../../../src/consensus/pbft/messages.js'
import { type Contradiction, Evidence } from '../../../src/crypto/evidence.js'

const A = 'aa'.repeat(32)
const B = 'bb'.repeat(32)
/** What a signature begins with that is nobody's. */
const FORGED = 0

function signature(fill: number): Uint8Array {
  return new Uint8Array(64).fill(fill)
}

function commit(sender: string, at: { view: number; index: number }, digest: string): Commit {
  return {
    type: 'Commit',
    sender,
    epoch: 1,
    ...at,
    digest,
    signature: signature(digest === A ? 1 : 2),
  }
}

function proposed(sender: string, digest: string): Proposed {
  const at = { view: 0, index: 5, digest }
  return { type: 'Proposed', sender, epoch: 1, ...at, signature: signature(3) }
}

function checkpoint(sender: string, digest: string): Checkpoint {
  return { type: 'Checkpoint', sender, epoch: 1, index: 128, digest, signature: signature(4) }
}

function listen(): { evidence: Evidence; told: Contradiction[] } {
  const told: Contradiction[] = []
  const evidence = new Evidence(
    (found) => told.push(found),
    ({ signature }) => signature[0] !== FORGED,
  )
  return { evidence, told }
}

describe('two statements of which an honest replica makes one', () => {
  it('are kept with both signatures, and told once however often they come', () => {
    const { evidence, told } = listen()
    const at = { view: 3, index: 7 }
    evidence.hear([commit('n4', at, A), commit('n4', at, B)])
    evidence.hear([commit('n4', at, B), commit('n4', at, A)])
    expect(told).toEqual([
      {
        replica: 'n4',
        kind: 'Commit',
        epoch: 1,
        ...at,
        first: { digest: A, signature: signature(1) },
        second: { digest: B, signature: signature(2) },
      },
    ])
    expect(evidence.contradictions).toEqual(told)
  })

  it('are proposals and checkpoints too', () => {
    const { evidence } = listen()
    evidence.hear([proposed('n1', A), checkpoint('n2', A), proposed('n1', B), checkpoint('n2', B)])
    expect(evidence.contradictions.map(({ replica, kind }) => [replica, kind])).toEqual([
      ['n1', 'Proposed'],
      ['n2', 'Checkpoint'],
    ])
  })

  it.each([
    ['the same again', commit('n4', { view: 3, index: 7 }, A)],
    ['in another view', commit('n4', { view: 4, index: 7 }, B)],
    ['for another index', commit('n4', { view: 3, index: 8 }, B)],
    ['of another replica', commit('n3', { view: 3, index: 7 }, B)],
    ['of another epoch', { ...commit('n4', { view: 3, index: 7 }, B), epoch: 2 }],
  ])('are not: %s', (_, second) => {
    const { evidence, told } = listen()
    evidence.hear([commit('n4', { view: 3, index: 7 }, A), second])
    expect(told).toEqual([])
  })

  it('one replica fills no memory but its own, and a bounded one', () => {
    const { evidence, told } = listen()
    evidence.hear([commit('n1', { view: 0, index: 1 }, A)])
    for (let index = 1; index <= 10_000; index++) {
      const at = { view: 0, index }
      evidence.hear([commit('n4', at, A), commit('n4', at, B)])
    }
    expect(told.length).toBe(8)
    // What n1 said before all that is remembered.
    evidence.hear([commit('n1', { view: 0, index: 1 }, B)])
    expect(evidence.contradictions.map(({ replica }) => replica)).toContain('n1')
  })

  it('is seen too when one of the two was put aside unverified', () => {
    for (const order of ['aside first', 'aside last']) {
      const { evidence, told } = listen()
      const at = { view: 3, index: 7 }
      if (order === 'aside last') evidence.hear([commit('n4', at, B)])
      evidence.putAside(commit('n4', at, A))
      if (order === 'aside first') evidence.hear([commit('n4', at, B)])
      const digests = told.map(({ first, second }) => [first.digest, second.digest].sort())
      expect(digests, order).toEqual([[A, B]])
      expect(told[0]?.first.signature).not.toEqual(told[0]?.second.signature)
    }
  })

  it('what was put aside convicts nobody when it turns out to be forged', () => {
    const { evidence, told } = listen()
    const at = { view: 3, index: 7 }
    evidence.putAside({ ...commit('n4', at, A), signature: signature(FORGED) })
    evidence.hear([commit('n4', at, B)])
    evidence.putAside({ ...commit('n4', at, A), signature: signature(FORGED) })
    expect(told).toEqual([])
    // And what was heard is what counts from then on.
    evidence.hear([commit('n4', at, A)])
    expect(told.length).toBe(1)
  })

  it('a signature is copied: the message that it came in may go', () => {
    const { evidence } = listen()
    const buffer = new Uint8Array(1_000).fill(9)
    const first = {
      ...commit('n4', { view: 0, index: 1 }, A),
      signature: buffer.subarray(100, 164),
    }
    evidence.hear([first, commit('n4', { view: 0, index: 1 }, B)])
    expect(evidence.contradictions[0]?.first.signature.buffer.byteLength).toBe(64)
  })
})
