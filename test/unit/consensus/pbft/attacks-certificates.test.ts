/** Attacks with certificates: what the liar shows, and that it proves nothing. Their numbers are those of docs/pbft.md. */
import { describe, expect, it } from 'vitest'
import {
  preparedProblem,
  stableProblem,
  viewChangeProblem,
} from '../../../../src/consensus/pbft/proofs.js'
import {
  certificate,
  checkpoint,
  D1,
  D2,
  IDS,
  prepare,
  proposed,
  RULES,
  viewChange,
} from '../../../support/pbft-statements.js'

describe('certificates', () => {
  const { proposed: p, prepares } = certificate(0, 1)
  it.each([
    { why: 'prepared: a whole one', of: { proposed: p, prepares }, problem: null },
    {
      why: '2: prepared: a signer twice',
      of: { proposed: p, prepares: [prepares[0]!, prepares[0]!] },
      problem: 'distinct',
    },
    {
      why: '6: prepared: one signer too few',
      of: { proposed: p, prepares: [prepares[0]!] },
      problem: '1 signers of 2',
    },
    {
      why: '6: prepared: with one of the primary',
      of: { proposed: p, prepares: [prepares[0]!, prepare('n1', 0, 1)] },
      problem: 'of the primary',
    },
    {
      why: '6: prepared: prepares of another digest',
      of: { proposed: p, prepares: [prepares[0]!, prepare('n3', 0, 1, D2)] },
      problem: 'something else',
    },
    {
      why: '6: prepared: prepares of another view',
      of: { proposed: p, prepares: [prepares[0]!, prepare('n3', 4, 1)] },
      problem: 'something else',
    },
    {
      why: '6: prepared: prepares of another index',
      of: { proposed: p, prepares: [prepares[0]!, prepare('n3', 0, 2)] },
      problem: 'something else',
    },
    {
      why: '6: prepared: a proposal of somebody else',
      of: { proposed: proposed(0, 1, D1, 'n2'), prepares },
      problem: 'than the primary',
    },
    {
      why: '6: prepared: a stranger',
      of: { proposed: p, prepares: [prepares[0]!, prepare('n9', 0, 1)] },
      problem: 'distinct',
    },
    {
      why: '21: prepared: another epoch',
      of: { proposed: p, prepares: [prepares[0]!, { ...prepare('n3', 0, 1), epoch: 1 }] },
      problem: 'epoch',
    },
  ])('$why', ({ of, problem }) => {
    if (problem === null) expect(preparedProblem(of, RULES)).toBeNull()
    else expect(preparedProblem(of, RULES)).toContain(problem)
  })

  it.each([
    {
      why: 'stable: Q that agree',
      of: ['n1', 'n2', 'n3'].map((id) => checkpoint(id, 4)),
      problem: null,
    },
    {
      why: '2: stable: a signer twice',
      of: ['n1', 'n2', 'n2'].map((id) => checkpoint(id, 4)),
      problem: 'distinct',
    },
    {
      why: '6: stable: two digests',
      of: [checkpoint('n1', 4), checkpoint('n2', 4), checkpoint('n3', 4, D2)],
      problem: 'differ',
    },
    {
      why: '6: stable: two indices',
      of: [checkpoint('n1', 4), checkpoint('n2', 4), checkpoint('n3', 8)],
      problem: 'differ',
    },
    {
      why: '6: stable: f+1 only',
      of: [checkpoint('n1', 4), checkpoint('n2', 4)],
      problem: '2 signers of 3',
    },
    { why: 'stable: nothing', of: [], problem: 'no checkpoints' },
  ])('$why', ({ of, problem }) => {
    if (problem === null) expect(stableProblem(of, RULES)).toBeNull()
    else expect(stableProblem(of, RULES)).toContain(problem)
  })

  it.each([
    { why: 'an empty view change', m: viewChange('n2', 1), problem: null },
    {
      why: '6: an h without proof',
      m: viewChange('n2', 1, { stable: 4 }),
      problem: 'no checkpoints',
    },
    {
      why: '6: a proof of another h',
      m: viewChange('n2', 1, {
        stable: 8,
        checkpoints: IDS.slice(0, 3).map((id) => checkpoint(id, 4)),
      }),
      problem: 'another index',
    },
    {
      why: '6: a certificate at or below h',
      m: viewChange('n2', 1, {
        stable: 4,
        checkpoints: IDS.slice(0, 3).map((id) => checkpoint(id, 4)),
        prepared: [certificate(0, 4)],
      }),
      problem: 'ascend',
    },
    {
      why: '6: two certificates for one index',
      m: viewChange('n2', 5, { prepared: [certificate(0, 1), certificate(1, 1)] }),
      problem: 'ascend',
    },
    {
      why: '30: a certificate beyond the window',
      m: viewChange('n2', 1, { prepared: [certificate(0, 9)] }),
      problem: 'window',
    },
    {
      why: '6: a certificate of the view it asks for',
      m: viewChange('n2', 1, { prepared: [certificate(1, 1)] }),
      problem: 'not over',
    },
    {
      why: '6: a certificate of two batches',
      m: viewChange('n2', 1, {
        prepared: [{ ...certificate(0, 1), proposed: proposed(0, 1, D2) }],
      }),
      problem: 'something else',
    },
    {
      why: '6: one bad certificate among good ones',
      m: viewChange('n2', 1, {
        prepared: [certificate(0, 1), { ...certificate(0, 2), prepares: [] }],
      }),
      problem: 'index 2',
    },
  ])('$why', ({ m, problem }) => {
    if (problem === null) expect(viewChangeProblem(m, RULES)).toBeNull()
    else expect(viewChangeProblem(m, RULES)).toContain(problem)
  })
})
