/**
 * Clients that watch: each on one node, and now and then on another, where it goes on behind the last revision that it
 * was told. What they are told is kept, to be held against what a watch promises.
 */
import { checkWatches } from '../../check/watch.js'
import type { WatchEvent, WatchLine } from '../../check/watch-lines.js'
import type { Version } from '../../machine/kv/history.js'
import type { Watcher } from '../../machine/watch/watcher.js'
import { check } from '../checkers/violation.js'
import type { World } from '../world.js'
import type { ObservedKv } from './observed-kv.js'
import { type Change, changeOf } from './truth.js'

/** How long a client stays with a node (ms). */
const STAY_MS_MEAN = 700
/** Between two progress notices (ms). */
const NOTICE_MS_MEAN = 300

/** Ranges that are watched, each by one client; '' ends at no key. */
const WATCHED: readonly { readonly key: string; readonly end: string | null }[] = [
  { key: '\0', end: '' },
  { key: '\0', end: '' },
  { key: 'k1', end: 'k4' },
  { key: 'k1', end: null },
]

interface Client {
  readonly number: number
  readonly range: { readonly key: string; readonly end: string | null }
  /** Of the watch that is open; it changes with each. */
  name: string
  /** Up to here it was told all; null: it does not know where it is. */
  told: number | null
  stop: () => void
}

export class WatchClients {
  readonly #world: World
  readonly #nodes: () => readonly ObservedKv[]
  readonly #lines: WatchLine[] = []
  readonly #clients: readonly Client[]
  #opened = 0

  constructor(world: World, nodes: () => readonly ObservedKv[]) {
    this.#world = world
    this.#nodes = nodes
    this.#clients = WATCHED.map((range, number) => ({
      number,
      range,
      name: '',
      told: null,
      stop: () => {},
    }))
    for (const client of this.#clients) this.#move(client)
  }

  /** Throws a Violation. */
  judge(changes: readonly Change[]): void {
    for (const client of this.#clients) client.stop()
    const written: WatchLine = { type: 'write', line: 0, events: changes.map(eventOf) }
    const { violations } = checkWatches([written, ...this.#lines])
    const [first] = violations
    check(
      first === undefined,
      `watch-${first?.rule ?? ''}`,
      () => `watch ${first?.watch}: ${first?.message}`,
    )
  }

  /** Events that were told to all. */
  get told(): number {
    return this.#lines.reduce(
      (sum, line) => sum + (line.type === 'events' ? line.events.length : 0),
      0,
    )
  }

  #move(client: Client): void {
    const world = this.#world
    world.after(world.exponential(STAY_MS_MEAN), () => {
      client.stop()
      const nodes = this.#nodes()
      const node = nodes[world.int(0, Math.max(0, nodes.length - 1))]
      if (node !== undefined) this.#open(client, node)
      this.#move(client)
    })
  }

  #open(client: Client, node: ObservedKv): void {
    const { range } = client
    client.name = `${client.number}#${++this.#opened}`
    const watch = client.name
    const resumes = client.told !== null
    const next = client.told === null ? node.kv.revision + 1 : client.told + 1
    this.#say({ type: 'start', watch, line: 0, ...range, revision: resumes ? next : null })
    const watcher: Watcher = {
      id: client.number,
      range: { key: range.key, end: range.end === null ? '' : range.end === '' ? null : range.end },
      noPut: false,
      noDelete: false,
      prevKv: false,
      fragment: false,
      progressNotify: false,
      sink: {
        writable: true,
        events: (_, versions, revision) => this.#events(client, versions, revision),
        // Where it stood is compacted away: it begins anew.
        compacted: () => {
          client.told = null
          client.stop()
        },
      },
      next,
    }
    node.hub.add(watcher)
    client.told = next - 1
    let open = true
    client.stop = () => {
      open = false
      node.hub.remove(watcher)
    }
    const notice = () => {
      if (!open) return
      this.#notice(client, node, watcher)
      this.#world.after(this.#world.exponential(NOTICE_MS_MEAN), notice)
    }
    this.#world.after(this.#world.exponential(NOTICE_MS_MEAN), notice)
  }

  #events(client: Client, versions: readonly Version[], revision: number): void {
    const events = versions.map((version) => eventOf(changeOf(version)))
    this.#say({ type: 'events', watch: client.name, line: 0, events, fragment: false })
    client.told = revision
  }

  #notice(client: Client, node: ObservedKv, watcher: Watcher): void {
    const { hub } = node
    if (!hub.inStep(watcher.sink) || hub.told < watcher.next) return
    this.#say({ type: 'progress', watch: client.name, line: 0, revision: hub.told })
    client.told = Math.max(client.told ?? 0, hub.told)
  }

  #say(line: WatchLine): void {
    this.#lines.push({ ...line, line: this.#lines.length + 1 })
  }
}

function eventOf(change: Change): WatchEvent {
  const { key, value, revision, version, create } = change
  return value === null
    ? { type: 'delete', key, value, revision, version: null, create: null }
    : { type: 'put', key, value, revision, version, create }
}
