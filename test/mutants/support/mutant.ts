/** `raft-etcd`: Raft, with etcd's machine instead of the simulator's own. */
export type SimProtocolName = 'raft' | 'pbft' | 'raft-etcd'

export interface NamedTest {
  /** Below test/unit. */
  readonly file: string
  /** Part of the test's name, found in no other of the file. */
  readonly test: string
}

/** A bug planted on purpose, to see that the simulator catches it. Nothing in `src` knows of it. */
export interface Mutant {
  /** Under which the simulator looks for it; Raft unless told. */
  readonly protocol?: SimProtocolName
  /** Below `src`. */
  readonly file: string
  /** Matches exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** What the bug is, and where it happened for real if it did. */
  readonly why: string
  /** The first seed, counted from 1, in which a check saw it: as many seeds as it takes. Null: none did. */
  readonly seed: number | null
  /** The check that saw it. */
  readonly caughtBy: string | null
  /** Without a fault it passes 20 seeds; false: some check sees it even then. */
  readonly needsFaults: boolean
  /** A test that passes without it and fails with it. Those of the attack list are in attacks.ts. */
  readonly killer?: NamedTest
}

export interface Named extends Mutant {
  readonly name: string
}

export function occurrences(text: string, part: string): number {
  return text.split(part).length - 1
}

export function mutated(text: string, mutant: Named): string {
  const count = occurrences(text, mutant.find)
  if (count !== 1)
    throw new Error(`${mutant.name}: \`find\` matches ${count} times in src/${mutant.file}`)
  const at = text.indexOf(mutant.find)
  return text.slice(0, at) + mutant.replace + text.slice(at + mutant.find.length)
}
