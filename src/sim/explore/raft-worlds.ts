/** The worlds that `quorate explore --protocol raft` searches, each with what it is after. */
import type { Stage } from './begin.js'
import type { Bounds } from './bounds.js'

export interface RaftWorld {
  readonly name: string
  readonly about: string
  readonly bounds: Bounds
  /** From the formed cluster: all nodes in term 1, with the first entry. */
  readonly begin: readonly Stage[]
  /** Elections that `begin` takes. */
  readonly termsBegun: number
  readonly appendEntriesMax?: number
  /** The search ends here at the latest. */
  readonly statesMax: number
  /** All that the bounds allow is to be reached before. */
  readonly whole: boolean
}

const ALL = [0, 1, 2]
const ELECTION = 'election timeout'

const NOTHING: Bounds = {
  terms: 1,
  flights: 4,
  crashes: 0,
  drops: 0,
  duplicates: 0,
  entries: 0,
  timeouts: 0,
  resends: 0,
  stepDowns: 0,
}

const ELECTED: readonly Stage[] = [
  { type: 'elect', at: 0, name: ELECTION, among: ALL },
  { type: 'timer', at: 0, name: 'heartbeat' },
  { type: 'settle', among: ALL },
  { type: 'timer', at: 0, name: 'heartbeat' },
  { type: 'settle', among: ALL },
]

const SPLIT: readonly Stage[] = [
  { type: 'elect', at: 0, name: ELECTION, among: [0, 1] },
  { type: 'elect', at: 2, name: ELECTION, among: [1, 2] },
]

export const RAFT_WORLDS: readonly RaftWorld[] = [
  {
    name: 'smallest',
    about: 'one election, two timeouts',
    bounds: { ...NOTHING, timeouts: 2, flights: 3 },
    begin: [],
    termsBegun: 0,
    statesMax: 200_000,
    whole: true,
  },
  {
    name: 'rivals',
    about: 'two elections, two timeouts',
    bounds: { ...NOTHING, terms: 2, timeouts: 2 },
    begin: [],
    termsBegun: 0,
    statesMax: 1_000_000,
    whole: true,
  },
  {
    name: 'restarts',
    about: 'one election, two timeouts, a crash',
    bounds: { ...NOTHING, timeouts: 2, crashes: 1 },
    begin: [],
    termsBegun: 0,
    statesMax: 1_000_000,
    whole: true,
  },
  {
    name: 'repeats',
    about: 'one election, two timeouts, a drop, a duplicate',
    bounds: { ...NOTHING, timeouts: 2, drops: 1, duplicates: 1 },
    begin: [],
    termsBegun: 0,
    statesMax: 1_000_000,
    whole: true,
  },
  {
    name: 'elections',
    about: 'three elections, three timeouts',
    bounds: { ...NOTHING, terms: 3, timeouts: 3, flights: 3 },
    begin: [],
    termsBegun: 0,
    statesMax: 1_000_000,
    whole: true,
  },
  {
    name: 'entry',
    about: 'an entry and another election, from an elected leader',
    bounds: { ...NOTHING, entries: 1, timeouts: 1, resends: 1 },
    begin: ELECTED,
    termsBegun: 1,
    statesMax: 3_000_000,
    whole: true,
  },
  {
    name: 'entry-lost',
    about: 'an entry, another election, a crash, two drops and a duplicate, from an elected leader',
    bounds: {
      ...NOTHING,
      entries: 1,
      timeouts: 1,
      crashes: 1,
      drops: 2,
      duplicates: 1,
      flights: 3,
    },
    begin: ELECTED,
    termsBegun: 1,
    statesMax: 5_000_000,
    whole: true,
  },
  {
    name: 'entries',
    about: 'two entries and another election, from an elected leader',
    bounds: { ...NOTHING, entries: 2, timeouts: 1 },
    begin: ELECTED,
    termsBegun: 1,
    statesMax: 2_000_000,
    whole: true,
  },
  {
    name: 'faults',
    about: 'three terms, two entries, a crash, two drops and a duplicate, from the formed cluster',
    bounds: {
      ...NOTHING,
      terms: 3,
      entries: 2,
      timeouts: 4,
      crashes: 1,
      drops: 2,
      duplicates: 1,
      resends: 1,
    },
    begin: [],
    termsBegun: 0,
    statesMax: 1_000_000,
    whole: false,
  },
  {
    name: 'split',
    about: 'two leaders of two terms, each with an entry that nobody else has, and one more',
    bounds: { ...NOTHING, timeouts: 2, stepDowns: 1, resends: 1, flights: 3 },
    begin: SPLIT,
    termsBegun: 2,
    appendEntriesMax: 1,
    statesMax: 1_000_000,
    whole: true,
  },
  {
    name: 'figure-8',
    about: 'as in Figure 8 of the paper: the first of the two leads again, and the other may yet',
    bounds: { ...NOTHING, timeouts: 2, stepDowns: 1, resends: 1, flights: 3 },
    begin: [
      ...SPLIT,
      { type: 'timer', at: 0, name: 'no answers from a majority' },
      { type: 'elect', at: 0, name: ELECTION, among: [0, 1] },
    ],
    termsBegun: 3,
    appendEntriesMax: 1,
    statesMax: 4_000_000,
    whole: true,
  },
]
