/** What clients asked and what they were told, as one JSON object a line, in Jepsen's words. */
import { createWriteStream, type WriteStream } from 'node:fs'

export type OpType = 'invoke' | 'ok' | 'fail' | 'info'

export interface HistoryLine {
  readonly process: number
  readonly type: OpType
  readonly f: string
  readonly key: string
  readonly value: unknown
  /** What the client was told instead of an answer. */
  readonly error?: string
  /** ns since the start of the run, of a monotonic clock. */
  readonly time: number
}

export class History {
  readonly path: string
  readonly counts: Record<OpType, number> = { invoke: 0, ok: 0, fail: 0, info: 0 }
  readonly lines: HistoryLine[] = []
  readonly #out: WriteStream
  readonly #start = performance.now()

  constructor(path: string) {
    this.path = path
    this.#out = createWriteStream(path)
  }

  add(line: Omit<HistoryLine, 'time'>): void {
    const time = Math.round((performance.now() - this.#start) * 1e6)
    const whole = { ...line, time }
    this.lines.push(whole)
    this.counts[line.type]++
    this.#out.write(`${JSON.stringify(whole)}\n`)
  }

  /** Operations of which the outcome is known. */
  get completed(): number {
    return this.counts.ok + this.counts.fail
  }

  /** All of it is in the file. */
  async close(): Promise<void> {
    if (this.#out.closed) return
    await new Promise<void>((done) => this.#out.end(() => done()))
  }
}
