/**
 * Which configuration is in effect. It is part of the log: in effect from its append on, whether committed or
 * not, and rolled back when its entry is truncated (§6; append-time, as in the thesis).
 */
import type { Index } from '../ids.js'
import { isHole, type Log } from './log.js'
import type { LogEntry } from './messages.js'
import type { ConfigurationAt, State } from './state.js'

/** Every configuration from the snapshot on, oldest first. */
export function configurationsIn(log: Log): ConfigurationAt[] {
  const found: ConfigurationAt[] = []
  if (log.lostBase !== null) found.push({ index: log.offset.index, configuration: log.lostBase })
  if (log.snapshot !== null)
    found.push({ index: log.snapshot.index, configuration: log.snapshot.configuration })
  const base = log.snapshot?.index ?? log.offset.index
  for (const entry of log.entries) {
    if (entry.index <= base) continue
    if (isHole(log, entry.index) && log.told?.index === entry.index) found.push(log.told)
    else noteConfiguration(found, entry)
  }
  return orTold(log, found)
}

/** Where every entry with a configuration is lost, and the one that a shape told of truncated: still whom to ask. */
function orTold(log: Log, found: ConfigurationAt[]): ConfigurationAt[] {
  if (found.length > 0 || log.told === null) return found
  return [{ index: log.offset.index, configuration: log.told.configuration }]
}

export function configurationsAppended(s: State, entries: readonly LogEntry[]): void {
  for (const entry of entries) noteConfiguration(s.configurations, entry)
}

export function configurationsTruncated(s: State, lastIndex: Index): void {
  s.configurations = orTold(
    s.log,
    s.configurations.filter((at) => at.index <= lastIndex),
  )
}

/** Forgets what was superseded at or below a snapshot. */
export function configurationsCompacted(s: State, snapshotIndex: Index): void {
  const current = s.configurations.findLastIndex((at) => at.index <= snapshotIndex)
  if (current > 0) s.configurations = s.configurations.slice(current)
}

export function configurationAt(s: State, index: Index): ConfigurationAt | undefined {
  return s.configurations.findLast((at) => at.index <= index)
}

function noteConfiguration(found: ConfigurationAt[], entry: LogEntry): void {
  if (entry.configuration !== null)
    found.push({ index: entry.index, configuration: entry.configuration })
}
