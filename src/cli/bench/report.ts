/** From measurements to what is printed. */
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { StatusResponse } from '../../gen/quorate/v1/quorate.js'
import { type LoadResult, percentile } from './load.js'

export interface NodeWork {
  readonly name: string
  /** Null: the node does not count it. */
  readonly fdatasyncs: number | null
  readonly walBytes: number | null
}

export interface Measured {
  readonly name: string
  readonly opsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly errors: number
  readonly acknowledged: number
  readonly unknown: number
  /** By how much the store's revision advanced; null where nothing is written. */
  readonly revisions: number | null
  readonly clientCpu: number
  readonly nodes: readonly NodeWork[]
}

export function measured(
  name: string,
  result: LoadResult,
  revisions: number | null,
  nodes: readonly NodeWork[],
): Measured {
  return {
    name,
    opsPerSecond: Math.round(result.latenciesMs.length / (result.elapsedMs / 1_000)),
    p50Ms: round(percentile(result.latenciesMs, 0.5)),
    p99Ms: round(percentile(result.latenciesMs, 0.99)),
    errors: [...result.errors.values()].reduce((sum, count) => sum + count, 0),
    acknowledged: result.acknowledged,
    unknown: result.unknown,
    revisions,
    clientCpu: round(result.clientCpu),
    nodes,
  }
}

export function workBetween(
  before: readonly StatusResponse[],
  after: readonly StatusResponse[],
): NodeWork[] {
  return after.map((status, i) => {
    const difference = (name: string) => {
      const end = counter(status, name)
      const start = before[i] === undefined ? null : counter(before[i], name)
      return end === null || start === null ? null : end - start
    }
    return {
      name: status.name,
      fdatasyncs: difference('wal_syncs'),
      walBytes: difference('wal_bytes'),
    }
  })
}

function counter(status: StatusResponse, name: string): number | null {
  return status.counters.find((one) => one.name === name)?.value ?? null
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000
}

export const BENCH_HEAD = [
  'name',
  'ops/s',
  'p50 ms',
  'p99 ms',
  'errors',
  'client cores',
  'fdatasyncs a node',
  'WAL MB a node',
] as const

export function benchCells(row: Measured): string[] {
  return [
    row.name,
    row.opsPerSecond.toLocaleString('en-US'),
    row.p50Ms.toFixed(2),
    row.p99Ms.toFixed(2),
    String(row.errors),
    row.clientCpu.toFixed(2),
    row.nodes.map((node) => node.fdatasyncs ?? '?').join(' '),
    row.nodes
      .map((node) => (node.walBytes === null ? '?' : (node.walBytes / 1e6).toFixed(1)))
      .join(' '),
  ]
}

export function benchJson(results: readonly Measured[]): Record<string, unknown> {
  return { commit: commit(), cpus: availableParallelism(), node: process.version, results }
}

/** Of the checkout that runs; `unknown` in an installed package. */
function commit(): string {
  try {
    const cwd = fileURLToPath(new URL('../../..', import.meta.url))
    return execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return 'unknown'
  }
}
