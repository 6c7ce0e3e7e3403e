/**
 * The fast path, driven as a program would that wants all of it: one stream to the leader, several sessions on it, so
 * many commands in flight, each answered by its own result. No promise a command.
 */
import { randomInt } from 'node:crypto'
import { EMPTY } from '../../base/bytes.js'
import { ClientError } from '../../client/errors.js'
import { decodePut } from '../../client/kv.js'
import type { Command, Result } from '../../gen/quorate/v1/quorate.js'
import { decodeAnswer } from '../../machine/answers.js'
import { connect } from '../../rpc/channel.js'
import { quorate } from '../../rpc/services.js'
import type { Channel } from '../../rpc/types.js'
import { type LoadResult, measureCpu, Samples } from './load.js'

/** Commands without an answer, a session; the cluster keeps 1,024 answers for each. */
const SESSION_INFLIGHT_MAX = 1_000
const SESSIONS = 8
const NONCE_MAX = 2 ** 47

export interface StreamLoadOptions {
  /** Of the leader. */
  readonly endpoint: string
  readonly concurrency: number
  readonly warmUpMs: number
  readonly measureMs: number
  readonly command: (n: number) => Uint8Array
}

interface Session {
  readonly id: number
  seq: number
  ackedThrough: number
  readonly answered: Set<number>
  readonly sentAt: Map<number, number>
}

export async function runStreamLoad(options: StreamLoadOptions): Promise<LoadResult> {
  const channel = connect(options.endpoint)
  try {
    const sessions: Session[] = []
    for (let i = 0; i < SESSIONS; i++) sessions.push(await openSession(channel))
    return await new StreamLoad(channel, sessions, options).run()
  } finally {
    channel.close()
  }
}

async function openSession(channel: Channel): Promise<Session> {
  const command = {
    session: 0,
    seq: randomInt(1, NONCE_MAX),
    ackedThrough: 0,
    command: EMPTY,
    timeoutMs: 0,
  }
  const { answer } = await channel.unary(quorate.submitCommand, { command })
  const opened = decodeAnswer(answer)
  if (opened?.type !== 'SessionOpened') throw new ClientError('Unavailable', 'no session')
  return { id: opened.session, seq: 0, ackedThrough: 0, answered: new Set(), sentAt: new Map() }
}

class StreamLoad {
  readonly #options: StreamLoadOptions
  readonly #sessions: readonly Session[]
  readonly #byId: ReadonlyMap<number, Session>
  readonly #stream
  readonly #samples = new Samples()
  readonly #revisions = new Samples()
  readonly #errors = new Map<string, number>()
  readonly #began: number
  readonly #ends: number
  #next = 0
  #inflight = 0
  #acknowledged = 0
  #unknown = 0
  #ended: { resolve: () => void; reject: (error: Error) => void } | null = null

  constructor(channel: Channel, sessions: readonly Session[], options: StreamLoadOptions) {
    this.#options = options
    this.#sessions = sessions
    this.#byId = new Map(sessions.map((session) => [session.id, session]))
    this.#stream = channel.stream(quorate.submitCommands)
    this.#began = performance.now() + options.warmUpMs
    this.#ends = this.#began + options.measureMs
  }

  async run(): Promise<LoadResult> {
    const cpu = measureCpu(this.#began, this.#ends)
    await new Promise<void>((resolve, reject) => {
      this.#ended = { resolve, reject }
      this.#stream.onMessage(({ results }) => this.#take(results))
      this.#stream.onClose((error) => {
        if (this.#inflight > 0) reject(error ?? new ClientError('Unavailable', 'the stream ended'))
      })
      this.#fill()
    })
    this.#stream.end()
    return {
      latenciesMs: this.#samples.sorted(),
      elapsedMs: this.#options.measureMs,
      acknowledged: this.#acknowledged,
      unknown: this.#unknown,
      errors: this.#errors,
      revisions: this.#revisions.sorted(),
      clientCpu: await cpu,
    }
  }

  /** One message with all that may go now. */
  #fill(): void {
    const now = performance.now()
    if (now >= this.#ends) {
      if (this.#inflight === 0) this.#ended?.resolve()
      return
    }
    const commands: Command[] = []
    let full = 0
    while (this.#inflight < this.#options.concurrency && full < this.#sessions.length) {
      const session = this.#sessions[this.#next % this.#sessions.length] as Session
      const n = this.#next++
      if (session.seq - session.ackedThrough >= SESSION_INFLIGHT_MAX) {
        full++
        continue
      }
      full = 0
      const seq = ++session.seq
      session.sentAt.set(seq, now)
      commands.push({
        session: session.id,
        seq,
        ackedThrough: session.ackedThrough,
        command: this.#options.command(n),
        timeoutMs: 0,
      })
      this.#inflight++
    }
    if (commands.length > 0) this.#stream.write({ commands, listen: [] })
  }

  #take(results: readonly Result[]): void {
    const now = performance.now()
    for (const result of results) {
      const session = this.#byId.get(result.session)
      if (session === undefined) continue
      const sentAt = session.sentAt.get(result.seq) ?? now
      session.sentAt.delete(result.seq)
      session.answered.add(result.seq)
      while (session.answered.delete(session.ackedThrough + 1)) session.ackedThrough++
      this.#inflight--
      this.#judge(result, sentAt, now)
    }
    this.#fill()
  }

  #judge(result: Result, sentAt: number, now: number): void {
    const { outcome } = result
    const answer = outcome?.$case === 'answer' ? decodeAnswer(outcome.value) : null
    if (answer?.type !== 'Ok') {
      const kind =
        outcome?.$case === 'answer' ? (answer?.type ?? 'none') : (outcome?.$case ?? 'none')
      if (kind === 'indeterminate') this.#unknown++
      this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1)
      return
    }
    this.#acknowledged++
    this.#revisions.add(decodePut(answer.result).header?.revision ?? 0)
    if (sentAt >= this.#began && now <= this.#ends) this.#samples.add(now - sentAt)
  }
}
