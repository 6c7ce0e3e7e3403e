/** Watches a development cluster from outside, as any client would, and tells who leads. */
import { Client } from '../../client/client.js'
import type { PbftTrust } from '../../client/index.js'

/** Between two looks: until somebody leads, and from then on. */
const FIRST_POLL_MS = 50
const POLL_MS = 250
const ASK_TIMEOUT_MS = 1_000

export interface Leadership {
  readonly leader: string
  readonly term: number
}

export class ClusterWatch {
  readonly #endpoints: readonly string[]
  readonly #onLeader: (leadership: Leadership) => void
  readonly #client: Client
  #timer: NodeJS.Timeout | null = null
  #known: Leadership | null = null
  #closed = false

  /** `pbft`: whom to believe, where no single node may be. */
  constructor(
    endpoints: readonly string[],
    onLeader: (leadership: Leadership) => void,
    pbft: PbftTrust | null = null,
  ) {
    this.#endpoints = endpoints
    this.#onLeader = onLeader
    const trust = pbft === null ? {} : { pbft }
    this.#client = new Client({ endpoints, dialTimeoutMs: ASK_TIMEOUT_MS, ...trust })
    this.#later()
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#client.close()
  }

  #later(): void {
    if (this.#closed) return
    const pause = this.#known === null ? FIRST_POLL_MS : POLL_MS
    this.#timer = setTimeout(() => {
      this.#look().then(
        () => this.#later(),
        () => this.#later(),
      )
    }, pause)
  }

  async #look(): Promise<void> {
    const seen = await Promise.allSettled(
      this.#endpoints.map((endpoint) =>
        this.#client.status(endpoint, { timeoutMs: ASK_TIMEOUT_MS }),
      ),
    )
    const leaders = seen
      .flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      .filter(({ role }) => role === 'leader' || role === 'primary')
      .sort((a, b) => b.term - a.term)
    const [leader] = leaders
    if (leader === undefined || leader.term <= (this.#known?.term ?? -1) || this.#closed) return
    // It leads once a quorum goes along: a read that must be linearizable tells.
    await this.#client.query(PROBE, { timeoutMs: ASK_TIMEOUT_MS })
    if (this.#closed) return
    this.#known = { leader: leader.name, term: leader.term }
    this.#onLeader(this.#known)
  }
}

/** Any query will do: it is the confirmation that counts, not the answer. */
const PROBE = Uint8Array.of(0)
