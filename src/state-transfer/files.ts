/** The snapshot files of a store as the fetcher writes them and the shelf reads them. */
import type { FileError } from '../wal/file-system.js'
import type { SnapshotFile } from '../wal/snapshot-file.js'
import type { SnapshotReader } from '../wal/snapshot-reader.js'
import type { Receiving } from '../wal/snapshot-store.js'
import type { TargetFile } from './fetcher.js'
import type { OpenFile } from './shelf.js'

export interface FileEvents {
  failed(error: FileError): void
  /** It has its name, or is gone. */
  over(): void
}

export function targetFile(
  receiving: Receiving,
  target: SnapshotFile,
  events: FileEvents,
): TargetFile {
  return {
    write: (content, done) =>
      receiving.write(content, (error) => {
        if (error !== null) events.failed(error)
        done(error === null)
      }),
    finish: (done) =>
      receiving.finish(target, (error) => {
        // Each part was verified: a digest that differs now is ours, not a liar's, and no reason to stop.
        if (error !== null && error.code !== 'DIGEST') events.failed(error)
        events.over()
        done(error === null)
      }),
    abort: () => {
      receiving.abort()
      events.over()
    },
  }
}

export function openFile(reader: SnapshotReader, unreadable: (error: FileError) => void): OpenFile {
  return {
    digest: reader.snapshot.digest,
    bytes: reader.snapshot.bytes,
    readAt: (offset, length, done) =>
      reader.readAt(offset, length, (error, bytes) => {
        if (error !== null) unreadable(error)
        done(error === null ? bytes : null)
      }),
    close: () => reader.close(),
  }
}
