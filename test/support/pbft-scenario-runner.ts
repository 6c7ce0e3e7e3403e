/** The commands of PBFT's scenarios. */
import { DEFAULT_OPTIONS } from '../../src/consensus/pbft/index.js'
import { PbftScenarioCluster } from './pbft-scenario-cluster.js'
import { type Language, optionsIn, rerunIn, wholeNumber } from './scenario-script.js'

/** The same scenario with the trace that the code gives now. */
export function rerunPbft(text: string): string {
  return rerunIn(text, LANGUAGE)
}

/** Small, so that a story gets to checkpoints, and to the end of somebody's patience; what is asked is proposed at once. */
const TUNING = {
  checkpointInterval: 2,
  windowIndices: 4,
  requestTicks: 10,
  viewChangeTicks: 10,
  statusTicks: 1_000,
  unpreparedIndices: 4,
}

function clusterOf(words: readonly string[]): PbftScenarioCluster {
  const options = { ...TUNING, ...optionsIn(words, DEFAULT_OPTIONS) }
  const ids = words.filter((word) => !word.includes('='))
  return new PbftScenarioCluster(ids, { ...DEFAULT_OPTIONS, clusterId: 'scenario', ...options })
}

type Command = (c: PbftScenarioCluster, args: readonly string[]) => void

const COMMANDS: { readonly [name: string]: Command } = {
  // Time.
  tick(c, [who, times]) {
    for (let i = wholeNumber(times ?? '1'); i > 0; i--) for (const node of some(c, who)) node.tick()
  },
  /** Its patience is at an end: it has waited too long for a request, or for a view. */
  impatient(c, [who]) {
    for (const node of some(c, who)) {
      const { state } = node.running()
      const { view } = state
      for (let ticks = 0; state.view === view; ticks++) {
        if (ticks > 4 * c.options.viewChangeTicksMax) throw new Error(`${who} waits for nothing`)
        // The others are there, and patience is counted.
        state.heardElapsed = 0
        node.tick()
      }
    }
  },
  /** Tells the others how far it is, as it does now and then. */
  status(c, [who]) {
    for (const node of some(c, who)) {
      node.running().state.statusElapsed = c.options.statusTicks
      node.tick()
    }
  },

  // The network.
  deliver(c, args) {
    if (args[0] === 'all') return c.deliverAll()
    for (const one of chosen(c, args)) c.deliver(one)
  },
  drop(c, args) {
    for (const one of chosen(c, args)) {
      c.remove(one)
      c.trace(`#${one.number} ${one.type} from ${one.from} to ${one.to} is lost`, true)
    }
  },
  partition(c, args) {
    const sides = args.join(' ').split('|')
    c.partition(sides.map((side) => side.trim().split(/\s+/)))
  },
  heal(c) {
    c.heal()
  },

  // Disks.
  disk(c, [who, how]) {
    if (how !== 'manual' && how !== 'automatic') throw new Error('manual or automatic')
    for (const node of some(c, who)) {
      node.autoSync = how === 'automatic'
      if (node.autoSync && node.core !== null) node.persist()
    }
  },
  persist(c, [who]) {
    if (!c.node(who).persist()) throw new Error('nothing waits for the disk')
  },
  crash(c, [who]) {
    c.node(who).crash()
  },
  rot(c, [who]) {
    c.node(who).rot()
  },
  restart(c, [who]) {
    c.node(who).boot()
  },

  // Clients and liars.
  ask(c, [who, ...names]) {
    const requests = names.map((name) => c.request(name))
    for (const node of some(c, who)) node.propose(requests)
  },
  forge(c, [who, index, names, to, ...whom]) {
    if (to !== 'to') throw new Error('forge WHO INDEX NAMES to WHOM')
    c.forge(c.node(who).id, wholeNumber(index), { names: (names ?? '').split('+'), to: whom })
  },
  show(c, args) {
    const nodes = args.length > 0 ? args.map((id) => c.node(id)) : [...c.nodes.values()]
    for (const node of nodes) c.trace(node.describe(), false)
  },
}

const LANGUAGE: Language<PbftScenarioCluster> = { open: clusterOf, commands: COMMANDS }

function some(c: PbftScenarioCluster, who: string | undefined) {
  return who === 'all' ? [...c.nodes.values()].filter((node) => node.core !== null) : [c.node(who)]
}

/** All that is on the way now and fits each word: `#7`, a link `n1->n2` (`*` is anybody), or a type of message. */
function chosen(c: PbftScenarioCluster, words: readonly string[]) {
  const found = c.flying.filter((one) => words.every((word) => fits(one, word)))
  if (found.length === 0) throw new Error(`nothing is on the way: ${words.join(' ')}`)
  return found
}

function fits(
  one: { number: number; from: string; to: string; type: string },
  word: string,
): boolean {
  if (word.startsWith('#')) return one.number === wholeNumber(word.slice(1))
  const [from = '', to] = word.split('->')
  if (to === undefined) return one.type === word
  return (from === '*' || from === one.from) && (to === '*' || to === one.to)
}
