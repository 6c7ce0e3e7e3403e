/**
 * A replicated counter: three nodes in one process, one state machine of our own on each.
 *
 *   npx tsc -b && npx vitest run examples      (runs it as a test)
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode, type QuorateNode, type StateMachine, SubmitError } from 'quorate'

/** Commands add a signed byte; the result and every query are the sum, as text. */
export class Counter implements StateMachine {
  #sum = 0

  apply(command: Uint8Array): Uint8Array {
    for (const byte of new Int8Array(command)) this.#sum += byte
    return this.query()
  }

  query(): Uint8Array {
    return new TextEncoder().encode(String(this.#sum))
  }

  *snapshot(): Iterable<Uint8Array> {
    yield this.query()
  }

  restore(chunks: Iterable<Uint8Array>): void {
    const text = [...chunks].map((chunk) => new TextDecoder().decode(chunk)).join('')
    this.#sum = Number(text)
  }

  hash(): string {
    return String(this.#sum)
  }
}

/** Runs a command on whichever node leads; the others say who that is. */
export async function submitAnywhere(
  nodes: ReadonlyMap<string, QuorateNode>,
  command: Uint8Array,
): Promise<Uint8Array> {
  const end = Date.now() + 10_000
  let names = [...nodes.keys()]
  for (;;) {
    const name = names[0] as string
    try {
      return await (nodes.get(name) as QuorateNode).submit(command)
    } catch (error) {
      // Only what was certainly not executed is tried again: the node elsewhere knows nothing of this attempt.
      if (!(error instanceof SubmitError) || error.outcome === 'Indeterminate') throw error
      if (Date.now() > end) throw error
      const next = error.leader
      names = next === null ? [...names.slice(1), name] : [next, ...names.filter((n) => n !== next)]
      await new Promise((done) => setTimeout(done, 20))
    }
  }
}

/** Starts three nodes, counts to five, and gives what each node sees. */
export async function run(ports: readonly number[]): Promise<string[]> {
  const dir = await mkdtemp(join(tmpdir(), 'quorate-counter-'))
  const peers = Object.fromEntries(ports.map((port, i) => [`n${i + 1}`, `127.0.0.1:${port}`]))
  const nodes = new Map<string, QuorateNode>()
  try {
    for (const [name, listenPeer] of Object.entries(peers))
      nodes.set(
        name,
        await createNode({
          name,
          dataDir: join(dir, name),
          listenPeer,
          peers,
          machine: new Counter(),
        }),
      )
    for (let i = 0; i < 5; i++) await submitAnywhere(nodes, Uint8Array.of(1))
    const seen: string[] = []
    // Linearizable: every node, also one that lags behind, answers with what was acknowledged.
    for (const node of nodes.values())
      seen.push(new TextDecoder().decode(await node.query(new Uint8Array(0))))
    return seen
  } finally {
    for (const node of nodes.values()) await node.close()
    await rm(dir, { recursive: true, force: true })
  }
}
