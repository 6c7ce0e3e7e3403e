/** A core that plays a script and remembers its inputs, and ports that complete only when the test says so. */

import { latin1Decode, latin1Encode } from '../../../src/base/latin1.js'
import type {
  Core,
  CoreStatus,
  Effect,
  Entry,
  Input,
  Note,
  Request,
  SnapshotDelivery,
  SnapshotMeta,
} from '../../../src/consensus/contract.js'
import { Driver } from '../../../src/driver/driver.js'
import type { Limits } from '../../../src/driver/limits.js'

export interface TestMessage {
  readonly type: 'Test'
  readonly text: string
}
export type TestRecord = string
export type TestEffect = Effect<TestMessage, TestRecord>
export type TestInput = Input<TestMessage>

export const SNAPSHOT: SnapshotMeta = {
  index: 7,
  term: 2,
  time: 5,
  configuration: {
    members: [],
    voters: [],
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
  },
  digest: '',
  bytes: 0,
}

export class ScriptedCore implements Core<TestMessage, TestRecord> {
  readonly inputs: TestInput[] = []
  role: CoreStatus['role'] = 'leader'
  term = 1
  leader: string | null = null
  /** What each input answers; later scripts are asked first. */
  readonly script: ((input: TestInput) => TestEffect[] | undefined)[] = []

  on<K extends TestInput['type']>(
    type: K,
    effects: (input: Extract<TestInput, { type: K }>) => TestEffect[],
  ): void {
    this.script.unshift((input) =>
      input.type === type ? effects(input as Extract<TestInput, { type: K }>) : undefined,
    )
  }

  step(input: TestInput): TestEffect[] {
    this.inputs.push(input)
    for (const answer of this.script) {
      const effects = answer(input)
      if (effects !== undefined) return effects
    }
    return []
  }

  stateRecord(): TestRecord {
    return `state of term ${this.term}`
  }

  shape(): Uint8Array {
    return latin1Encode(`shape of term ${this.term}`)
  }

  status(): CoreStatus {
    return {
      role: this.role,
      term: this.term,
      leader: this.leader,
      firstIndex: 1,
      lastIndex: 0,
      commitIndex: 0,
      appliedIndex: 0,
      missing: 0,
      snapshotIndex: 0,
      configuration: SNAPSHOT.configuration,
      matchIndex: new Map(),
    }
  }

  types(): string[] {
    return this.inputs.map((input) => input.type)
  }
}

export interface Harness {
  readonly core: ScriptedCore
  readonly driver: Driver<TestMessage, TestRecord>
  /** What the world saw, in order. */
  readonly log: string[]
  readonly notes: Note[]
  readonly applies: { entries: readonly Entry[]; done: (r: Uint8Array[][]) => void }[]
  readonly inOrder: (() => void)[]
  readonly stored: Map<string, Uint8Array>
  readonly checkpoints: ((digest: string) => void)[]
  readonly snapshots: ((written: SnapshotMeta | null) => void)[]
  readonly restores: (() => void)[]
  readonly deliveries: ((end: SnapshotDelivery) => void)[]
  /** Runs the turns that are due. */
  run(): void
  /** Ends the sync in flight. */
  synced(): void
  nextDeadline: number | null
}

export function harness(
  options: { limits?: Partial<Limits>; initial?: TestEffect[]; lastBatch?: number } = {},
): Harness {
  const core = new ScriptedCore()
  const log: string[] = []
  const tasks: (() => void)[] = []
  let appended = 0
  let sync: { batch: number; done: (batch: number) => void } | null = null
  const h = {
    core,
    log,
    notes: [] as Note[],
    applies: [] as Harness['applies'],
    inOrder: [] as (() => void)[],
    stored: new Map<string, Uint8Array>(),
    checkpoints: [] as Harness['checkpoints'],
    snapshots: [] as Harness['snapshots'],
    restores: [] as (() => void)[],
    deliveries: [] as Harness['deliveries'],
    nextDeadline: null as number | null,
    run() {
      for (let i = 0; i < 1_000 && tasks.length > 0; i++) tasks.shift()?.()
      if (tasks.length > 0) throw new Error('turns without end')
    },
    synced() {
      const ending = sync
      if (ending === null) throw new Error('no sync is in flight')
      sync = null
      ending.done(ending.batch)
    },
  }
  const driver = new Driver<TestMessage, TestRecord>({
    id: 'n1',
    incarnation: 77,
    core,
    effects: options.initial ?? [],
    lastBatch: options.lastBatch ?? 0,
    limits: { electionTimeoutMs: 100, ...options.limits },
    protocol: {
      encodeMessage: (message) => latin1Encode(message.text),
      decodeMessage: (bytes) => {
        const text = latin1Decode(bytes)
        return text.startsWith('!') ? null : { type: 'Test', text }
      },
      encodeRecords: (records) => latin1Encode(records.join('+')),
      lastIndexOf: (records) => records.length,
    },
    ports: {
      wal: {
        append: (batch, payload, { lastIndex, stateRecord }) => {
          appended = batch
          log.push(
            `append ${batch} ${latin1Decode(payload)} last=${lastIndex} ${latin1Decode(stateRecord())}`,
          )
        },
        sync: (done) => {
          if (sync !== null) throw new Error('two syncs in flight')
          log.push('sync')
          sync = { batch: appended, done }
        },
        release: (through) => log.push(`release ${through}`),
      },
      communicator: {
        send: (to, bytes) => log.push(`send ${to} ${latin1Decode(bytes)}`),
        sendSnapshot: (to, snapshot, done) => {
          log.push(`snapshot ${snapshot.index} to ${to}`)
          h.deliveries.push(done)
        },
      },
      machine: {
        apply: (entries, done) => {
          log.push(`apply ${entries.map((entry) => entry.index).join()}`)
          h.applies.push({ entries, done })
        },
        takeCheckpoint: (done) => {
          log.push('take-checkpoint')
          h.checkpoints.push(done)
        },
        takeSnapshot: (_snapshot, done) => {
          log.push('take-snapshot')
          h.snapshots.push(done)
        },
        restore: (_snapshot, done) => {
          log.push('restore')
          h.restores.push(done)
        },
        inOrder: (task) => {
          log.push('in-order')
          h.inOrder.push(task)
        },
        storedAnswer: (session, seq) => h.stored.get(`${session}/${seq}`) ?? null,
        nextDeadline: () => h.nextDeadline,
      },
      scheduler: { soon: (task) => void tasks.push(task) },
      notes: { note: (note) => void h.notes.push(note) },
    },
  })
  return Object.assign(h, { driver })
}

export function request(session: number, seq: number, text = `c${seq}`): Request {
  return { session, seq, ackedThrough: 0, command: latin1Encode(text) }
}

export const bytes = latin1Encode
export const text = latin1Decode

export function send(
  to: string,
  content: string,
  gate: 'none' | 'durable',
): Extract<TestEffect, { type: 'Send' }> {
  return { type: 'Send', to, message: { type: 'Test', text: content }, gate }
}
