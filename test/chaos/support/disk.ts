/** Disks that fail: too small, refusing to sync, or changed behind the node's back. */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { nextInt, type RandomState } from '../../../src/base/random.js'
import type { NodeProcess } from './node-process.js'

const MIB = 1024 * 1024

/** A small file system of its own; needs root. */
export class SmallDisk {
  readonly path: string
  readonly #ballast: string

  constructor(path: string, mib: number) {
    this.path = path
    this.#ballast = join(path, 'ballast')
    mkdirSync(path, { recursive: true })
    run('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', path])
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path)
    return bavail * bsize
  }

  /** Takes all room but so much. */
  fillUpTo(freeMib: number): void {
    const file = openSync(this.#ballast, 'a')
    const block = Buffer.alloc(MIB, 1)
    try {
      while (this.freeBytes > freeMib * MIB)
        writeSync(file, block, 0, Math.min(MIB, this.freeBytes - freeMib * MIB))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    } finally {
      closeSync(file)
    }
  }

  empty(): void {
    rmSync(this.#ballast, { force: true })
  }

  unmount(): void {
    run('umount', ['-l', this.path])
  }
}

/** Throws when the tool is not there: without it nothing would be shown. */
export function requireFiu(): void {
  for (const tool of ['fiu-run', 'fiu-ctrl'])
    if (spawnSync(tool, ['-h']).error !== undefined)
      throw new Error(`${tool} is missing: apt-get install fiu-utils`)
}

const fifo = (node: NodeProcess) => join(node.place.dataDir, '..', `fiu-${node.name}`)

/** What a node is started with so that its system calls can be made to fail later. */
export function fiuRun(node: NodeProcess): string[] {
  return ['fiu-run', '-x', '-f', fifo(node)]
}

/** From now on every fdatasync of the node ends with EIO. */
export function failSyncs(node: NodeProcess): void {
  const EIO = 5
  const command = `enable name=posix/io/sync/fdatasync,failinfo=${EIO}`
  run('fiu-ctrl', ['-f', fifo(node), '-c', command, String(node.pid)])
}

/**
 * Changes some bytes in the log of a stopped node, well before its end: what a disk does that rots. Gives where, for
 * the record.
 */
export function flipBytes(node: NodeProcess, random: RandomState, flips: number): string[] {
  const folder = join(node.place.dataDir, 'wal')
  const segments = readdirSync(folder).filter((one) => one.endsWith('.seg'))
  const name = segments.sort().at(-1)
  if (name === undefined) throw new Error(`${node.name} has no log`)
  const path = join(folder, name)
  const bytes = readFileSync(path)
  const used = bytes.findLastIndex((byte) => byte !== 0)
  const where: string[] = []
  for (let i = 0; i < flips; i++) {
    // Behind the header and the first record, which say whose log it is.
    const at = nextInt(random, 1_024, Math.floor(used * 0.8))
    bytes[at] = (bytes[at] ?? 0) ^ (1 << nextInt(random, 0, 7))
    where.push(`${name} at byte ${at}`)
  }
  writeFileSync(path, bytes)
  return where
}

function run(command: string, args: readonly string[]): void {
  const ran = spawnSync(command, args, { encoding: 'utf8' })
  if (ran.status === 0) return
  const why = ran.error === undefined ? ran.stderr.trim() : String(ran.error)
  throw new Error(`${command} ${args.join(' ')}: ${why}`)
}
