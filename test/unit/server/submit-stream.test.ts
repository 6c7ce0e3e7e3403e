import { expect, it } from 'vitest'
import type { SubmitOutcome } from '../../../src/driver/outcomes.js'
import type {
  SubmitCommandsRequest,
  SubmitCommandsResponse,
} from '../../../src/gen/quorate/v1/quorate.js'
import type { ServerStream } from '../../../src/rpc/types.js'
import type { Replica } from '../../../src/server/replica.js'
import { serveSubmitStream } from '../../../src/server/submit-stream.js'

it('answers that are large in sum leave in messages of a bounded length, in order', async () => {
  const written: SubmitCommandsResponse[] = []
  let ask: (message: SubmitCommandsRequest) => void = () => {}
  let ended: () => void = () => {}
  const over = new Promise<void>((resolve) => {
    ended = resolve
  })
  let end: () => void = () => {}
  const stream = {
    onMessage: (callback: typeof ask) => {
      ask = callback
    },
    onEnd: (callback: () => void) => {
      end = callback
    },
    onDrain: () => {},
    onClose: () => {},
    write: (message: SubmitCommandsResponse) => written.push(message) > 0,
    pause: () => {},
    resume: () => {},
    end: () => ended(),
  } as unknown as ServerStream<SubmitCommandsRequest, SubmitCommandsResponse>
  // One answer, as often as it is asked for.
  const bytes = new Uint8Array(300 * 1024)
  const replica = {
    unavailable: () => null,
    commandBytesMax: 1024,
    commandTimeoutMs: 1_000,
    submit: (_request: unknown, timeoutMs: number, done: (outcome: SubmitOutcome) => void) => {
      // Whatever the caller says, nothing is waited for longer.
      expect(timeoutMs).toBe(1_000)
      done({ type: 'Answer', bytes })
    },
  } as unknown as Replica
  serveSubmitStream(stream, replica)
  const commands = Array.from({ length: 40 }, (_, i) => ({
    session: 7,
    seq: i + 1,
    ackedThrough: 0,
    command: Uint8Array.of(1),
    timeoutMs: 2 ** 32 - 1,
  }))
  ask({ commands } as unknown as SubmitCommandsRequest)
  end()
  await over
  const sizes = written.map(({ results }) => results.length)
  expect(Math.max(...sizes)).toBe(3)
  expect(written.flatMap(({ results }) => results.map(({ seq }) => seq))).toEqual(
    commands.map(({ seq }) => seq),
  )
})
