/** For each test of a file a member of its own, on a real port. */
import { afterEach, beforeEach } from 'vitest'
import type { Channel } from '../../../../src/rpc/types.js'
import { Member } from './member.js'

export interface Served {
  readonly member: Member
  readonly channel: Channel
}

/** What it gives is of the test that runs. `prepare`: before the test begins. */
export function servedMember(prepare: (member: Member) => void = () => {}): Served {
  let member = new Member()
  let served: Awaited<ReturnType<Member['serve']>> | null = null
  beforeEach(async () => {
    member = new Member()
    served = await member.serve()
    prepare(member)
  })
  afterEach(() => served?.close())
  return {
    get member() {
      return member
    },
    get channel() {
      if (served === null) throw new Error('no test runs')
      return served.channel
    },
  }
}
