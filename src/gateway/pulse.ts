/** Whether the cluster answers: by what is asked anyhow, and, while nobody asks, by a question now and then. */

/** After so long without an answer one is asked for, and after so long it counts as gone. */
const QUIET_MS_MAX = 3_000
const ANSWER_AGE_MS_MAX = 10_000
const LOOK_MS = 500

export interface PulseParts {
  /** Ms, monotonic. */
  now(): number
  /** Ends when f+1 replicas have answered, or did not in time; then it rejects. */
  ask(): Promise<void>
  /** It answers, for the first time or again; or it does not any more: `why` is what the last question met, if any. */
  changed(answers: boolean, why: string | null): void
}

export class Pulse {
  readonly #parts: PulseParts
  readonly #startedAt: number
  #answeredAt: number | null = null
  #asking = false
  #told: boolean | null = null
  /** Of the last question, when it failed. */
  #why: string | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(parts: PulseParts) {
    this.#parts = parts
    this.#startedAt = parts.now()
  }

  get answers(): boolean {
    return this.#answeredAt !== null && this.#parts.now() - this.#answeredAt < ANSWER_AGE_MS_MAX
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_MS)
    this.look()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  /** f+1 replicas have just answered something. */
  answered(): void {
    this.#answeredAt = this.#parts.now()
    this.#why = null
    this.#tell(true)
  }

  look(): void {
    const { answers } = this
    const patient = this.#parts.now() - this.#startedAt < QUIET_MS_MAX
    if (!answers && !(this.#told === null && patient)) this.#tell(false)
    const quietMs = this.#parts.now() - (this.#answeredAt ?? Number.NEGATIVE_INFINITY)
    if (this.#asking || quietMs < QUIET_MS_MAX) return
    this.#asking = true
    this.#parts
      .ask()
      .catch((error: unknown) => {
        this.#why = error instanceof Error ? error.message : String(error)
      })
      .finally(() => {
        this.#asking = false
      })
  }

  #tell(answers: boolean): void {
    if (this.#told === answers) return
    this.#told = answers
    this.#parts.changed(answers, this.#why)
  }
}
