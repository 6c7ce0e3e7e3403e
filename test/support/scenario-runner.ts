/** The commands of Raft's scenarios. */
import { DEFAULT_OPTIONS } from '../../src/consensus/raft/index.js'
import { ScenarioCluster } from './scenario-cluster.js'
import { type Language, wholeNumber as number, optionsIn, rerunIn } from './scenario-script.js'

/** The same scenario with the trace that the code gives now. */
export function rerun(text: string): string {
  return rerunIn(text, LANGUAGE)
}

function clusterOf(words: readonly string[]): ScenarioCluster {
  const options = { electionTicks: 10, heartbeatTicks: 2, ...optionsIn(words, DEFAULT_OPTIONS) }
  const ids = words.filter((word) => !word.includes('='))
  return new ScenarioCluster(ids, { ...DEFAULT_OPTIONS, ...options })
}

type Command = (c: ScenarioCluster, args: readonly string[]) => void

const COMMANDS: { readonly [name: string]: Command } = {
  // Time.
  tick(c, [who, times]) {
    for (let i = number(times ?? '1'); i > 0; i--) for (const node of some(c, who)) node.tick()
  },
  /** So many ticks of everybody, with every message delivered at once. */
  run(c, [times]) {
    for (let i = number(times ?? '1'); i > 0; i--) {
      for (const node of some(c, 'all')) node.tick()
      c.deliverAll()
    }
  },
  /** Time passes for a node until it asks for votes. */
  campaign(c, [who]) {
    const node = c.node(who)
    const begun = node.running().state.term
    for (let i = 0; i < 4 * c.options.electionTicks; i++) {
      const { role, term } = node.running().state
      if (role.type === 'pre-candidate' || term > begun) return
      node.tick()
    }
    throw new Error(`${who} does not campaign`)
  },
  /** Campaigns and wins with these votes; what it asks of others is lost. Its first entries are on the way. */
  elect(c, [who = '', by, ...voters]) {
    if (by !== 'by') throw new Error('elect WHO by WHOM')
    for (const voter of voters) waitForNoLeader(c, voter)
    const { state } = c.node(who).running()
    for (let ticks = 0; state.role.type !== 'leader'; ticks++) {
      if (ticks > 8 * c.options.electionTicks) throw new Error(`${who} is not elected`)
      c.node(who).tick()
      exchangeVotes(c, who, voters)
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
  duplicate(c, args) {
    for (const one of chosen(c, args)) c.duplicate(one)
  },
  flying(c) {
    for (const one of c.flying)
      c.trace(`#${one.number} ${one.from} -> ${one.to} ${one.type}`, false)
  },
  partition(c, args) {
    c.partition(
      args
        .join(' ')
        .split('|')
        .map((side) => side.trim().split(/\s+/)),
    )
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
  persist(c, [who, writes]) {
    const done = c.node(who).persist(writes === undefined ? undefined : number(writes))
    if (!done) throw new Error('nothing waits for the disk')
  },
  crash(c, [who, how, writes]) {
    const keep = how === 'losing-unsynced' ? 0 : Number.POSITIVE_INFINITY
    c.node(who).crash(how === 'keeping' ? number(writes) : keep)
  },
  /** Of a node that is down: what is damaged shows at its restart. */
  rot(c, [who, from, through]) {
    const node = c.node(who)
    if (node.core !== null) throw new Error(`${who} runs`)
    if (from === 'snapshot') node.rotSnapshot()
    else node.rot(number(from), number(through ?? from))
  },
  restart(c, [who]) {
    c.node(who).boot()
  },

  // Clients and operators.
  propose(c, [who, ...names]) {
    c.propose(who ?? '', names)
  },
  read(c, [who, name]) {
    c.read(who ?? '', name ?? '')
  },
  transfer(c, [who, to]) {
    c.node(who).step({ type: 'TransferLeadership', to: c.node(to).id })
  },
  snapshot(c, [who, how]) {
    if (how !== 'taken' && how !== 'failed') throw new Error('taken or failed')
    c.node(who).snapshotDone(how === 'taken')
  },
  'snapshot-arrives'(c, [who]) {
    c.snapshotEnds(who ?? '', true)
  },
  'snapshot-lost'(c, [who]) {
    c.snapshotEnds(who ?? '', false)
  },
  show(c, args) {
    const nodes = args.length > 0 ? args.map((id) => c.node(id)) : [...c.nodes.values()]
    for (const node of nodes) c.trace(node.describe(), false)
  },
}

const LANGUAGE: Language<ScenarioCluster> = { open: clusterOf, commands: COMMANDS }

/** Until it would vote for another: it has not heard a leader for an election timeout. */
function waitForNoLeader(c: ScenarioCluster, who: string): void {
  const node = c.node(who)
  const { state } = node.running()
  const hears = () => state.role.type === 'follower' && state.role.leader !== null
  while (hears() && state.electionElapsed < c.options.electionTicks) node.tick()
}

/** Only `who` asks, and only these are asked. */
function exchangeVotes(c: ScenarioCluster, who: string, voters: readonly string[]): void {
  for (;;) {
    const vote = c.flying.find((one) => /Vote/.test(one.type))
    if (vote === undefined) return
    const asked = vote.from === who && voters.includes(vote.to)
    const answered = vote.to === who && vote.type.endsWith('Reply')
    if (asked || answered) c.deliver(vote)
    else c.remove(vote)
  }
}

function some(c: ScenarioCluster, who: string | undefined) {
  return who === 'all' ? [...c.nodes.values()].filter((node) => node.core !== null) : [c.node(who)]
}

/** `#7`: that message; `n1->n2 2`: the two oldest of that link; without a number all of them. */
function chosen(c: ScenarioCluster, [what = '', count]: readonly string[]) {
  const found = what.startsWith('#')
    ? c.flying.filter((one) => one.number === number(what.slice(1)))
    : what === 'all'
      ? [...c.flying]
      : c.flying.filter((one) => `${one.from}->${one.to}` === what)
  if (found.length === 0 && what !== 'all') throw new Error(`nothing is on the way: ${what}`)
  return count === undefined ? found : found.slice(0, number(count))
}
