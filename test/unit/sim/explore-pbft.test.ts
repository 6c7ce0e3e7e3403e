/** Small worlds of PBFT: that what is left out of a world makes no difference, and that the search is what it says. */
import { describe, expect, it } from 'vitest'
import { pick, seededRandom } from '../../../src/base/random.js'
import { Pbft } from '../../../src/consensus/pbft/index.js'
import { explorePbft, PBFT_WORLDS, type PbftWorld } from '../../../src/sim/explore/index.js'
import { Alphabet } from '../../../src/sim/explore/pbft/alphabet.js'
import { normalise } from '../../../src/sim/explore/pbft/normal.js'
import { checkSaid, type Facts, judge } from '../../../src/sim/explore/pbft/promises.js'
import { type Replica, Stepper } from '../../../src/sim/explore/pbft/replica.js'
import { settingOf } from '../../../src/sim/explore/pbft/setting.js'
import { clonePlain, encodePlain } from '../../../src/sim/explore/plain.js'
import { run } from '../cli/run.js'

function world(name: string): PbftWorld {
  const found = PBFT_WORLDS.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no world ${name}`)
  return found
}

function explored(given: PbftWorld, symmetry = true) {
  const exploration = explorePbft(given, { symmetry })
  while (exploration.progress.states < given.statesMax && exploration.advance(500));
  return exploration
}

describe('small worlds of PBFT', () => {
  it('sees the whole of two of them, and nothing in them breaks a promise', () => {
    // As in docs/small-worlds.md. Another number means that the core can do more, or less, than it could: look why, then
    // write it down here and there.
    for (const [name, progress] of [
      ['six', { states: 323, transitions: 2_138, depth: 15 }],
      ['lying-backup', { states: 27_465, transitions: 124_596, depth: 18 }],
    ] as const) {
      const exploration = explored(world(name))
      expect(exploration.found).toBeNull()
      expect(exploration.complete).toBe(true)
      expect(exploration.progress).toMatchObject(progress)
    }
  })

  it('comes to as many worlds more as there are names for them, when it tells names apart', () => {
    const orbits = explored(world('six'))
    const all = explored(world('six'), false)
    expect(all.complete && orbits.complete).toBe(true)
    expect(all.progress.depth).toBe(orbits.progress.depth)
    // Five backups that are alike, except to the message that tells them apart.
    expect(all.progress.states).toBeGreaterThan(10 * orbits.progress.states)
    expect(all.progress.states).toBeLessThanOrEqual(120 * orbits.progress.states)
  })

  it('walks the same ways from the same seed, and begins where it is told to', () => {
    const sampled = { ...world('two-indices-3'), statesMax: 200 }
    expect(explored(sampled).progress).toEqual(explored(sampled).progress)
    expect(() => explorePbft({ ...world('three-views'), begin: ['n1 gives up'] })).toThrow(
      'no move "n1 gives up", but:',
    )
  })

  it('leaves out nothing that makes a difference: who writes, says and executes nothing is in the same normal form', () => {
    let quiet = 0
    for (const name of ['lying-primary', 'lying-successor', 'two-indices-3'])
      for (let seed = 1; seed <= 3; seed++) quiet += quietTellings(world(name), seed)
    expect(quiet).toBeGreaterThan(5_000)
  })
})

/** Along a walk: how many tellings made a core do nothing that others could notice. Each left its normal form alone. */
function quietTellings(given: PbftWorld, seed: number): number {
  const setting = settingOf(given)
  const bodies = setting.letters.flatMap(({ batch }) => batch ?? [])
  const shared = new Set<object>([setting.options, ...bodies])
  const alphabet = new Alphabet(setting)
  const stepper = new Stepper(setting, shared)
  const random = seededRandom(seed)
  const honest = [...setting.ids.keys()].filter((place) => place !== setting.liar)
  const replicas = setting.ids.map((_, at) => stepper.first(at))
  let quiet = 0
  for (let i = 0; i < 15; i++) {
    const at = pick(random, honest)
    const before = replicas[at] as Replica
    const said = replicas.map(
      (one) => new Map([...one.said].map(([key, m]) => [key, alphabet.numberOf(m)])),
    )
    const normal = encodePlain(before.core.state, shared)
    const nexts: Replica[] = []
    for (const { tellings } of alphabet.groupsFor(at, said))
      for (const { from, messages } of tellings) {
        const core = new Pbft(clonePlain(before.core.state, shared))
        const effects = messages.flatMap((message) => core.step({ type: 'Receive', from, message }))
        if (effects.every(({ type }) => type === 'Note')) {
          quiet++
          normalise(core.state, setting)
          expect(encodePlain(core.state, shared)).toBe(normal)
        } else {
          const { replica } = stepper.take(before, { type: 'hear', from, messages })
          if (replica !== null) nexts.push(replica)
        }
      }
    const { replica } = stepper.take(before, { type: 'leave' })
    if (replica !== null && before.core.state.view + 1 < setting.views) nexts.push(replica)
    if (nexts.length > 0) replicas[at] = pick(random, nexts)
  }
  return quiet
}

describe('what the search would say', () => {
  const nothing: Facts = { prepared: new Map(), committed: [], entered: [] }
  const committed = { ...nothing, committed: [{ index: 1, view: 0, digest: 'a' }] }

  it('two batches at one index, two certificates in one view, a view that begins without what was committed', () => {
    const other = { ...nothing, committed: [{ index: 1, view: 1, digest: 'b' }] }
    expect(judge(committed, other)).toContain('agreement')
    const prepared = (digest: string) => ({ ...nothing, prepared: new Map([['0 1', digest]]) })
    expect(judge(prepared('a'), prepared('b'))).toContain('certificates')
    const entered = (digests: string[]) => ({ ...nothing, entered: [{ view: 1, digests }] })
    expect(judge(committed, entered([]))).toContain('survival')
    expect(judge(committed, entered(['b']))).toContain('survival')
    expect(judge(committed, entered(['a']))).toBeNull()
  })

  it('a replica that says two things, or votes where it left', () => {
    const signed = { sender: 'n2', epoch: 0, signature: new Uint8Array(0) }
    const vote = (digest: string) =>
      ({ type: 'Prepare', view: 0, index: 1, digest, ...signed }) as const
    const left = { type: 'ViewChange', view: 1, stable: 0, checkpoints: [], prepared: [] } as const
    expect(checkSaid(new Map(), [vote('a'), vote('a')])).toBeNull()
    expect(checkSaid(new Map(), [vote('a'), vote('b')])).toContain('contradiction')
    expect(checkSaid(new Map(), [{ ...left, ...signed }, vote('a')])).toContain('left view')
  })
})

describe('quorate explore --protocol pbft', () => {
  it('searches a world of PBFT by its name', async () => {
    const { code, stdout } = await run(['explore', '--protocol', 'pbft', '--world', 'six'])
    expect(code).toBe(0)
    expect(stdout).toContain('323 states')
    expect(stdout.trim().split('\n').at(-1)).toBe('worlds-pbft: 1 passed, 0 failed, 0 skipped')
  })
})
