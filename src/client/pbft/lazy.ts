/** The PBFT engine, loaded when it is first needed: a client of Raft does without the curves. */
import { ClientError } from '../errors.js'
import type { Settings } from '../options.js'
import type { PbftEngine, PbftSetup } from './engine.js'

export class LazyPbftEngine {
  readonly nodes: readonly string[]
  readonly #settings: Settings
  readonly #setup: PbftSetup
  #engine: Promise<PbftEngine> | null = null
  #closed = false

  constructor(endpoints: readonly string[], settings: Settings, setup: PbftSetup) {
    this.nodes = endpoints
    this.#settings = settings
    this.#setup = setup
  }

  async run(
    kind: 'command' | 'query',
    payload: Uint8Array,
    timeoutMs: number,
  ): Promise<Uint8Array> {
    this.#engine ??= import('./engine.js').then(
      ({ PbftEngine }) => new PbftEngine(this.nodes, this.#settings, this.#setup),
    )
    const engine = await this.#engine
    if (this.#closed) throw new ClientError('Closed', 'the client is closed')
    return engine.run(kind, payload, timeoutMs)
  }

  close(): void {
    this.#closed = true
    void this.#engine?.then((engine) => engine.close())
  }
}
