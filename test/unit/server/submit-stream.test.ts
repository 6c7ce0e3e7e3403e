import { expect, it } from 'vitest'
import type { SubmitOutcome } from '../../../src/driver/outcomes.js'
import type {
  Command,
  SubmitCommandsRequest,
  SubmitCommandsResponse,
} from '../../../src/gen/quorate/v1/quorate.js'
import { Code, type RpcError } from '../../../src/rpc/status.js'
import type { ServerStream } from '../../../src/rpc/types.js'
import type { Replica } from '../../../src/server/replica.js'
import { serveSubmitStream } from '../../../src/server/submit-stream.js'

/** The caller's end of a stream, played by the test. */
class Caller {
  readonly written: SubmitCommandsResponse[] = []
  failed: RpcError | null = null
  ask: (message: SubmitCommandsRequest) => void = () => {}
  end: () => void = () => {}
  #ended: () => void = () => {}
  readonly over = new Promise<void>((resolve) => {
    this.#ended = resolve
  })

  constructor(replica: Partial<Replica>) {
    const stream = {
      onMessage: (callback: Caller['ask']) => {
        this.ask = callback
      },
      onEnd: (callback: () => void) => {
        this.end = callback
      },
      onDrain: () => {},
      onClose: () => {},
      write: (message: SubmitCommandsResponse) => this.written.push(message) > 0,
      pause: () => {},
      resume: () => {},
      end: () => this.#ended(),
      fail: (error: RpcError) => {
        this.failed = error
      },
    } as unknown as ServerStream<SubmitCommandsRequest, SubmitCommandsResponse>
    const common = { unavailable: () => null, commandBytesMax: 1024, commandTimeoutMs: 1_000 }
    serveSubmitStream(stream, { ...common, ...replica } as unknown as Replica)
  }
}

const commandsOf = (count: number): Command[] =>
  Array.from({ length: count }, (_, i) => ({
    session: 7,
    seq: i + 1,
    ackedThrough: 0,
    command: Uint8Array.of(1),
    timeoutMs: 2 ** 32 - 1,
  }))

it('answers that are large in sum leave in messages of a bounded length, in order', async () => {
  // One answer, as often as it is asked for.
  const bytes = new Uint8Array(300 * 1024)
  const caller = new Caller({
    submit: (_request: unknown, timeoutMs: number, done: (outcome: SubmitOutcome) => void) => {
      // Whatever the caller says, nothing is waited for longer.
      expect(timeoutMs).toBe(1_000)
      done({ type: 'Answer', bytes })
    },
  })
  const commands = commandsOf(40)
  caller.ask({ commands, listen: [] })
  caller.end()
  await caller.over
  const sizes = caller.written.map(({ results }) => results.length)
  expect(Math.max(...sizes)).toBe(3)
  expect(caller.written.flatMap(({ results }) => results.map(({ seq }) => seq))).toEqual(
    commands.map(({ seq }) => seq),
  )
})

it('so many signatures that a node would do nothing else are not taken in one message', () => {
  let verified = 0
  const caller = new Caller({
    signed: {
      refusal: () => {
        verified++
        return 'not good'
      },
      listen: () => {
        verified++
        return null
      },
      stored: () => false,
      expect: () => ({ callOff: () => true }),
    },
  })
  caller.ask({ commands: commandsOf(2_000), listen: Array(48).fill(new Uint8Array(96)) })
  expect([verified, caller.failed]).toEqual([2_048, null])
  caller.ask({ commands: commandsOf(2_000), listen: Array(49).fill(new Uint8Array(96)) })
  expect(verified).toBe(2_048)
  expect(caller.failed).toMatchObject({
    code: Code.INVALID_ARGUMENT,
    message: 'a message holds at most 2048 signed commands and wishes',
  })
})

it('a wish to hear that is refused is told by its key, and others go on', async () => {
  const good = new Uint8Array(96).fill(2)
  let ended = 0
  const caller = new Caller({
    signed: {
      refusal: () => null,
      listen: (wish) =>
        wish[0] === 2 ? { principal: '\x02'.repeat(32), end: () => ended++ } : null,
      stored: () => false,
      expect: () => ({ callOff: () => true }),
    },
  })
  caller.ask({ commands: [], listen: [new Uint8Array(96).fill(1), good, new Uint8Array(5)] })
  await new Promise((done) => setImmediate(done))
  const refused = caller.written.flatMap((message) => message.refused.map((key) => [...key]))
  expect(refused).toEqual([Array(32).fill(1), []])
  expect([caller.failed, ended]).toEqual([null, 0])
  // A key alone: no longer.
  caller.ask({ commands: [], listen: [new Uint8Array(32).fill(1)] })
  expect(ended).toBe(0)
  caller.ask({ commands: [], listen: [new Uint8Array(32).fill(2)] })
  expect(ended).toBe(1)
})
