// `node test/worlds/mutants.mjs [--protocol pbft] [--only NAME] [--states N]`: bugs planted in a copy of the sources; which world finds each,
// after how many states, and how short the way to it is. With and without the check of what leaves a node.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PBFT_MUTANTS } from './pbft-mutants.mjs'
import { asOne, withTree } from './planting.mjs'

/** Raft's by name, in test/mutants: the world to look in. */
const WANTED = {
  'votes-twice-in-a-term': 'repeats',
  'vote-not-persisted': 'restarts',
  'vote-lost-at-restart': 'restarts',
  'vote-reply-before-the-disk': 'restarts',
  'vote-request-before-own-vote-is-durable': 'restarts',
  'term-not-persisted': 'restarts',
  'vote-reply-of-an-older-term': 'elections',
  'vote-without-log-comparison': 'entry',
  'log-compared-in-the-pre-vote-only': 'entry',
  'commits-by-counting-an-old-term': 'figure-8',
  'ack-before-the-disk': 'entry',
  'leader-counts-itself-before-the-disk': 'entry',
  'append-truncates-without-a-conflict': 'entry',
  'empty-append-truncates': 'entry',
  'previous-term-not-compared': 'split',
  'commit-beyond-the-last-new-entry': 'split',
  'acks-its-whole-log': 'split',
  'append-keeps-a-conflict': 'split',
  'sync-vouches-for-rewritten-entries': 'figure-8',
}

const { values } = parseArgs({
  options: {
    protocol: { type: 'string', default: 'raft' },
    only: { type: 'string', multiple: true, default: [] },
    world: { type: 'string' },
    states: { type: 'string', default: '2000000' },
    'gate-only': { type: 'boolean', default: false },
  },
})
let missed = 0
await withTree(async (tree, load) => {
  if (values.protocol === 'pbft') {
    console.log('| bug | world | states | path | by |')
    console.log('|---|---|---|---|---|')
    for (const bug of PBFT_MUTANTS) pbftLine(tree, bug)
  } else {
    console.log('| bug | world | states | path | by | states, promises only | path | by |')
    console.log('|---|---|---|---|---|---|---|---|')
    for (const [name, world] of Object.entries(WANTED)) await raftLine(tree, load, { name, world })
  }
})
process.exitCode = missed === 0 ? 0 : 1

async function raftLine(tree, load, { name, world }) {
  if (values.only.length > 0 && !values.only.includes(name)) return
  const { mutant } = await load(`${name}.js`)
  tree.plant({ ...mutant, name })
  const where = values.world ?? world
  const first = searched(tree, where, [])
  if (first.includes('not found')) missed++
  const second = values['gate-only'] ? '' : searched(tree, where, ['--no-promises'])
  console.log(`| ${name} | ${where} | ${first} | ${second} |`)
}

function pbftLine(tree, bug) {
  if (values.only.length > 0 && !values.only.includes(bug.name)) return
  tree.plant(asOne(bug))
  const where = values.world ?? bug.world
  const first = searched(tree, where, [])
  if (first.includes('not found')) missed++
  console.log(`| ${bug.name} | ${where} | ${first} |`)
}

/** In a process of its own: the sources are those of the copy. */
function searched(tree, world, flags) {
  const main = join(tree.root, 'dist/cli/main.js')
  const protocol = ['--protocol', values.protocol]
  const args = [
    main,
    'explore',
    ...protocol,
    '--world',
    world,
    '--states',
    values.states,
    '--json',
    ...flags,
  ]
  const run = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (run.stdout === '') throw new Error(`${world}: ${run.stderr}`)
  const result = JSON.parse(run.stdout)
  if (result.found === null) {
    return `${result.states}${result.complete ? ' (all)' : ''} | - | not found`
  }
  const { states, path, broken } = result.found
  return `${states.toLocaleString('en')} | ${path.length} | ${broken}`
}
