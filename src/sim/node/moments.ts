/** Turning points in a node's life, for strikes that wait for one: most of what goes wrong does so around them. */
import type { CoreStatus } from '../../consensus/contract.js'

export const MOMENTS = ['campaigns', 'leads', 'deposed', 'new-term', 'snapshot'] as const

export type Moment = (typeof MOMENTS)[number]

export interface Expected {
  readonly moment: Moment
  /** It has come: within the step that makes it, before any effect of that step. */
  readonly come: () => void
}

type Seen = Pick<CoreStatus, 'role' | 'term' | 'snapshotIndex'>

export class Moments {
  #expected: Expected | null = null
  #before: Seen | null = null

  expect(expected: Expected | null): void {
    this.#expected = expected
  }

  started(status: CoreStatus): void {
    this.#before = status
  }

  stepped(status: CoreStatus): void {
    const before = this.#before
    this.#before = status
    const expected = this.#expected
    if (expected === null || before === null || !isAt(expected.moment, before, status)) return
    this.#expected = null
    expected.come()
  }
}

function isAt(moment: Moment, before: Seen, now: Seen): boolean {
  switch (moment) {
    case 'campaigns':
      return now.role === 'candidate' && before.role !== 'candidate'
    case 'leads':
      return isLeader(now) && !isLeader(before)
    case 'deposed':
      return !isLeader(now) && isLeader(before)
    case 'new-term':
      return now.term > before.term
    case 'snapshot':
      return now.snapshotIndex > before.snapshotIndex
  }
}

function isLeader({ role }: Seen): boolean {
  return role === 'leader' || role === 'primary'
}
