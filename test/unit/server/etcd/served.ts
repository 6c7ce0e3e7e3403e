/** For each test of a file a member of its own, on a real port. */
import { afterEach, beforeEach, expect } from 'vitest'
import { createGateway } from '../../../../src/rpc/http/gateway.js'
import { CLIENT_PORT_LIMITS } from '../../../../src/rpc/limits.js'
import type { Channel } from '../../../../src/rpc/types.js'
import { type World, world } from '../../rpc/support.js'
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

/** The same for callers over HTTP/1.1, whose server may have no error at the end. */
export function memberOverHttp1(
  limits: { readonly stallMsMax?: number; readonly unreadJsonBytesMax?: number } = {},
): { readonly member: Member; readonly port: number } {
  let member = new Member()
  let served: World | null = null
  beforeEach(async () => {
    member = new Member()
    const { routes } = member
    const gateway = createGateway({ ...CLIENT_PORT_LIMITS, ...limits, routes, onError: () => {} })
    const { stallMsMax = CLIENT_PORT_LIMITS.stallMsMax } = limits
    served = await world([], {
      limits: { stallMsMax },
      http1: (request, response) => gateway(request.url ?? '')?.(request, response),
    })
  })
  afterEach(async () => {
    await served?.end()
    expect(served?.errors).toEqual([])
  })
  return {
    get member() {
      return member
    },
    get port() {
      if (served === null) throw new Error('no test runs')
      return served.port
    },
  }
}
