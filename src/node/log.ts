/** Where a node tells what happens to it; pino satisfies it. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const SILENT: Log = { info() {}, warn() {}, error() {} }
